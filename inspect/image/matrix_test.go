package image_test

import (
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/imagetest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/luks/lukstest"
)

// A combination is a filesystem, what it lies in on a disk, and what the disk lies in.
type combination struct{ filesystem, table, container string }

// Whatever a filesystem with hard content lies in, a common user is shown what the
// kernel shows of the filesystem alone. In the full tier all combinations; else a
// sample with each filesystem, table and container, which ASSAY_SEED repeats.
func TestEveryCombinationShowsTheFilesystem(t *testing.T) {
	fixtures.RequireRoot(t)
	for filesystem, tables := range grouped(chosen(t)) {
		t.Run(filesystem, func(t *testing.T) {
			t.Parallel()
			fs := imagetest.Makers()[filesystem](t, many())
			for table, containers := range tables {
				t.Run(table, func(t *testing.T) {
					disk := matrixTables()[table](t, fs.Path)
					for _, container := range containers {
						t.Run(container, func(t *testing.T) {
							showsTo(t, matrixContainers()[container](t, disk), fs)
						})
					}
				})
			}
		})
	}
}

// showsTo requires that nobody is shown one volume in a file: the filesystem.
func showsTo(t *testing.T, path string, fs imagetest.Filled) {
	t.Helper()
	open(t, path)
	got := fsystest.AsNobody(t, func() map[string]string {
		img, err := image.Open(t.Context(), path, image.Options{Passphrases: [][]byte{[]byte(lukstest.Passphrase)}})
		kerneltest.Must(t, err)
		defer img.Close()
		if len(img.Trees) != 1 || img.Trees[0].Err != nil || img.Problems != nil {
			t.Fatalf("volumes %+v, problems %v", img.Trees, img.Problems)
		}
		return fsystest.Contents(t, img.Trees[0].Tree)
	})
	if fs.Comparable != nil {
		got = fs.Comparable(got)
	}
	fsystest.Compare(t, got, fs.Want)
}

// chosen are the combinations of this run.
func chosen(t *testing.T) []combination {
	t.Helper()
	var all []combination
	filesystems, tables, containers := slices.Sorted(maps.Keys(imagetest.Makers())), slices.Sorted(maps.Keys(matrixTables())), slices.Sorted(maps.Keys(matrixContainers()))
	for _, f := range filesystems {
		for _, table := range tables {
			for _, c := range containers {
				all = append(all, combination{f, table, c})
			}
		}
	}
	if full() {
		return all
	}
	seed := uint64(time.Now().Unix() / 86400)
	if s := os.Getenv("ASSAY_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		kerneltest.Must(t, err)
		seed = n
	}
	list := draw(rand.New(rand.NewPCG(seed, 0)), filesystems, tables, containers)
	t.Logf("ASSAY_SEED=%d: %v", seed, list)
	return list
}

// draw has each member of each axis. What takes long is for the full tier.
func draw(r *rand.Rand, filesystems, tables, containers []string) []combination {
	for {
		var list []combination
		f, table, c := shuffled(r, filesystems), shuffled(r, tables), shuffled(r, containers)
		for i := range max(len(f), len(table), len(c)) {
			list = append(list, combination{f[i%len(f)], table[i%len(table)], c[i%len(c)]})
		}
		if !slices.ContainsFunc(list, combination.slow) {
			return list
		}
	}
}

// slow tells of what is encrypted, and then compressed in vain.
func (c combination) slow() bool {
	return c.table == "luks2" && slices.Contains([]string{"gz", "xz", "zst", "bz2", "tar.gz", "qcow2-zlib", "qcow2-zstd", "vmdk-stream"}, c.container)
}

func shuffled(r *rand.Rand, list []string) []string {
	list = slices.Clone(list)
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// grouped are the containers of each table of each filesystem: what is made once serves all.
func grouped(list []combination) map[string]map[string][]string {
	out := map[string]map[string][]string{}
	for _, c := range list {
		if out[c.filesystem] == nil {
			out[c.filesystem] = map[string][]string{}
		}
		out[c.filesystem][c.table] = append(out[c.filesystem][c.table], c.container)
	}
	return out
}

// full tells whether this is the full tier.
func full() bool { return os.Getenv("ASSAY_FULL") == "1" }

// many is how many names lie in one directory.
func many() int {
	if full() {
		return 1500
	}
	return 100
}
