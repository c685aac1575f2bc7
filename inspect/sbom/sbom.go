// Package sbom writes a report as a software bill of materials: SPDX 2.3, SPDX
// 3.0.1 and CycloneDX 1.6, each in JSON. All three say the same ([bill]): the
// image, the packages that its package managers list as installed, and, where
// asked for, its files with their digests.
//
// A bill is made of the report alone. Its identity (SPDX's namespace,
// CycloneDX's serial number) is derived from the report's bytes, and its time
// from the newest file, so that equal reports give equal bytes.
//
// It does not find out licenses: those that a package database records are
// passed on. It does not look for software that no package manager knows.
package sbom

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/assay-os/assay/report"
)

// Options choose what a bill says beside the packages.
type Options struct {
	// Files adds every regular file whose content was read.
	Files bool
	// Created is the time of the document; the zero time stands for the newest
	// mtime of the report's files.
	Created time.Time
	// Version is that of the program that writes the bill.
	Version string
}

// A bill is what every format says.
type bill struct {
	o       Options
	r       *report.Report
	name    string
	version string
	// id is 32 hex digits that stand for the report and the options.
	id       string
	created  string
	packages []item
	// byName finds the package that an entry names, -1 where more than one has the name.
	byName map[string]int
}

// An item is one installed package.
type item struct {
	*report.Package
	// ref is unique within the bill, of letters, digits, "." and "-".
	ref      string
	purl     string
	supplier string
	homepage string
	summary  string
	license  license
	// upstream is the source package, where that has another name or version.
	upstream string
}

const (
	noAssertion = "NOASSERTION"
	spaceName   = "https://assay-os.github.io/spdx/"
)

func newBill(r *report.Report, o Options) (*bill, error) {
	b := &bill{o: o, r: r, byName: map[string]int{}, name: "operating system image"}
	for _, key := range []string{"NAME", "PRETTY_NAME"} {
		if v := r.OSRelease[key]; v != "" {
			b.name = v
		}
	}
	b.version = r.OSRelease["VERSION_ID"]
	created := o.Created
	if created.IsZero() {
		created = newest(r)
	}
	b.created = bounded(created).Format(time.RFC3339)
	h := sha256.New()
	fmt.Fprintf(h, "%t %s %s\n", o.Files, b.created, o.Version)
	if err := r.Encode(h); err != nil {
		return nil, err
	}
	b.id = fmt.Sprintf("%x", h.Sum(nil)[:16])
	b.collect()
	return b, nil
}

// newest is the newest mtime of the files; 1970 where there are none.
func newest(r *report.Report) time.Time {
	t := time.Unix(0, 0)
	for i := range r.Files {
		if m := r.Files[i].Mtime; m.After(t) {
			t = m
		}
	}
	return t
}

// bounded is t in UTC and whole seconds, in a year of four digits.
func bounded(t time.Time) time.Time {
	low, high := time.Unix(0, 0), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	switch {
	case t.Before(low):
		t = low
	case t.After(high):
		t = high
	}
	return t.UTC().Truncate(time.Second)
}

// collect makes items of the packages that are installed.
func (b *bill) collect() {
	more, taken := detailsOf(b.r), map[string]int{}
	for i := range b.r.Packages {
		p := &b.r.Packages[i]
		if !installed(p) {
			continue
		}
		x := item{Package: p, ref: refOf(p, taken)}
		more.fill(&x)
		x.purl = purlOf(&x, b.r.OSRelease)
		if _, twice := b.byName[p.Name]; twice {
			b.byName[p.Name] = -1
		} else {
			b.byName[p.Name] = len(b.packages)
		}
		b.packages = append(b.packages, x)
	}
}

// installed tells whether more of a package is there than its configuration:
// dpkg(1), "package states".
func installed(p *report.Package) bool {
	words := strings.Fields(p.State)
	return len(words) < 3 || words[2] != "not-installed" && words[2] != "config-files"
}

// refOf makes a name of the letters that all formats allow; a number sets apart
// what is the same then.
func refOf(p *report.Package, taken map[string]int) string {
	ref := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.':
			return c
		}
		return '-'
	}, fmt.Sprintf("%s-%.100s-%.100s-%.20s", p.Manager, p.Name, p.Version, p.Arch))
	name := ref
	for taken[name] > 0 {
		taken[ref]++
		name = fmt.Sprintf("%s-.%d", ref, taken[ref])
	}
	taken[name]++
	return name
}

// owner is the package that a file belongs to, nil where it is none or not
// certain.
func (b *bill) owner(e *report.Entry) *item {
	if i, ok := b.byName[e.Package]; ok && i >= 0 {
		return &b.packages[i]
	}
	return nil
}

// files gives the entries of a bill with their positions: regular files with a digest.
func (b *bill) files(yield func(int, *report.Entry) bool) {
	if !b.o.Files {
		return
	}
	for i := range b.r.Files {
		if e := &b.r.Files[i]; e.Type == report.File && e.SHA256 != "" && !yield(i, e) {
			return
		}
	}
}

// gaps says what is missing in the bill; empty where nothing is.
func (b *bill) gaps() string {
	var out []string
	for _, name := range []string{"packages", "files"} {
		if s := b.r.Sections[name]; s.Status == report.Unread && (name == "packages" || b.o.Files) {
			out = append(out, name+" were not all read: "+s.Reason)
		}
	}
	return strings.Join(out, "; ")
}

// WriteSPDX writes SPDX 2.3.
func WriteSPDX(w io.Writer, r *report.Report, o Options) error { return write(w, r, o, (*bill).spdx2) }

// WriteSPDX3 writes SPDX 3.0.1.
func WriteSPDX3(w io.Writer, r *report.Report, o Options) error { return write(w, r, o, (*bill).spdx3) }

// WriteCycloneDX writes CycloneDX 1.6.
func WriteCycloneDX(w io.Writer, r *report.Report, o Options) error {
	return write(w, r, o, (*bill).cycloneDX)
}

func write(w io.Writer, r *report.Report, o Options, format func(*bill, io.Writer) error) error {
	b, err := newBill(r, o)
	if err != nil {
		return fmt.Errorf("make bill of materials: %w", err)
	}
	return format(b, w)
}
