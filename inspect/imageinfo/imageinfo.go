// Package imageinfo writes a report in the form of osbuild's osbuild-image-info,
// and reads such documents, for who compares with old ones.
//
// [Document] makes upstream's keys from a report; [Keys] is the one list of them,
// each with what is known to differ and why. [Decode] makes a report of upstream's
// document: what image-info does not record is unread in it, so that a verdict
// over it is never better than inconclusive. [Reduce] leaves of a report what
// image-info would have told, so that it compares with a decoded one.
//
// The package looks at no image: everything it writes stands in the report.
package imageinfo

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// Encode writes the document as upstream does: keys sorted, two spaces of indentation.
func Encode(w io.Writer, r *report.Report) error {
	if err := report.NewEncoder(w, "  ").Encode(Document(r)); err != nil {
		return fmt.Errorf("write image-info: %w", err)
	}
	return nil
}

// Document is upstream's report: a value for each key that it would have.
func Document(r *report.Report) map[string]any {
	f := newFacts(r)
	doc := map[string]any{}
	for _, k := range Keys() {
		if k.system && !f.system {
			continue
		}
		if value := k.value(f); value != nil {
			doc[k.Name] = value
		}
	}
	return doc
}

// A Key is one key of upstream's report.
type Key struct {
	Name string
	// Section is the section of the report that it is made from.
	Section string
	// Difference says where the value is not upstream's, and why; empty where it always is.
	Difference string
	// Missing says that the report does not hold what the key tells.
	Missing bool
	// system keys are there only where there is an os-release.
	system bool
	// value gives nil where upstream would leave the key out.
	value func(*facts) any
}

// facts is a report, with the configuration files by path.
type facts struct {
	*report.Report
	lines map[string][]string
	paths []string
	// system tells whether the subject holds a system, by upstream's measure.
	system bool
	ostree bool
}

func newFacts(r *report.Report) *facts {
	f := &facts{Report: r, lines: map[string][]string{}, ostree: r.Subject.Kind == kindCommit}
	for _, c := range r.ConfigFiles {
		name := c.Path
		if rest, ok := strings.CutPrefix(name, "/usr/etc/"); ok && f.ostree {
			name = "/etc/" + rest // upstream binds it there
		}
		f.lines[name] = c.Lines
		f.paths = append(f.paths, name)
	}
	slices.Sort(f.paths)
	_, f.system = f.lines["/etc/os-release"]
	return f
}

// matching are the files that a pattern names.
func (f *facts) matching(glob string) []string {
	var found []string
	for _, p := range f.paths {
		if ok, err := path.Match(glob, p); err == nil && ok {
			found = append(found, p)
		}
	}
	return found
}

// grouped is what upstream's _read_glob_paths_with_parser gives: directory, file,
// content. A file of which parse makes nothing is left out.
func grouped[T any](f *facts, parse func([]string) (T, bool), globs ...string) any {
	found := map[string]map[string]T{}
	for _, glob := range globs {
		dir := path.Dir(glob)
		for _, name := range f.matching(glob) {
			value, ok := parse(f.lines[name])
			if !ok {
				continue
			}
			if found[dir] == nil {
				found[dir] = map[string]T{}
			}
			found[dir][path.Base(name)] = value
		}
	}
	return filled(found)
}

// filled is m, or nil where it is empty.
func filled[M ~map[K]V, K comparable, V any](m M) any {
	if len(m) == 0 {
		return nil
	}
	return m
}

func filledList[T any](list []T) any {
	if len(list) == 0 {
		return nil
	}
	return list
}

func commented(marks string) func([]string) ([]string, bool) {
	return func(lines []string) ([]string, bool) {
		out := withoutComments(lines, marks)
		return out, len(out) > 0
	}
}

// text is the first line of a file, trimmed of what upstream trims.
func (f *facts) text(name string) (string, bool) {
	lines, ok := f.lines[name]
	return strings.TrimSpace(strings.Join(lines, "\n")), ok
}

func (f *facts) environment(name string) any {
	if lines, ok := f.lines[name]; ok {
		return filled(environment(lines))
	}
	return nil
}
