package inspect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

func sumOf(r io.Reader) string {
	h := sha256.New()
	io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil))
}

func entry(t *testing.T, r *report.Report, path string) report.Entry {
	t.Helper()
	for _, e := range r.Files {
		if string(e.Path) == path {
			return e
		}
	}
	t.Fatalf("no entry %s in %s", path, paths(r))
	return report.Entry{}
}

// TestSparse hashes holes as zeros, without reading them in a large file.
func TestSparse(t *testing.T) {
	for name, c := range map[string]*sparse{
		"empty":         {size: 0},
		"small":         {size: 10_000, data: map[int64]string{5000: "x"}},
		"hole at start": {size: 9 << 20, data: map[int64]string{8 << 20: strings.Repeat("end", 1000)}, noTouch: true},
		"hole at end":   {size: 9<<20 + 17, data: map[int64]string{0: "start"}, noTouch: true},
		"several":       {size: 9 << 20, data: map[int64]string{100: "a", 5 << 20: "b", 9<<20 - 1: "c"}, noTouch: true},
		"only holes":    {size: 5<<20 + 1, noTouch: true},
		"no holes":      {size: 9 << 20, data: map[int64]string{0: strings.Repeat("12345678", 9<<20/8)}},
	} {
		t.Run(name, func(t *testing.T) {
			img := directory(map[string]string{"/f": ""})
			m := img.Trees[0].Tree.(*treetest.Map)
			m.Change = func(n *image.Node) {
				if n.Path == "/f" {
					n.Size = c.size
				}
			}
			m.Content = func(*image.Node) (image.Content, error) { return c, nil }
			touch := *c
			touch.noTouch = false
			want := sumOf(io.NewSectionReader(&touch, 0, c.size))
			r := inspectOf(t, img, Options{})
			if got := entry(t, r, "/f").SHA256; got != want {
				t.Errorf("got %s, want %s; %v", got, want, r.Sections["files"])
			}
		})
	}
}

func TestUnreadContents(t *testing.T) {
	for name, c := range map[string]struct {
		content *sparse
		listed  int64
		words   string
	}{
		"medium error":       {&sparse{size: 100, fail: 50}, 100, "medium error"},
		"large medium error": {&sparse{size: 9 << 20, data: map[int64]string{6 << 20: "xyz"}, fail: 6<<20 + 1}, 9 << 20, "medium error"},
		"shrunk":             {&sparse{size: 50}, 100, "100 bytes were listed and 50"},
		"endless holes":      {&sparse{size: 1 << 60}, 1 << 60, "holes"},
	} {
		t.Run(name, func(t *testing.T) {
			img := directory(map[string]string{"/a": "", "/b": "", "/c": "good"})
			m := img.Trees[0].Tree.(*treetest.Map)
			m.Change = func(n *image.Node) {
				if n.Path == "/a" || n.Path == "/b" {
					n.Size = c.listed
				}
			}
			m.Content = func(n *image.Node) (image.Content, error) {
				if n.Path == "/c" {
					return treetest.Text("good"), nil
				}
				return c.content, nil
			}
			r := inspectOf(t, img, Options{})
			status(t, r, "files", report.Unread, "/a: ", c.words, "(and 1 more)")
			if entry(t, r, "/a").SHA256 != "" || entry(t, r, "/c").SHA256 == "" {
				t.Error("the wrong files have digests")
			}
		})
	}
}

// TestHardlinks reads an inode once, and names the first of its names.
func TestHardlinks(t *testing.T) {
	img := directory(map[string]string{"/z": "1", "/b": "1", "/m.x": "1", "/m/a": "1", "/one": "2", "/copy": "1"})
	m := img.Trees[0].Tree.(*treetest.Map)
	opened := map[string]int{}
	m.Change = func(n *image.Node) {
		switch n.Path {
		case "/z", "/b", "/m.x", "/m/a":
			n.Inode, n.Links = 1000, 5 // one name lies outside
		case "/one":
			n.Links = 2
		}
	}
	m.Content = func(n *image.Node) (image.Content, error) {
		opened[string(n.Path)]++
		return treetest.Text(m.Files[string(n.Path)]), nil
	}
	r := inspectOf(t, img, Options{Workers: 1})
	for path, want := range map[string]string{"/b": "/b", "/m.x": "/b", "/m/a": "/b", "/z": "/b", "/one": "", "/copy": ""} {
		e := entry(t, r, path)
		if string(e.Hardlink) != want || e.SHA256 == "" {
			t.Errorf("%s: hardlink %q, digest %q; want %q", path, e.Hardlink, e.SHA256, want)
		}
	}
	if len(opened) != 3 || opened["/b"] != 1 {
		t.Errorf("opened %v", opened)
	}
}

