// Package expect holds a report against expectations that a person wrote down:
// what must be installed, who may log in, what may run with rights of its own,
// what listens, what starts, how large an image may be.
//
//	expected, err := expect.Parse(data)
//	result := expected.Check(r)
//
// An expectation about what the report could not read is neither met nor
// unmet: it is [Unknown], with the reason.
package expect

import (
	"fmt"
	"maps"
	"slices"

	"github.com/assay-os/assay/report"
)

// An Expectation is the document. What it leaves out is not asked; an empty list is
// an expectation: setuid = [] allows no setuid program at all.
type Expectation struct {
	OS         map[string]string    `toml:"os"`
	Packages   *Packages            `toml:"packages"`
	Logins     *Logins              `toml:"logins"`
	Privileged *Privileged          `toml:"privileged"`
	Units      *Units               `toml:"units"`
	Listening  *Listening           `toml:"listening"`
	SELinux    *SELinux             `toml:"selinux"`
	Kernel     *Kernel              `toml:"kernel"`
	Sysctl     map[string]string    `toml:"sysctl"`
	Files      map[string]FileFacts `toml:"files"`
	Size       *Size                `toml:"size"`
	Lint       *Lint                `toml:"lint"`
}

// Packages are names, or patterns of path.Match's form ("linux-image-*").
type Packages struct {
	Present []string `toml:"present"`
	Absent  []string `toml:"absent"`
}

// Logins are the users who may log in, by whatever way, and no others. Who need
// not be able to.
type Logins struct {
	Allowed []string `toml:"allowed"`
}

// Privileged are all programs with rights of their own, by path, and no others.
type Privileged struct {
	Setuid       *[]string `toml:"setuid"`
	Setgid       *[]string `toml:"setgid"`
	Capabilities *[]string `toml:"capabilities"`
}

// Units are names of systemd's. Enabled, Disabled and Masked are what must be so;
// Started what boot must start, NotStarted what it must not.
type Units struct {
	Default    string   `toml:"default"`
	Enabled    []string `toml:"enabled"`
	Disabled   []string `toml:"disabled"`
	Masked     []string `toml:"masked"`
	Started    []string `toml:"started"`
	NotStarted []string `toml:"not_started"`
}

// Listening are the addresses at which the image listens after boot to other machines
// (tcp, udp, sctp, vsock) as the report writes them, "tcp 22", and no others.
type Listening struct {
	Allowed []string `toml:"allowed"`
}

// SELinux is the mode at boot, and how many labels may be wrong.
type SELinux struct {
	Mode       string `toml:"mode"`
	Mismatches *int   `toml:"mismatches"`
}

// Kernel are the words that every boot entry's command line must and must not have.
type Kernel struct {
	Has   []string `toml:"has"`
	Lacks []string `toml:"lacks"`
}

// FileFacts are what must hold of one path.
type FileFacts struct {
	Exists  *bool  `toml:"exists"`
	Type    string `toml:"type"`
	Mode    string `toml:"mode"`
	Owner   string `toml:"owner"`
	Group   string `toml:"group"`
	SHA256  string `toml:"sha256"`
	Target  string `toml:"target"`
	Label   string `toml:"label"`
	Package string `toml:"package"`
}

// Size bounds an image: "500 MiB", "2 GB" or a number of bytes.
type Size struct {
	Disk  Bytes `toml:"disk"`
	Tree  Bytes `toml:"tree"`
	Files int   `toml:"files"`
}

// Lint is the worst level that findings may have ("note", "warning"; "none" for no
// finding at all), and the rules that are not asked.
type Lint struct {
	Worst  string   `toml:"worst"`
	Ignore []string `toml:"ignore"`
}

// State says how an expectation came out.
type State string

// The states.
const (
	Met     State = "met"
	Unmet   State = "unmet"
	Unknown State = "unknown"
)

// An Outcome is one expectation and how it came out.
type Outcome struct {
	// Expected is the place in the document: "packages.present telnet".
	Expected string `json:"expected"`
	State    State  `json:"state"`
	// Found says what is off, or why it cannot be known; empty for what is met.
	Found string `json:"found,omitempty"`
}

// A Result has all outcomes, in the document's order of themes.
type Result struct {
	Outcomes []Outcome `json:"outcomes"`
}

// Count is how many outcomes have a state.
func (r *Result) Count(state State) int {
	n := 0
	for _, o := range r.Outcomes {
		if o.State == state {
			n++
		}
	}
	return n
}

// Check holds r against the expectation.
func (e *Expectation) Check(r *report.Report) *Result {
	c := &checker{Report: r}
	for _, check := range []func(*checker){
		e.checkOS, e.checkPackages, e.checkLogins, e.checkPrivileged, e.checkUnits, e.checkListening,
		e.checkSELinux, e.checkKernel, e.checkSysctl, e.checkFiles, e.checkSize, e.checkLint,
	} {
		check(c)
	}
	return &Result{Outcomes: c.outcomes}
}

// A checker collects the outcomes.
type checker struct {
	*report.Report
	outcomes []Outcome
}

// say records an outcome: off says what is wrong, nothing where all is right.
func (c *checker) say(expected, off string) {
	o := Outcome{Expected: expected, State: Met, Found: off}
	if off != "" {
		o.State = Unmet
	}
	c.outcomes = append(c.outcomes, o)
}

// known tells whether the sections were read; where one was not, that is the
// outcome of what is expected.
func (c *checker) known(expected string, sections ...string) bool {
	for _, name := range sections {
		s, recorded := c.Sections[name]
		why := s.Reason
		if !recorded {
			why = "the report does not have it"
		}
		if !recorded || s.Status == report.Unread {
			c.outcomes = append(c.outcomes, Outcome{Expected: expected, State: Unknown, Found: fmt.Sprintf("section %s: %s", name, why)})
			return false
		}
	}
	return true
}

// only says of each thing that is there and not allowed that it is, or that all are.
func (c *checker) only(expected string, allowed, there []string) {
	off := false
	for _, name := range slices.Compact(slices.Sorted(slices.Values(there))) {
		if !slices.Contains(allowed, name) {
			c.say(expected, name+" is not allowed")
			off = true
		}
	}
	if !off {
		c.say(expected, "")
	}
}

// sortedKeys are a table's keys in an order that stays.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
