package packages

import (
	"context"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func (c *catalogue) unowned() section.Section {
	return section.Section{Name: "unowned", Source: "the files themselves, and what packages list", Oracle: "rpm -qf, dpkg-query -S", Fill: c.fillUnowned}
}

// leftOut are the places whose files no package is to own: those that are another
// filesystem on a running system, those that may be emptied at any time (FHS 3.0), and the
// package managers' own.
func leftOut() []string {
	return []string{
		"/dev", "/lib/apk/db", "/lost+found", "/proc", "/run", "/sys", "/tmp", "/usr/lib/sysimage/rpm", "/usr/share/rpm", "/var/cache", "/var/lib/apt/lists",
		"/var/lib/dnf", "/var/lib/dpkg", "/var/lib/flatpak", "/var/lib/pacman", "/var/lib/rpm", "/var/lib/yum", "/var/tmp",
	}
}

// maxUnowned bounds the list of paths.
const maxUnowned = 10_000

func (c *catalogue) fillUnowned(ctx context.Context, t *tree.Tree, r *report.Report) error {
	c.load(ctx, t)
	found, err := c.trouble()
	if err != nil {
		return err // what a database owns that could not be read is not known
	}
	if !found {
		return section.Absent("no package manager's database")
	}
	w := &unownedWalk{t: t, owned: c.owned, by: alternativeLinks(t), out: &report.Unowned{Left: leftOut(), Paths: []report.UnownedPath{}}}
	w.walk()
	r.Unowned = w.out
	return nil
}

// An unownedWalk goes over the files of a tree once, in order.
type unownedWalk struct {
	t     *tree.Tree
	owned *claims
	by    map[string]string
	out   *report.Unowned
	// parents are the files' directories, -1 for the root's.
	parents []int32
}

// inLeftOut marks what is below a place that is left out, aboveMore what is in a
// directory for which the list had no room.
const (
	inLeftOut = -1
	inMore    = -2
)

func (w *unownedWalk) walk() {
	w.findParents()
	holds := w.holdsOwned()
	// groups are, for each directory, the number of its line in the list, counted from 1.
	groups := make([]int32, len(w.t.Files))
	for i := range w.t.Files {
		f := &w.t.Files[i]
		directory := f.Node.Type == report.Directory
		if parent := w.parents[i]; parent >= 0 {
			groups[i] = groups[parent]
		}
		if directory && slices.Contains(w.out.Left, f.Path) {
			groups[i] = inLeftOut
		}
		switch {
		case groups[i] == inLeftOut, w.owned.times[i] > 0:
			continue
		case groups[i] == 0 && directory && (holds[i] || f.Path == "/"):
			continue // on the way to what is owned: packages need not list it
		case groups[i] == 0:
			line := w.list(f)
			if directory {
				groups[i] = line
			}
		}
		if !directory {
			w.count(f, groups[i])
		}
	}
}

// list adds a line, and gives its number.
func (w *unownedWalk) list(f *tree.File) int32 {
	if len(w.out.Paths) == maxUnowned {
		w.out.More++
		return inMore
	}
	w.out.Paths = append(w.out.Paths, report.UnownedPath{Path: report.Raw(f.Path), Type: f.Node.Type, By: w.by[f.Path]})
	return int32(len(w.out.Paths))
}

// count counts a file, in all and for the directory whose line tells it.
func (w *unownedWalk) count(f *tree.File, line int32) {
	size := f.Node.Size
	w.out.Files, w.out.Bytes = w.out.Files+1, w.out.Bytes+size
	if line > 0 {
		p := &w.out.Paths[line-1]
		p.Files, p.Bytes = p.Files+1, p.Bytes+size
	}
}

// findParents finds each file's directory, which comes before it.
func (w *unownedWalk) findParents() {
	w.parents = make([]int32, len(w.t.Files))
	directories := map[string]int32{}
	last, at := "", int32(-1)
	for i := range w.t.Files {
		f := &w.t.Files[i]
		if dir := f.Path[:strings.LastIndexByte(f.Path, '/')+1]; dir != last {
			last, at = dir, -1
			if p, ok := directories[strings.TrimSuffix(dir, "/")]; ok {
				at = p
			}
		}
		w.parents[i] = at
		if f.Node.Type == report.Directory {
			directories[strings.TrimSuffix(f.Path, "/")] = int32(i)
			if f.Path == "/" {
				w.parents[i], last = -1, ""
			}
		}
	}
}

// holdsOwned tells of each directory whether something below it is owned.
func (w *unownedWalk) holdsOwned() []bool {
	holds := make([]bool, len(w.t.Files))
	for i, times := range w.owned.times {
		if times == 0 {
			continue
		}
		for p := w.parents[i]; p >= 0 && !holds[p]; p = w.parents[p] {
			holds[p] = true
		}
	}
	return holds
}

// alternativeLinks are the links that update-alternatives makes.
func alternativeLinks(t *tree.Tree) map[string]string {
	r := &report.Report{}
	_ = fillAlternatives(context.Background(), t, r) // its own section tells the trouble
	by := map[string]string{}
	mark := func(name string, link report.Raw) {
		by["/etc/alternatives/"+name] = "alternatives"
		if f, err := t.Lstat(string(link)); err == nil && f.Node.Type == report.Symlink {
			by[f.Path] = "alternatives"
		}
	}
	for _, a := range r.Alternatives {
		mark(a.Name, a.Link)
		for _, s := range a.Slaves {
			mark(s.Name, s.Link)
		}
	}
	return by
}