// TestOrder reads in the order of the medium, and gives the same report for
// any number of workers.
func TestOrder(t *testing.T) {
	img := directory(map[string]string{"/a": "1", "/b": "2", "/c": "3"})
	m := img.Trees[0].Tree.(*treetest.Map)
	places := map[report.Raw]int64{"/a": 300, "/b": 100, "/c": 200}
	m.Change = func(n *image.Node) { n.Physical = places[n.Path] }
	var order []string
	m.Content = func(n *image.Node) (image.Content, error) {
		order = append(order, string(n.Path))
		return treetest.Text(m.Files[string(n.Path)]), nil
	}
	var total int64
	a := inspectOf(t, img, Options{Workers: 1, Progress: func(done, _ int64) { total = done }})
	if fmt.Sprint(order) != "[/b /c /a]" || total != 3 {
		t.Errorf("read %v, %d bytes", order, total)
	}
	m.Content = nil
	var x, y bytes.Buffer
	if err := errors.Join(a.Encode(&x), inspectOf(t, img, Options{Workers: 7}).Encode(&y)); err != nil {
		t.Fatal(err)
	}
	if x.String() != y.String() {
		t.Errorf("reports differ:\n%s\n%s", &x, &y)
	}
}

func TestNoHash(t *testing.T) {
	r := inspectOf(t, directory(map[string]string{"/a": "1", "/etc/os-release": "ID=x\n"}), Options{NoHash: true})
	status(t, r, "files", report.Unread, "not hashed")
	status(t, r, "canonical", report.Unread, "not hashed")
	status(t, r, "os-release", report.OK)
	if entry(t, r, "/a").SHA256 != "" {
		t.Error("hashed all the same")
	}
}

func TestSections(t *testing.T) {
	img := directory(map[string]string{"/a": "1", "/etc/os-release": "ID=x\n"})
	img.Trees[0].Tree.(*treetest.Map).Content = func(n *image.Node) (image.Content, error) {
		if n.Path == "/a" {
			t.Error("a file was read that no section needs")
		}
		return treetest.Text("ID=x\n"), nil
	}
	r := inspectOf(t, img, Options{Sections: []string{"os-release"}})
	status(t, r, "os-release", report.OK)
	status(t, r, "files", report.Unread, NotAsked)
	status(t, r, "users", report.Unread, NotAsked)
	if len(r.Files) != 0 {
		t.Errorf("%d files", len(r.Files))
	}
	for _, name := range SectionNames() {
		if _, ok := r.Sections[name]; ok == (name == sectionContainer) { // a section of container images alone
			t.Errorf("section %s has a state: %v", name, ok)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Inspect(ctx, directory(map[string]string{"/a": "1"}), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestCanonicalBomb holds that what cannot be unfolded is unread, and still hashed.
func TestCanonicalBomb(t *testing.T) {
	bomb := "\x28\xb5\x2f\xfd\x00\x38" + strings.Repeat("\x02\x00\x10\x00", 16500) + "\x01\x00\x00"
	r := inspectOf(t, directory(map[string]string{"/b.zst": bomb, "/bad.gz": "\x1f\x8b\x08 no"}), Options{})
	status(t, r, "canonical", report.Unread, "/b.zst: zstd: ")
	status(t, r, "files", report.OK)
	if e := entry(t, r, "/b.zst"); e.SHA256 == "" || e.Canonical != nil {
		t.Errorf("%+v", e)
	}
	if strings.Contains(r.Sections["canonical"].Reason, "more)") {
		t.Error("a file that is only not gzip counts as unread")
	}
}

// TestReasonIsOneLine: an error that joins others has a line for each.
func TestReasonIsOneLine(t *testing.T) {
	if got := section.Clip(errors.Join(errors.New("a"), errors.New("b")).Error()); got != "a; b" {
		t.Errorf("%q", got)
	}
}
