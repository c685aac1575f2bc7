package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/assay-os/assay/diff"
	"github.com/assay-os/assay/report"
)

// A page is a report for people. Every text of the image goes through
// [diff.Printable]: an image must not write to the reader's terminal.
type page struct {
	w      io.Writer
	r      *report.Report
	colour bool
	err    error
}

func writePage(w io.Writer, r *report.Report, colour bool) error {
	p := &page{w: w, r: r, colour: colour}
	p.identity()
	p.disk()
	p.mapped()
	p.container()
	p.boots()
	p.logins()
	p.running()
	p.content()
	p.odd()
	return p.err
}

// line prints one line; texts among args are made safe.
func (p *page) line(format string, args ...any) {
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = printable(a)
		case report.Raw:
			args[i] = diff.Printable(a.String())
		}
	}
	if _, err := fmt.Fprintln(p.w, strings.TrimRight(fmt.Sprintf(format, args...), " ")); err != nil {
		p.err = cmp.Or(p.err, err)
	}
}

// printable also takes out bytes that are not UTF-8: some terminals read 0x9b
// as the start of a control sequence.
func printable(s string) string { return diff.Printable(strings.ToValidUTF8(s, "\ufffd")) }

// heading begins a part of the page.
func (p *page) heading(text string) {
	if p.colour {
		text = "\x1b[1m" + text + "\x1b[0m"
	}
	if _, err := fmt.Fprintf(p.w, "\n%s\n", text); err != nil {
		p.err = cmp.Or(p.err, err)
	}
}

// identity tells what the subject is.
func (p *page) identity() {
	unnamed := "no operating system that tells its name"
	if p.r.Sections["os-release"].Status == report.Unread {
		unnamed = "an operating system whose name was not read"
	}
	name := cmp.Or(p.r.OSRelease["PRETTY_NAME"], p.r.OSRelease["NAME"], unnamed)
	p.line("%s", name)
	kind := p.r.Subject.Kind
	if p.r.Subject.Format != "" && p.r.Subject.Format != kind {
		kind += ", " + p.r.Subject.Format
	}
	if p.r.Disk != nil && p.r.Disk.Filesystem != nil {
		kind += ", " + p.r.Disk.Filesystem.Type
	}
	if p.r.Disk != nil {
		kind += ", " + bytesOf(p.r.Disk.Size)
	}
	p.line("%s", kind)
}

func (p *page) disk() {
	if p.r.Disk == nil || len(p.r.Disk.Partitions) == 0 {
		return
	}
	p.heading("Partitions (" + p.r.Disk.PartitionTable + ")")
	for _, x := range p.r.Disk.Partitions {
		fs, at := "no filesystem", ""
		if x.Filesystem != nil {
			fs, at = x.Filesystem.Type, x.Filesystem.Mountpoint
		}
		p.line("  %2d  %10s  %-14s %-10s %s", x.Index, bytesOf(x.Size), fs, at, x.Label)
	}
}

// mapped tells what stands on the partitions.
func (p *page) mapped() {
	if p.r.Disk == nil || len(p.r.Disk.Mapped) == 0 {
		return
	}
	p.heading("Mapped devices")
	for _, x := range p.r.Disk.Mapped {
		fs, at := "no filesystem", ""
		if x.Filesystem != nil {
			fs, at = x.Filesystem.Type, x.Filesystem.Mountpoint
		}
		p.line("  %-30s %-6s %10s  %-14s %-10s on %s", x.Name, x.Type, bytesOf(x.Size), fs, at, strings.Join(x.Members, ", "))
	}
}

func (p *page) boots() {
	p.heading("How it boots")
	if p.state("boot", "no way to boot was found") {
		return
	}
	for _, b := range p.r.Boot {
		mark := " "
		if b.Default {
			mark = "*"
		}
		p.line("  %s %s", mark, b.Title)
		p.line("      %s %s", b.Linux, b.Options)
	}
}

// state prints why there is nothing to show for a section, if so.
func (p *page) state(section, absent string) bool {
	switch s := p.r.Sections[section]; s.Status {
	case report.Absent:
		p.line("  %s", absent)
		return true
	case report.Unread:
		p.line("  not read: %s", s.Reason)
		return s.Reason != ""
	}
	return false
}

