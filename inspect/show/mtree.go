package show

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/assay-os/assay/report"
)

// MTree writes the entries as mtree(5) has them: one line for each full path,
// with every keyword on it, as bsdtar --format=mtree and mtree -C do. What
// lies in no tree (an unmounted volume) is named in a comment.
func MTree(w io.Writer, r *report.Report) error {
	m := mtree{Writer: bufio.NewWriter(w)}
	m.put("#mtree v2.0\n")
	if n := outside(r.Files); n > 0 {
		fmt.Fprintf(m, "# left out: %s in volumes that nothing mounts, or below what a mount covers\n", count(n, "path"))
	}
	for i := range r.Files {
		if e := &r.Files[i]; strings.HasPrefix(string(e.Path), "/") {
			m.entry(e)
		}
	}
	return m.Flush() // it returns the first error of any write
}

// outside counts the entries that are in no tree.
func outside(files []report.Entry) (n int) {
	for i := range files {
		if !strings.HasPrefix(string(files[i].Path), "/") {
			n++
		}
	}
	return n
}

type mtree struct{ *bufio.Writer }

// put keeps an error for Flush.
func (m mtree) put(s string) { fmt.Fprint(m, s) }

// mtreeTypes are mtree's names where they are not ours.
func mtreeType(t report.Type) string {
	switch t {
	case report.Directory:
		return "dir"
	case report.Symlink:
		return "link"
	}
	return string(t)
}

func (m mtree) entry(e *report.Entry) {
	m.put(".")
	if e.Path != "/" {
		m.vis(string(e.Path))
	}
	// Owners are numbers alone: readers look names up in the system that they run on.
	fmt.Fprintf(m, " type=%s mode=%s uid=%d gid=%d", mtreeType(e.Type), e.Mode, e.UID, e.GID)
	// Both readers take the digits behind the point for a number of nanoseconds.
	fmt.Fprintf(m, " time=%d.%09d", e.Mtime.Unix(), e.Mtime.Nanosecond())
	switch e.Type {
	case report.File:
		fmt.Fprintf(m, " size=%d", e.Size)
		m.text("sha256digest", e.SHA256)
	case report.Symlink:
		m.text("link", string(e.Target))
	case report.Char, report.Block:
		major, minor, _ := strings.Cut(e.Device, ":")
		fmt.Fprintf(m, " device=native,%s,%s", major, minor)
	}
	m.text("flags", mtreeFlags(e.Attributes))
	m.put("\n")
}

// mtreeFlags are the names that chflags(1) has for attributes; the others have none.
func mtreeFlags(attributes string) string {
	var flags []string
	for a := range strings.SplitSeq(attributes, ",") {
		switch a {
		case "append-only":
			flags = append(flags, "sappnd")
		case "immutable":
			flags = append(flags, "schg")
		case "nodump":
			flags = append(flags, "nodump")
		}
	}
	return strings.Join(flags, ",")
}

// text writes a keyword whose value may be any bytes.
func (m mtree) text(key, value string) {
	if value == "" {
		return
	}
	m.put(" " + key + "=")
	m.vis(value)
}

// vis writes s as vis(3) does with VIS_OCTAL, VIS_WHITE and VIS_GLOB, and escapes
// what begins a comment or a value.
func (m mtree) vis(s string) {
	from := 0
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`\#*?[=`, c) >= 0 {
			m.put(s[from:i])
			fmt.Fprintf(m, `\%03o`, c)
			from = i + 1
		}
	}
	m.put(s[from:])
}
