package packages

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/rpmdb/rpmdbtest"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// BenchmarkDebian and BenchmarkRPM measure each section on a whole system, those
// before it having run; a part's time is what it adds.
func BenchmarkDebian(b *testing.B) { benchmark(b, treetest.Open(b, fixtures.DebianTree(b))) }

func BenchmarkRPM(b *testing.B) {
	on := treetest.Open(b, fixtures.RPMTree(b))
	b.Run("tree", func(b *testing.B) { benchmark(b, on) })
}

// BenchmarkManyRPMs is a database of 1,500 packages with 100 files each.
func BenchmarkManyRPMs(b *testing.B) { benchmark(b, manyRPMs(b, 1500, 100)) }

func benchmark(b *testing.B, on *tree.Tree) {
	b.ReportAllocs()
	for b.Loop() {
		r := &report.Report{Sections: map[string]report.Section{}}
		for _, s := range Sections(Options{}) {
			if state := s.Run(context.Background(), on, r); state.Status == report.Unread {
				b.Fatalf("%s: %s", s.Name, state.Reason)
			}
		}
	}
}

// manyRPMs is a tree with a database that lists all of its files, sorted in each package as rpm
// has them, each as its package says.
func manyRPMs(t testing.TB, packages, each int) *tree.Tree {
	files := map[string]string{}
	var headers [][]byte
	for p := range packages {
		name := fmt.Sprintf("package%d", p)
		var bases, digests, users []string
		var sizes, modes, flags, indexes, mtimes []uint32
		dirs := []string{"/usr/bin/", "/usr/share/" + name + "/", "/usr/share/doc/" + name + "/"}
		for i := range each {
			base := fmt.Sprintf("%s-file-%d", name, i)
			path := dirs[i*len(dirs)/each] + base
			files[path] = path
			bases, digests, users = append(bases, base), append(digests, fmt.Sprintf("%x", sha256.Sum256([]byte(path)))), append(users, "root")
			sizes, modes, flags = append(sizes, uint32(len(path))), append(modes, 0o100644), append(flags, 0)
			indexes, mtimes = append(indexes, uint32(i*len(dirs)/each)), append(mtimes, 1e9)
		}
		headers = append(headers, rpmdbtest.Header(nil, []rpmdbtest.Tag{
			rpmdbtest.T(1000, name), rpmdbtest.T(1001, "1"), rpmdbtest.T(1002, "1"), rpmdbtest.T(1022, "noarch"),
			rpmdbtest.T(1028, sizes), rpmdbtest.T(1030, modes), rpmdbtest.T(1034, mtimes), rpmdbtest.T(1035, digests), rpmdbtest.T(1037, flags),
			rpmdbtest.T(1039, users), rpmdbtest.T(1040, users), rpmdbtest.T(1116, indexes), rpmdbtest.T(1117, bases), rpmdbtest.T(1118, dirs), rpmdbtest.T(5011, []uint32{8}),
		}))
	}
	files["/var/lib/rpm/Packages.db"] = string(rpmdbtest.NDB(headers...))
	on := treetest.Of(t, treetest.Map{Files: files})
	for i := range on.Files {
		if n := on.Files[i].Node; n.Type == report.File && filepath.Base(on.Files[i].Path) != "Packages.db" {
			n.SHA256 = fmt.Sprintf("%x", sha256.Sum256([]byte(on.Files[i].Path)))
		}
	}
	return on
}
