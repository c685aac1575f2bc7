package report

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// maxLinks is Linux' own bound: path_resolution(7).
const maxLinks = 40

// Entry is what the report has at a clean path, no link followed; nil for nothing.
func (r *Report) Entry(p string) *Entry {
	i, ok := slices.BinarySearchFunc(r.Files, p, func(e Entry, p string) int { return strings.Compare(string(e.Path), p) })
	if !ok {
		return nil
	}
	return &r.Files[i]
}

// Resolve finds a name as the system in the report would: links of its directories are
// followed, and the last one where last says so. It gives the place that the name leads to and
// what is there. Where there is nothing the entry is nil, and the place the first part that is
// missing; it is empty for links without end. What no mount shows ("partition 3:/EFI") has no
// root to begin at, and stands for itself.
func (r *Report) Resolve(name string, last bool) (place string, e *Entry) {
	if !strings.HasPrefix(name, "/") {
		return name, r.Entry(name)
	}
	at, todo, links, missing := "/", strings.FieldsFunc(name, isSlash), 0, ""
	for len(todo) > 0 {
		next := path.Join(at, todo[0])
		todo = todo[1:]
		e := r.Entry(next)
		if e == nil { // archives may leave directories out
			at, missing = next, cmp.Or(missing, next)
			continue
		}
		if e.Type != Symlink || len(todo) == 0 && !last {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", nil
		}
		target := string(e.Target)
		if strings.HasPrefix(target, "/") {
			at = "/"
		}
		todo = append(strings.FieldsFunc(target, isSlash), todo...)
	}
	if e := r.Entry(at); e != nil {
		return at, e
	}
	return cmp.Or(missing, at), nil
}

func isSlash(c rune) bool { return c == '/' }
