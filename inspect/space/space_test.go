package space_test

import (
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/space"
	"github.com/assay-os/assay/report"
)

func file(path report.Raw, size int64, pkg string) report.Entry {
	return report.Entry{Path: path, Type: report.File, Size: size, Package: pkg}
}

func sample() *report.Report {
	link := file("/usr/lib/y", 100, "b")
	link.Hardlink = "/usr/bin/x"
	return &report.Report{Files: []report.Entry{
		{Path: "/", Type: report.Directory, Size: 4096}, file("/top", 1, ""), file("/usr/bin/x", 100, "b"), link, file("/usr/lib/z/deep", 7, "a"),
		{Path: "/usr/link", Type: report.Symlink, Size: 9}, file("partition 3:/EFI/boot", 5, ""),
	}}
}

func TestBy(t *testing.T) {
	for name, c := range map[string]struct {
		group space.Group
		want  []space.Share
	}{
		"package": {space.Package, []space.Share{{"b", 100, 1}, {"a", 7, 1}, {space.NoPackage, 6, 2}}},
		"depth 1": {space.Directory(1), []space.Share{{"/usr", 107, 2}, {"partition 3:/EFI", 5, 1}, {"/", 1, 1}}},
		"depth 2": {space.Directory(2), []space.Share{{"/usr/bin", 100, 1}, {"/usr/lib", 7, 1}, {"partition 3:/EFI", 5, 1}, {"/", 1, 1}}},
		"depth 0": {space.Directory(0), []space.Share{{"/", 108, 3}, {"partition 3:/", 5, 1}}},
	} {
		if got := space.By(sample(), c.group); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := space.Total(space.By(sample(), space.Package)); got.Bytes != 113 || got.Files != 4 {
		t.Errorf("total %v", got)
	}
}

func TestCompare(t *testing.T) {
	a := []space.Share{{"same", 1, 1}, {"grew", 1, 1}, {"gone", 5, 2}}
	b := []space.Share{{"same", 1, 1}, {"grew", 9, 1}, {"new", 2, 1}}
	want := []space.Change{{"grew", 1, 9, 1, 1}, {"new", 0, 2, 0, 1}, {"gone", 5, 0, 2, 0}}
	if got := space.Compare(a, b); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

// TestOracle asks find(1) for the sizes in a real
// tree's directories.
func TestOracle(t *testing.T) {
	fixtures.RequireTool(t, "find")
	root := filepath.Join(fixtures.DebianTree(t), "etc")
	img, err := image.Open(t.Context(), root, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	r, err := inspect.Inspect(t.Context(), img, inspect.Options{NoHash: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range space.By(r, space.Directory(1)) {
		depth := []string{}
		if s.Name == "/" {
			depth = []string{"-maxdepth", "1"}
		}
		args := append([]string{filepath.Join(root, s.Name)}, append(depth, "-type", "f", "-printf", "%i %s\n")...)
		out, err := exec.Command("find", args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		seen, sum := map[string]bool{}, int64(0)
		for line := range strings.Lines(string(out)) {
			if f := strings.Fields(line); !seen[f[0]] {
				seen[f[0]] = true
				n, err := strconv.ParseInt(f[1], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				sum += n
			}
		}
		if sum != s.Bytes || len(seen) != s.Files {
			t.Errorf("%s: %d bytes in %d files, find says %d in %d", s.Name, s.Bytes, s.Files, sum, len(seen))
		}
	}
}
