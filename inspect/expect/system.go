package expect

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/lint"
	"github.com/assay-os/assay/report"
)

func (e *Expectation) checkOS(c *checker) {
	for _, key := range sortedKeys(e.OS) {
		expected := "os." + key
		if c.known(expected, "os-release") {
			c.say(expected, differs(e.OS[key], c.OSRelease[strings.ToUpper(key)]))
		}
	}
}

// differs says what is there in place of what should be.
func differs(want, got string) string {
	switch {
	case want == got:
		return ""
	case got == "":
		return fmt.Sprintf("nothing, not %s", want)
	}
	return fmt.Sprintf("%s, not %s", got, want)
}

func (e *Expectation) checkPackages(c *checker) {
	if e.Packages == nil {
		return
	}
	for _, pattern := range e.Packages.Present {
		expected := "packages.present " + pattern
		if c.known(expected, "packages") {
			off := ""
			if len(c.packages(pattern, installed)) == 0 {
				off = "it is not installed"
			}
			c.say(expected, off)
		}
	}
	for _, pattern := range e.Packages.Absent {
		expected := "packages.absent " + pattern
		if c.known(expected, "packages") {
			off := strings.Join(c.packages(pattern, there), ", ")
			if off != "" {
				off += " is installed"
			}
			c.say(expected, off)
		}
	}
}

// packages are those that match a pattern and are in a state.
func (c *checker) packages(pattern string, in func(state string) bool) []string {
	var list []string
	for _, p := range c.Packages {
		if ok, err := path.Match(pattern, p.Name); err == nil && ok && in(p.State) {
			list = append(list, p.Name)
		}
	}
	return slices.Compact(list)
}

// installed tells whether a package is there and ready.
func installed(state string) bool { return state == "" || strings.HasSuffix(state, " installed") }

// there tells whether files of a package are there but for its configuration: one that is
// unpacked is not installed, and its programs run.
func there(state string) bool {
	return !strings.HasSuffix(state, " config-files") && !strings.HasSuffix(state, " not-installed")
}

func (e *Expectation) checkLogins(c *checker) {
	const expected = "logins.allowed"
	if e.Logins == nil || !c.known(expected, "logins") {
		return
	}
	var names []string
	for _, l := range c.Logins {
		switch {
		case len(l.Ways) > 0:
			names = append(names, l.Name)
		case len(l.Conditions) > 0 && !slices.Contains(e.Logins.Allowed, l.Name):
			c.unknown(expected, fmt.Sprintf("%s may have a way where sshd's block %s holds", l.Name, strings.Join(l.Conditions, ", ")))
		}
	}
	if off := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(e.Logins.Allowed, n) }); len(off) > 0 || !c.asked(expected) {
		c.only(expected, e.Logins.Allowed, names)
	}
}

// unknown records that an expectation cannot be decided.
func (c *checker) unknown(expected, why string) {
	c.outcomes = append(c.outcomes, Outcome{Expected: expected, State: Unknown, Found: why})
}

// asked tells whether there is an outcome of the expectation.
func (c *checker) asked(expected string) bool {
	return slices.ContainsFunc(c.outcomes, func(o Outcome) bool { return o.Expected == expected })
}

func (e *Expectation) checkPrivileged(c *checker) {
	if e.Privileged == nil {
		return
	}
	for _, kind := range []struct {
		name    string
		bit     report.Mode
		allowed *[]string
	}{{"setuid", 0o4000, e.Privileged.Setuid}, {"setgid", 0o2000, e.Privileged.Setgid}} {
		expected := "privileged." + kind.name
		if kind.allowed == nil || !c.known(expected, "privileged") {
			continue
		}
		var there []string
		for _, p := range c.Privileged {
			if p.Mode&kind.bit != 0 {
				there = append(there, p.Path.String())
			}
		}
		c.only(expected, *kind.allowed, there)
	}
	const expected = "privileged.capabilities"
	if e.Privileged.Capabilities != nil && c.known(expected, "capabilities") {
		var there []string
		for _, f := range c.Capabilities {
			there = append(there, f.Path.String())
		}
		c.only(expected, *e.Privileged.Capabilities, there)
	}
}

func (e *Expectation) checkUnits(c *checker) {
	if e.Units == nil {
		return
	}
	if want := e.Units.Default; want != "" && c.known("units.default", "services") {
		c.say("units.default", differs(want, c.Services.DefaultTarget))
	}
	for _, state := range []struct {
		name        string
		want, there []string
	}{
		{"enabled", e.Units.Enabled, c.Services.Enabled}, {"disabled", e.Units.Disabled, c.Services.Disabled}, {"masked", e.Units.Masked, c.Services.Masked},
	} {
		for _, unit := range state.want {
			expected := "units." + state.name + " " + unit
			if c.known(expected, "services") {
				off := ""
				if !slices.Contains(state.there, unit) {
					off = "it is not " + state.name
				}
				c.say(expected, off)
			}
		}
	}
	e.checkStarted(c)
}

