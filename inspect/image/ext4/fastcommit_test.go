package ext4_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/ext4"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// fastDirty makes an image that was copied while mounted, after before and a full
// commit, and after change, which fsyncs what it changes.
func fastDirty(t *testing.T, args string, before, change func(t *testing.T, dir string)) string {
	t.Helper()
	path := kerneltest.Make(t, 24<<20, strings.Fields("-t ext4 -b 4096 -J size=8 -O fast_commit "+args)...)
	copied := filepath.Join(t.TempDir(), "dirty.img")
	kerneltest.Populate(t, path, func(dir string) {
		before(t, dir)
		syncFS(t, dir)
		change(t, dir)
		data, err := os.ReadFile(path)
		kerneltest.Must(t, err, os.WriteFile(copied, data, 0o600))
	})
	return copied
}

// withFile opens a file for writing, and fsyncs it after change.
func withFile(t *testing.T, path string, change func(f *os.File)) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	kerneltest.Must(t, err)
	change(f)
	kerneltest.Must(t, f.Sync(), f.Close())
}

func writeAt(t *testing.T, f *os.File, at int64, data []byte) {
	t.Helper()
	_, err := f.WriteAt(data, at)
	kerneltest.Must(t, err)
}

func threeFiles(t *testing.T, dir string) {
	for i, name := range []string{"small", "a", "b", "c"} {
		kerneltest.Must(t, os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte(name), 50000*i+10), 0o644))
	}
}

// What fast commits change in inodes is what the kernel shows after its replay.
func TestFastCommitsAgreeWithKernel(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	data, fast := bytes.Repeat([]byte("fast"), 3000), 0
	for name, change := range map[string]func(t *testing.T, f *os.File){
		"append": func(t *testing.T, f *os.File) {
			for i := range 5 {
				writeAt(t, f, 50010+int64(i)*12000, data)
				kerneltest.Must(t, f.Sync())
			}
		},
		"overwrite": func(t *testing.T, f *os.File) { writeAt(t, f, 4000, data) },
		"sparse": func(t *testing.T, f *os.File) {
			for i := range 40 {
				writeAt(t, f, int64(i)*90000, data[:100])
			}
		},
		"truncate": func(t *testing.T, f *os.File) { kerneltest.Must(t, f.Truncate(5000)) },
		"chmod":    func(t *testing.T, f *os.File) { kerneltest.Must(t, f.Chmod(0o640), f.Chown(70001, 7)) },
		"times": func(t *testing.T, f *os.File) {
			kerneltest.Must(t, os.Chtimes(f.Name(), time.Unix(1<<33, 5), time.Unix(1<<33, 123456789)))
		},
	} {
		for _, args := range []string{"-I 256", "-I 128 -O ^metadata_csum", "-O inline_data"} {
			if args != "-I 256" && name != "append" {
				continue
			}
			t.Run(name+" "+args, func(t *testing.T) {
				path := fastDirty(t, args, threeFiles, func(t *testing.T, dir string) {
					for _, file := range []string{"b", "a", "b"} {
						withFile(t, filepath.Join(dir, file), func(f *os.File) { change(t, f) })
					}
				})
				if compareWithReplay(t, path) {
					fast++
				}
			})
		}
	}
	if fast == 0 {
		t.Error("no image has fast commits: the test tests nothing")
	}
}

// compareWithReplay requires the same from the reader and the kernel's own replay.
// It tells whether fast commits of the image matter: the kernel may have made full
// ones instead.
func compareWithReplay(t *testing.T, path string) (fast bool) {
	t.Helper()
	got := fsystest.Contents(t, openImage(t, path))
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	if at := bytes.Index(data, []byte{9, 0, 8, 0, 0, 0, 0, 0}); at >= 0 {
		data[at] = 7 // no head: an older tree
		older := filepath.Join(t.TempDir(), "older")
		kerneltest.Must(t, os.WriteFile(older, data, 0o600))
		fast = fmt.Sprint(fsystest.Contents(t, openImage(t, older))) != fmt.Sprint(got)
	}
	oracle, err := kernel.Open(path, kernel.Options{Type: "ext4", Replay: true})
	kerneltest.Must(t, err)
	defer oracle.Close()
	fsystest.Compare(t, got, fsystest.Contents(t, oracle))
	return fast
}

// Fast commits that change names are refused: nobody can tell the time that the
// directory will have.
func TestFastCommitsOfNamesAreRefused(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	for name, change := range map[string]func(t *testing.T, dir string) error{
		"create": func(t *testing.T, dir string) error {
			return os.WriteFile(filepath.Join(dir, "new"), []byte("new"), 0o644)
		},
		"link": func(t *testing.T, dir string) error {
			return os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "new"))
		},
		"unlink": func(t *testing.T, dir string) error { return os.Remove(filepath.Join(dir, "c")) },
	} {
		// The kernel may make a whole commit instead when it is busy: then the
		// image has nothing to refuse, and another is made.
		var err error
		for attempt := 0; err == nil && attempt < 5; attempt++ {
			err = openChanged(t, name == "create", change)
		}
		if err == nil || !strings.Contains(err.Error(), "fast commits that change names") {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
}

// openChanged opens an image with a fast commit of a change to its names.
func openChanged(t *testing.T, created bool, change func(*testing.T, string) error) error {
	path := fastDirty(t, "", threeFiles, func(t *testing.T, dir string) {
		kerneltest.Must(t, change(t, dir))
		withFile(t, filepath.Join(dir, "a"), func(f *os.File) { writeAt(t, f, 0, []byte("x")) })
		if created {
			withFile(t, filepath.Join(dir, "new"), func(f *os.File) { writeAt(t, f, 0, []byte("x")) })
		}
	})
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	_, err = ext4.Open(context.Background(), bytes.NewReader(data), int64(len(data)))
	return err
}

// A file that grows out of its inode in a fast commit is lost by the kernel: what
// it will hold is not what was written.
func TestFastCommitOfInlineDataIsTold(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	path := fastDirty(t, "-O inline_data", threeFiles, func(t *testing.T, dir string) {
		withFile(t, filepath.Join(dir, "small"), func(f *os.File) { writeAt(t, f, 0, bytes.Repeat([]byte("more"), 2000)) })
	})
	if got := fsystest.Contents(t, openImage(t, path))["/small"]; !strings.Contains(got, "the kernel's replay loses it") {
		t.Errorf("%q", got)
	}
}

// What was cut off and is below the end again is not told alike by the two who
// replay it.
func TestFastCommitOfShrunkFileIsTold(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	path := fastDirty(t, "", threeFiles, func(t *testing.T, dir string) {
		withFile(t, filepath.Join(dir, "b"), func(f *os.File) {
			kerneltest.Must(t, f.Truncate(5000), f.Sync())
			writeAt(t, f, 90000, []byte("far"))
		})
	})
	got := fsystest.Contents(t, openImage(t, path))
	if !strings.Contains(got["/b"], "do not do alike") || strings.Contains(got["/a"], "!") {
		t.Errorf("%q, %q", got["/b"], got["/a"])
	}
}
