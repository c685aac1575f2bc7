package show

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// contents tells how much there is, and what counts most.
func contents(r *report.Report) part {
	p := part{Heading: "What is in it"}
	if len(r.Files) == 0 && p.state(r, "files", "nothing") {
		return p
	}
	var size int64
	kinds := map[report.Type]int{}
	setuid := 0
	for i := range r.Files {
		e := &r.Files[i]
		kinds[e.Type]++
		if first(e) {
			size += e.Size
		}
		if e.Type == report.File && e.Mode&0o6000 != 0 {
			setuid++
		}
	}
	p.facts(
		fact{Label: "size", Value: text(Bytes(size))},
		fact{Label: "paths", Value: text(fmt.Sprintf("%s, %s, %s", count(kinds[report.File], "file"),
			many(kinds[report.Directory], "directory", "directories"), count(kinds[report.Symlink], "link")))},
		fact{Label: "packages", Value: text(packagesOf(r))},
		fact{Label: "privileged", Value: text(count(setuid, "file") + " with set-user-ID or set-group-ID")},
	)
	if bars := largest(r.Files, 8); len(bars) > 0 {
		p.Blocks = append(p.Blocks, block{Bars: bars})
	}
	return p
}

// first tells whether an entry is the one of its inode's names whose size counts.
func first(e *report.Entry) bool { return e.Hardlink == "" || e.Hardlink == e.Path }

// packagesOf counts packages by the manager.
func packagesOf(r *report.Report) string {
	counts := map[string]int{}
	for _, p := range r.Packages {
		counts[p.Manager]++
	}
	var parts []string
	for _, m := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d (%s)", counts[m], m))
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}

// largest are the directories at the top and below /usr and /var that hold most.
func largest(files []report.Entry, n int) []bar {
	sums := map[string]int64{}
	for i := range files {
		if e := &files[i]; e.Type == report.File && first(e) {
			sums[topDirectory(e.Path.String())] += e.Size
		}
	}
	var list []bar
	for path, size := range sums {
		list = append(list, bar{path, size, Bytes(size)})
	}
	slices.SortFunc(list, func(a, b bar) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Label, b.Label))
	})
	return list[:min(n, len(list))]
}

// topDirectory is the directory that path counts for; of what no mount shows it
// is the volume.
func topDirectory(path string) string {
	if volume, _, ok := strings.Cut(path, ":/"); ok && !strings.HasPrefix(path, "/") {
		return volume
	}
	parts := strings.SplitN(path, "/", 4)
	switch {
	case len(parts) <= 2:
		return "/"
	case len(parts) == 4 && (parts[1] == "usr" || parts[1] == "var"):
		return "/" + parts[1] + "/" + parts[2]
	default:
		return "/" + parts[1]
	}
}
