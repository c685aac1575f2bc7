package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// An Environment is what surrounds one run and must not reach its output.
type Environment struct {
	// Clock is the time that programs in the sandbox see; zero is the machine's own.
	Clock time.Time `json:"clock,omitzero"`
	// Umask is -1 for the caller's.
	Umask int `json:"umask"`
	// Hostname is empty for the machine's own.
	Hostname string `json:"hostname,omitempty"`
	// Directory is the working directory; empty for the caller's.
	Directory string `json:"directory,omitempty"`
	// Variables replace the caller's environment; nil keeps it.
	Variables []string `json:"variables,omitempty"`
	// CPUs is how many processors the run may use; 0 is all.
	CPUs int `json:"cpus,omitempty"`
}

// Plain is the environment of the first run: the caller's own.
func Plain() Environment { return Environment{Umask: -1} }

// Varied is the environment of run n, counted from 1; run 1 is plain. The
// values are fixed, so that a finding can be had again. dir is an empty
// directory of the run.
func Varied(n int, dir string) Environment {
	if n <= 1 {
		return Plain()
	}
	locales := []string{"de_DE.UTF-8", "tr_TR.UTF-8", "C"}
	zones := []string{"Pacific/Chatham", "America/St_Johns", "Asia/Kathmandu"}
	i := (n - 2) % len(locales)
	return Environment{
		Clock:     time.Date(2031+n, time.March, 7, 23, 59, 30, 0, time.UTC),
		Umask:     0o077 >> (3 * (i % 2)),
		Hostname:  fmt.Sprintf("varied-%d.example", n),
		Directory: dir,
		Variables: []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "USER=varied", "LOGNAME=varied", "SHELL=/bin/false",
			"LANG=" + locales[i], "LC_ALL=" + locales[i], "TZ=" + zones[i], "TMPDIR=" + dir,
			"MAKEFLAGS=-j7", "CFLAGS=-O0", "ASSAY_VARIED=" + fmt.Sprint(n),
		},
		CPUs: 1,
	}
}

// Enter makes the calling process live in e. It is called by the process that
// becomes the run; a host name needs a UTS namespace of its own around it. The
// clock is not entered: the sandbox sets it for programs.
func (e Environment) Enter() error {
	if e.Umask >= 0 {
		unix.Umask(e.Umask)
	}
	if e.Hostname != "" {
		if err := unix.Sethostname([]byte(e.Hostname)); err != nil {
			return fmt.Errorf("set host name %s: %w", e.Hostname, err)
		}
	}
	if e.CPUs > 0 {
		if err := restrict(e.CPUs); err != nil {
			return err
		}
	}
	if e.Directory != "" {
		if err := os.Chdir(e.Directory); err != nil {
			return err
		}
	}
	return nil
}

// restrict keeps the process to the first n of the processors that it may use.
func restrict(n int) error {
	var all, some unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return fmt.Errorf("read processor affinity: %w", err)
	}
	for cpu := 0; n > 0 && cpu < 1024; cpu++ {
		if all.IsSet(cpu) {
			some.Set(cpu)
			n--
		}
	}
	if err := unix.SchedSetaffinity(0, &some); err != nil {
		return fmt.Errorf("set processor affinity: %w", err)
	}
	return nil
}

// A Probe is what a process saw of its surroundings.
type Probe struct {
	Umask     string `json:"umask"`
	Hostname  string `json:"hostname"`
	Directory string `json:"directory"`
	Locale    string `json:"locale"`
	TimeZone  string `json:"time_zone"`
	// Environment is the SHA-256 over all variables: their values may be
	// secrets and stand nowhere.
	Environment string `json:"environment"`
	CPUs        int    `json:"cpus"`
	// Clock is what a program in the sandbox printed, seconds since 1970.
	Clock int64 `json:"clock"`
}

// Look reports what this process sees; the clock is left to the sandbox.
func Look() (Probe, error) {
	mask := unix.Umask(0)
	unix.Umask(mask)
	host, err := os.Hostname()
	if err != nil {
		return Probe{}, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return Probe{}, err
	}
	var cpus unix.CPUSet
	if err := unix.SchedGetaffinity(0, &cpus); err != nil {
		return Probe{}, err
	}
	variables := os.Environ()
	slices.Sort(variables)
	sum := sha256.Sum256([]byte(strings.Join(variables, "\x00")))
	return Probe{
		Umask: fmt.Sprintf("%04o", mask), Hostname: host, Directory: dir,
		Locale: os.Getenv("LC_ALL"), TimeZone: os.Getenv("TZ"),
		Environment: hex.EncodeToString(sum[:]), CPUs: cpus.Count(),
	}, nil
}

// A Variation says whether one aspect really differed between two runs.
type Variation struct {
	Name string `json:"name"`
	// A and B are what the probes of the two runs saw.
	A     string `json:"a"`
	B     string `json:"b"`
	Took  bool   `json:"took_effect"`
	Cause string `json:"cause,omitempty"`
}

// clockSlack is how far apart two clocks of runs under one clock may be: runs
// take minutes, a varied clock is years away.
const clockSlack = 30 * 24 * 3600

// Compare lists the variations between two runs by what their probes saw. One
// that did not take effect is told, and is not counted.
func (p Probe) Compare(q Probe) []Variation {
	out := []Variation{
		clockVariation(p, q),
		plain("umask", p.Umask, q.Umask),
		plain("locale", p.Locale, q.Locale),
		plain("time zone", p.TimeZone, q.TimeZone),
		plain("host name", p.Hostname, q.Hostname),
		plain("working directory", p.Directory, q.Directory),
		plain("user environment", p.Environment, q.Environment),
		plain("processors", fmt.Sprint(p.CPUs), fmt.Sprint(q.CPUs)),
	}
	for i := range out {
		if !out[i].Took && out[i].Cause == "" {
			out[i].Cause = "both runs saw the same"
		}
	}
	return out
}

func plain(name, a, b string) Variation { return Variation{Name: name, A: a, B: b, Took: a != b} }

func clockVariation(p, q Probe) Variation {
	v := plain("clock", stamp(p.Clock), stamp(q.Clock))
	if p.Clock == 0 || q.Clock == 0 {
		v.Took, v.Cause = false, "no program in the sandbox could tell the time"
		return v
	}
	v.Took = max(p.Clock-q.Clock, q.Clock-p.Clock) > clockSlack
	return v
}

func stamp(seconds int64) string {
	if seconds == 0 {
		return "unknown"
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
}
