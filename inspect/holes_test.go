package inspect

import (
	"fmt"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// TestAllHoles holds that many small claims do not add up to endless work, and
// that which files are refused does not depend on the workers.
func TestAllHoles(t *testing.T) {
	files := map[string]string{}
	for i := range 5 {
		files[fmt.Sprintf("/%d", i)] = "1"
	}
	img := directory(files)
	sizes := map[string]int64{"/0": maxHoles, "/1": maxHoles - 1, "/2": maxHoles, "/3": 2, "/4": maxHoles - 2}
	source := img.Trees[0].Tree.(*treetest.Map)
	source.Content = func(n *image.Node) (image.Content, error) { return &sparse{size: sizes[string(n.Path)]}, nil }
	in := newInspection(img, Options{})
	in.volumes = []*volume{{Volume: &img.Trees[0]}}
	var jobs []*tree.File
	for i := range 5 {
		p := fmt.Sprintf("/%d", i)
		n := &image.Node{Entry: report.Entry{Path: report.Raw(p), Type: report.File, Size: sizes[p]}}
		jobs = append(jobs, &tree.File{Path: p, Node: n, Source: source})
	}
	refused := in.bound(t.Context(), jobs)
	if len(refused) != 1 || !refused[jobs[4]] {
		t.Errorf("refused %v", refused)
	}
	if s := in.troubles.files.section(); s.Status != report.Unread || s.Reason != "/4: read content: the holes of all files stand for more than 137438953472 bytes of zeros: not read" {
		t.Errorf("section %v", s)
	}
	if got := in.bound(t.Context(), jobs[:1]); got != nil {
		t.Errorf("within the bound it refused %v", got)
	}
}

// A claim is a content of which every byte is stored, at that place.
type claim struct {
	sparse
	at int64
}

func (c *claim) Extents() ([]image.Extent, error) {
	return []image.Extent{{Length: c.size, Physical: c.at}}, nil
}

// A stored is a disk that stores that many bytes.
type stored int64

func (s stored) Size() int64                           { return 1 << 60 }
func (s stored) ReadAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (s stored) Extents() ([]image.Extent, error)      { return []image.Extent{{Length: int64(s)}}, nil }

// TestAllData holds that files which claim the same blocks do not add up to endless
// work either: not large ones, not those that are read whole, and not one alone.
// What lies at one place is hashed once, and counts once.
func TestAllData(t *testing.T) {
	const most = repeatFloor + repeatTimes<<20
	reason := "read content: the files of this disk claim more than 17246978048 bytes, which is 64 times the 1048576 bytes that it stores, and 16 GiB: not read"
	for name, c := range map[string]struct {
		kind    string
		count   int
		size    int64
		shared  bool
		refused int
	}{
		"within":             {"ext4", 16, most / 16, false, 0},
		"one too many":       {"ext4", 17, most / 16, false, 1},
		"one file":           {"xfs", 1, most + 1, true, 1},
		"many TB":            {"ext4", 3000, 1 << 40, false, 3000},
		"small ones":         {"ext4", 5000, bufferSize, false, 5000 - most/bufferSize},
		"shared, as reflink": {"xfs", 5000, most / 2, true, 0},
		"shared, unknown":    {"ext4", 5, most / 2, true, 3},
	} {
		img := directory(nil)
		img.Device, img.Trees[0].Filesystem.Type = stored(1<<20), c.kind
		source := img.Trees[0].Tree.(*treetest.Map)
		source.Content = func(n *image.Node) (image.Content, error) {
			x := &claim{sparse: sparse{size: c.size}}
			if !c.shared {
				x.at = int64(n.Inode) << 10
			}
			return x, nil
		}
		in := newInspection(img, Options{})
		in.volumes = []*volume{{Volume: &img.Trees[0]}}
		var jobs []*tree.File
		for i := range c.count {
			n := &image.Node{Entry: report.Entry{Path: "/x", Type: report.File, Size: c.size}, Inode: uint64(i)}
			jobs = append(jobs, &tree.File{Path: "/x", Node: n, Source: source})
		}
		refused := in.bound(t.Context(), jobs)
		if len(refused) != c.refused || c.refused > 0 && !refused[jobs[c.count-1]] {
			t.Errorf("%s: %d are refused", name, len(refused))
		}
		if s := in.troubles.files.section(); c.refused > 0 != (s.Status == report.Unread) || c.refused == 1 && s.Reason != "/x: "+reason {
			t.Errorf("%s: %v", name, s)
		}
		if img.Device = nil; len(in.bound(t.Context(), jobs)) > 0 {
			t.Errorf("%s: what is no disk has a bound", name)
		}
	}
}

// TestOneHole hashes contents that are one hole once for each size.
func TestOneHole(t *testing.T) {
	img := directory(map[string]string{"/a": "1", "/b": "1"})
	img.Trees[0].Filesystem.Type = "ext4"
	in := newInspection(img, Options{})
	in.volumes = []*volume{{Volume: &img.Trees[0]}}
	f := &tree.File{}
	a, err := in.placeOf(f, &sparse{size: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		c    *sparse
		same bool
	}{
		"same size":  {&sparse{size: 1 << 20}, true},
		"other size": {&sparse{size: 1<<20 + 1}, false},
		"some data":  {&sparse{size: 1 << 20, data: map[int64]string{7: "x"}}, false},
	} {
		if b, err := in.placeOf(f, x.c); err != nil || a == "" || (a == b) != x.same {
			t.Errorf("%s: %q and %q, %v", name, a, b, err)
		}
	}
}

// TestNameTwice keeps one of two entries that a broken directory gives one name.
func TestNameTwice(t *testing.T) {
	img := directory(map[string]string{"/a": "1", "/b": "2"})
	in := newInspection(img, Options{})
	v := &volume{Volume: &img.Trees[0]}
	node := func(p string) *image.Node { return &image.Node{Entry: report.Entry{Path: report.Raw(p)}} }
	first := node("/a")
	v.files = []tree.File{{Path: "/a", Node: first}, {Path: "/a", Node: node("/a")}, {Path: "/b", Node: node("/b")}}
	in.keepFirst(v)
	if len(v.files) != 2 || v.files[0].Node != first || v.files[1].Path != "/b" {
		t.Errorf("kept %v", v.files)
	}
	if s := in.troubles.files.section(); s.Reason != "/a: its directory has this name twice; the first is shown" {
		t.Errorf("section %v", s)
	}
}

// TestNoHashTrouble does not let what was asked for hide what went wrong.
func TestNoHashTrouble(t *testing.T) {
	img := directory(map[string]string{"/a": "1"})
	img.Trees = append(img.Trees, image.Volume{Err: fmt.Errorf("a broken superblock")})
	status(t, inspectOf(t, img, Options{NoHash: true}), "files", report.Unread, "a broken superblock")
}
