package lint

import (
	"slices"
	"strings"
	"time"

	"github.com/assay-os/assay/report"
)

// A subject is a report with what rules look up in it.
type subject struct {
	*report.Report
	at time.Time
}

func newSubject(r *report.Report, o Options) *subject {
	s := &subject{r, o.At}
	if s.at.IsZero() {
		for i := range r.Files {
			if r.Files[i].Mtime.After(s.at) {
				s.at = r.Files[i].Mtime
			}
		}
	}
	return s
}

// missing is the first of the sections that was not read, and why. One that the report
// has no word of was made by a version that did not know it.
func (s *subject) missing(sections []string) (section, reason string) {
	for _, name := range sections {
		state, recorded := s.Sections[name]
		switch {
		case !recorded && name == "disk" && s.Disk == nil:
			// A tree has nothing around it.
		case !recorded:
			return name, "the report does not have it; make the report again"
		case state.Status == report.Unread:
			return name, state.Reason
		}
	}
	return "", ""
}

// has tells whether a section was read and is there.
func (s *subject) has(section string) bool { return s.Sections[section].Status == report.OK }

// below are the entries in a directory, at any depth.
func (s *subject) below(dir string) []report.Entry {
	from, _ := slices.BinarySearchFunc(s.Files, dir+"/", func(e report.Entry, p string) int { return strings.Compare(string(e.Path), p) })
	to := from
	for to < len(s.Files) && strings.HasPrefix(string(s.Files[to].Path), dir+"/") {
		to++
	}
	return s.Files[from:to]
}

// files are the regular files with content in a directory, at any depth.
func (s *subject) files(dir string) []report.Entry {
	var list []report.Entry
	for _, e := range s.below(dir) {
		if e.Type == report.File && e.Size > 0 {
			list = append(list, e)
		}
	}
	return list
}

// matching are entries for which fn holds.
func (s *subject) matching(fn func(e *report.Entry) bool) []found {
	var list []found
	for i := range s.Files {
		if fn(&s.Files[i]) {
			list = append(list, found{path: s.Files[i].Path})
		}
	}
	return list
}

// resolve tells whether a name leads to anything in the image. Below /dev, /proc, /run
// and /sys there is more in a running system: that is taken for there.
func (s *subject) resolve(name string) bool {
	place, e := s.Resolve(name, true)
	return e != nil || atRuntime(place)
}

// atRuntime tells whether a path lies where the kernel or a boot puts files.
func atRuntime(p string) bool {
	return slices.ContainsFunc([]string{"/dev/", "/proc/", "/run/", "/sys/"}, func(dir string) bool {
		return strings.HasPrefix(p+"/", dir)
	})
}

// each makes a finding with one message of each path.
func each(list []found, message string) []found {
	for i := range list {
		list[i].message = message
	}
	return list
}
