package expect

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/lint"
	"github.com/assay-os/assay/report"
)

// validate finds what could never be met as it is written.
func (e *Expectation) validate() error {
	if e.Packages != nil {
		for _, p := range slices.Concat(e.Packages.Present, e.Packages.Absent) {
			if _, err := path.Match(p, ""); err != nil {
				return fmt.Errorf("packages: %q: %w", p, err)
			}
		}
	}
	for _, name := range sortedKeys(e.Files) {
		if err := e.Files[name].validate(); err != nil {
			return fmt.Errorf("files.%q: %w", name, err)
		}
		if !strings.HasPrefix(name, "/") && !strings.Contains(name, ":/") {
			return fmt.Errorf("files.%q: it is not an absolute path", name)
		}
		if strings.HasPrefix(name, "/") && path.Clean(name) != name {
			return fmt.Errorf("files.%q: the path is written %s", name, path.Clean(name))
		}
	}
	if e.SELinux != nil && e.SELinux.Mode != "" && !slices.Contains([]string{"enforcing", "permissive", "disabled"}, e.SELinux.Mode) {
		return fmt.Errorf("selinux.mode: %q is not enforcing, permissive or disabled", e.SELinux.Mode)
	}
	return errors.Join(e.Units.validate(), e.Listening.validate(), e.Lint.validate())
}

// validate refuses addresses that no report has: "22", "tcp/22" would allow nothing.
func (l *Listening) validate() error {
	if l == nil {
		return nil
	}
	for _, address := range l.Allowed {
		if !fromOutside(address) {
			return fmt.Errorf(`listening.allowed: %q is not like "tcp 22" or "udp 127.0.0.1:323"`, address)
		}
	}
	return nil
}

// validate refuses names without their kind, which no unit has: what must not start would never be found.
func (u *Units) validate() error {
	if u == nil {
		return nil
	}
	kinds := []string{".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope"}
	for _, name := range slices.Concat(u.Enabled, u.Disabled, u.Masked, u.Started, u.NotStarted) {
		if !slices.Contains(kinds, path.Ext(name)) {
			return fmt.Errorf("units: %q is not the name of a unit, like %s.service", name, name)
		}
	}
	return nil
}

func (f FileFacts) validate() error {
	if f.Mode != "" {
		if n, err := strconv.ParseUint(f.Mode, 8, 32); err != nil || n > 0o7777 {
			return fmt.Errorf("mode %q is not octal, like 0644", f.Mode)
		}
	}
	types := []report.Type{"", report.File, report.Directory, report.Symlink, report.Char, report.Block, report.FIFO, report.Socket}
	if !slices.Contains(types, report.Type(f.Type)) {
		return fmt.Errorf("type %q is none of %v", f.Type, types[1:])
	}
	if f.Exists != nil && !*f.Exists && f != (FileFacts{Exists: f.Exists}) {
		return errors.New("of what must not exist nothing else can be expected")
	}
	return nil
}

func (l *Lint) validate() error {
	if l == nil {
		return nil
	}
	if l.Worst == "" {
		return errors.New("lint.worst is missing: it is the worst that may be found, none, note, warning or error")
	}
	if !slices.Contains([]string{"none", string(lint.Note), string(lint.Warning), string(lint.Error)}, l.Worst) {
		return fmt.Errorf("lint.worst: %q is not none, note, warning or error", l.Worst)
	}
	for _, name := range l.Ignore {
		if !slices.ContainsFunc(lint.Rules(), func(r lint.Rule) bool { return r.ID == name }) {
			return fmt.Errorf("lint.ignore: there is no rule %q", name)
		}
	}
	return nil
}

// Bytes is a size; 0 is none.
type Bytes int64

// UnmarshalText reads "500 MiB", "2GB" or a number of bytes.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	digits := strings.TrimRight(s, "BKMGTikmgt ")
	n, err := strconv.ParseInt(digits, 10, 64)
	factor, known := units()[strings.TrimSpace(s[len(digits):])]
	if err != nil || n <= 0 || !known || n > 1<<62/factor {
		return fmt.Errorf("%q is not a size like 500 MiB", s)
	}
	*b = Bytes(n * factor)
	return nil
}

func units() map[string]int64 {
	return map[string]int64{
		"": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40,
	}
}