func (e *Expectation) checkStarted(c *checker) {
	started := c.started()
	for _, l := range []struct {
		name, off string
		want      bool
		units     []string
	}{
		{"units.started ", "boot does not start it", true, e.Units.Started},
		{"units.not_started ", "boot starts it, or may", false, e.Units.NotStarted},
	} {
		for _, unit := range l.units {
			if !c.known(l.name+unit, "startup", "units") {
				continue
			}
			off := ""
			if started[unit] != l.want {
				off = l.off
			}
			c.say(l.name+unit, off)
		}
	}
}

// started are the names of units that boot starts, or may start, those of their aliases too.
func (c *checker) started() map[string]bool {
	started := map[string]bool{}
	for _, u := range c.Startup {
		started[u.Name] = u.State == "loaded"
	}
	for _, u := range c.Units {
		if u.Of != "" && started[u.Of] {
			started[u.Name] = true
		}
	}
	return started
}

func (e *Expectation) checkListening(c *checker) {
	const expected = "listening.allowed"
	if e.Listening == nil || !c.known(expected, "listening", "startup", "units") {
		return
	}
	var there []string
	started := c.started() // by what a unit's own text wants, too, which is no link
	for _, l := range c.Listening {
		if (l.Enabled || started[l.Unit]) && fromOutside(l.Address) {
			there = append(there, l.Address)
		}
	}
	c.only(expected, e.Listening.Allowed, there)
}

// fromOutside tells whether another machine can reach an address: one in the file
// system or of the kernel it cannot.
func fromOutside(address string) bool {
	kind, _, _ := strings.Cut(address, " ")
	return slices.Contains([]string{"tcp", "udp", "sctp", "vsock"}, kind)
}

func (e *Expectation) checkSELinux(c *checker) {
	if e.SELinux == nil {
		return
	}
	if want := e.SELinux.Mode; want != "" && c.known("selinux.mode", "selinux") {
		got := "disabled"
		if c.SELinux != nil {
			got = c.SELinux.ModeAtBoot
		}
		c.say("selinux.mode", differs(want, got))
	}
	if most := e.SELinux.Mismatches; most != nil && c.known("selinux.mismatches", "selinux-mismatches") {
		off := ""
		if x := c.SELinux; x != nil && x.FileContexts != nil && x.Labelled == 0 && x.Unlabelled > *most {
			off = fmt.Sprintf("none of %d files has a label", x.Unlabelled)
		} else if n := len(c.SELinuxMismatches); n > *most {
			off = fmt.Sprintf("wrong labels: %d, not %d at most; the first is that of %s", n, *most, c.SELinuxMismatches[0].Path)
		}
		c.say("selinux.mismatches", off)
	}
}

func (e *Expectation) checkKernel(c *checker) {
	if e.Kernel == nil {
		return
	}
	for _, word := range e.Kernel.Has {
		c.cmdline("kernel.has "+word, word, true)
	}
	for _, word := range e.Kernel.Lacks {
		c.cmdline("kernel.lacks "+word, word, false)
	}
}

// cmdline requires a word in the command line of every boot entry, or in none. An entry
// whose line depends on a variable without a known value may have any word.
func (c *checker) cmdline(expected, word string, want bool) {
	if !c.known(expected, "boot", "kernel-cmdline") {
		return
	}
	off, unset, entries := "", "", 0
	for _, l := range c.KernelCmdline {
		if l.Kind == "setting" {
			continue
		}
		entries++
		switch has := slices.Contains(strings.Fields(l.Text), word); {
		case !has && len(l.Unset) > 0:
			unset = fmt.Sprintf("%q of %s has $%s, whose value is not known", l.Name, l.Source, l.Unset[0])
		case has != want:
			off = fmt.Sprintf("it is %sin the command line of %q of %s", map[bool]string{true: "not "}[want], l.Name, l.Source)
		}
	}
	switch {
	case off == "" && unset != "":
		c.unknown(expected, unset)
		return
	case want && entries == 0:
		off = "there is no boot entry"
	}
	c.say(expected, off)
}

func (e *Expectation) checkSysctl(c *checker) {
	there := map[string]string{}
	for _, s := range c.Sysctl {
		there[s.Key] = s.Value
	}
	for _, key := range sortedKeys(e.Sysctl) {
		if c.known("sysctl."+key, "sysctl") {
			c.say("sysctl."+key, differs(e.Sysctl[key], there[key]))
		}
	}
}

func (e *Expectation) checkLint(c *checker) {
	const expected = "lint.worst"
	if e.Lint == nil {
		return
	}
	result := lint.Check(c.Report, lint.Options{Ignore: e.Lint.Ignore})
	for _, u := range result.Unjudged {
		c.outcomes = append(c.outcomes, Outcome{Expected: expected, State: Unknown, Found: fmt.Sprintf("rule %s: section %s: %s", u.Rule, u.Section, u.Reason)})
	}
	off := false
	for _, f := range result.Findings {
		if e.Lint.Worst == "none" || f.Level != lint.Level(e.Lint.Worst) && f.Level.AtLeast(lint.Level(e.Lint.Worst)) {
			c.say(expected, fmt.Sprintf("%s %s: %s: %s", f.Level, f.Rule, f.Path, f.Message))
			off = true
		}
	}
	if !off && len(result.Unjudged) == 0 {
		c.say(expected, "")
	}
}