// logins tells who can log in: who has a password or a key, and a shell.
func (p *page) logins() {
	p.heading("Who can log in")
	if p.state("users", "no users") {
		return
	}
	found := false
	for _, u := range p.r.Users {
		if !canLogIn(u) {
			continue
		}
		found = true
		var how []string
		switch u.Password {
		case "locked":
		case "none":
			how = append(how, "WITHOUT A PASSWORD")
		default:
			how = append(how, "password ("+u.Password+")")
		}
		if u.Keys > 0 {
			how = append(how, count(u.Keys, "key"))
		}
		p.line("  %-16s uid %-6d %s, %s", u.Name, u.UID, u.Shell, strings.Join(how, ", "))
	}
	if !found {
		p.line("  nobody: no user with a shell has a password or a key")
	}
}

func canLogIn(u report.User) bool {
	shell := !strings.HasSuffix(u.Shell, "/nologin") && !strings.HasSuffix(u.Shell, "/false")
	return shell && (u.Password != "locked" || u.Keys > 0)
}

func (p *page) running() {
	p.heading("What runs")
	if p.state("services", "no systemd units") {
		return
	}
	s := p.r.Services
	p.line("  default target  %s", cmp.Or(s.DefaultTarget, "none"))
	p.wrap("  enabled         ", s.Enabled)
	p.wrap("  masked          ", s.Masked)
	p.line("  disabled        %s", count(len(s.Disabled), "unit"))
}

// wrap prints a list of names in lines of at most 78 columns.
func (p *page) wrap(label string, names []string) {
	if len(names) == 0 {
		names = []string{"none"}
	}
	line := label
	for _, n := range names {
		if n = printable(n); len(line) > len(label) && len(line)+1+len(n) > 78 {
			p.line("%s", line)
			line = strings.Repeat(" ", len(label))
		}
		if len(line) > len(label) {
			line += " "
		}
		line += n
	}
	p.line("%s", line)
}

// content tells how much there is, and what counts most.
func (p *page) content() {
	p.heading("What is in it")
	if len(p.r.Files) == 0 && p.state("files", "nothing") {
		return
	}
	var size int64
	kinds := map[report.Type]int{}
	setuid := 0
	for _, e := range p.r.Files {
		kinds[e.Type]++
		if e.Hardlink == "" || e.Hardlink == e.Path {
			size += e.Size
		}
		if e.Type == report.File && e.Mode&0o6000 != 0 {
			setuid++
		}
	}
	p.line("  %s in %s, %s, %s", bytesOf(size), count(kinds[report.File], "file"),
		many(kinds[report.Directory], "directory", "directories"), count(kinds[report.Symlink], "link"))
	p.line("  %s, %s with set-user-ID or set-group-ID", count(len(p.r.Packages), "package"), count(setuid, "file"))
	for _, d := range largest(p.r.Files, 8) {
		p.line("  %10s  %s", bytesOf(d.size), d.path)
	}
}

// A usage is how much lies below a directory.
type usageOf struct {
	path string
	size int64
}

// largest are the directories at the top and below /usr and /var that hold most.
func largest(files []report.Entry, n int) []usageOf {
	sums := map[string]int64{}
	for _, e := range files {
		if e.Type == report.File && (e.Hardlink == "" || e.Hardlink == e.Path) {
			sums[topDirectory(string(e.Path))] += e.Size
		}
	}
	var list []usageOf
	for path, size := range sums {
		list = append(list, usageOf{path, size})
	}
	slices.SortFunc(list, func(a, b usageOf) int {
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.path, b.path))
	})
	return list[:min(n, len(list))]
}

func topDirectory(path string) string {
	parts := strings.SplitN(path, "/", 4)
	switch {
	case len(parts) == 2:
		return "/"
	case len(parts) == 4 && (parts[1] == "usr" || parts[1] == "var"):
		return "/" + parts[1] + "/" + parts[2]
	default:
		return "/" + parts[1]
	}
}

// odd lists what could not be read.
func (p *page) odd() {
	var unread []string
	for _, name := range slices.Sorted(maps.Keys(p.r.Sections)) {
		if p.r.Sections[name].Status == report.Unread {
			unread = append(unread, name)
		}
	}
	if len(unread) == 0 {
		return
	}
	p.heading("Not read")
	for _, name := range unread {
		p.line("  %-12s %s", name, p.r.Sections[name].Reason)
	}
}

func count(n int, what string) string { return many(n, what, what+"s") }

func many(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// bytesOf is a size in binary units, as ls -h shows it.
func bytesOf(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n)/1024, 0
	for v >= 1023.95 && unit < 5 {
		v, unit = v/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", v, "KMGTPE"[unit])
}
