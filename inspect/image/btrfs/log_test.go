package btrfs_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// crash makes an image as it is after a crash: it is copied while it is mounted, after before was committed
// and what change has synced went to the log alone.
func crash(t *testing.T, mkfs, mount string, before, change func(d logged)) string {
	t.Helper()
	path := makeImage(t, 150<<20, mkfs)
	copied := filepath.Join(t.TempDir(), "crashed.img")
	populate(t, path, strings.TrimPrefix(mount+",commit=300", ","), func(dir string) {
		d := logged{t, dir}
		before(d)
		f, err := os.Open(dir)
		kerneltest.Must(t, err, unix.Syncfs(int(f.Fd())), f.Close())
		change(d)
		kerneltest.Run(t, "cp", "--sparse=always", path, copied)
	})
	return copied
}

// logged are the steps of a crash, in a directory.
type logged struct {
	t   testing.TB
	dir string
}

func (d logged) at(name string) string { return filepath.Join(d.dir, name) }

func (d logged) must(errs ...error) { d.t.Helper(); kerneltest.Must(d.t, errs...) }

func (d logged) write(name string, n int) {
	d.t.Helper()
	d.must(os.WriteFile(d.at(name), bytes.Repeat([]byte(name+"."), n), 0o644))
}

func (d logged) overwrite(name string, off int64, text string) {
	d.t.Helper()
	f, err := os.OpenFile(d.at(name), os.O_WRONLY, 0)
	d.must(err)
	_, err = f.WriteAt([]byte(text), off)
	d.must(err, f.Close())
}

func (d logged) sync(names ...string) {
	d.t.Helper()
	for _, name := range names {
		f, err := os.Open(d.at(name))
		d.must(err, f.Sync(), f.Close())
	}
}

// A logCase changes a filesystem that standing has filled.
type logCase struct {
	name, mkfs, mount string
	change            func(d logged)
}

func standing(d logged) {
	d.must(os.MkdirAll(d.at("dir/sub"), 0o755), os.Mkdir(d.at("other"), 0o755))
	for i := range 30 {
		d.write(fmt.Sprintf("dir/f%d", i), i*i*50+1)
	}
	d.write("big", 200000)
	within(d.t, d.dir, "btrfs", "subvolume", "create", "vol")
	d.write("vol/f", 3000)
	d.write("dir/sub/deep", 10)
	d.write("linked", 5)
	d.must(os.Mkdir(d.at("many"), 0o755))
	for i := range 60 { // more than one item holds in small nodes
		d.must(os.Link(d.at("linked"), d.at(fmt.Sprintf("many/%0200d", i))))
	}
	d.must(os.Link(d.at("dir/f1"), d.at("dir/hard")), unix.Setxattr(d.at("dir/f2"), "user.old", []byte("old"), 0), unix.Setxattr(d.at("dir/f2"), "user.kept", []byte("1"), 0))
}

func logCases() []logCase {
	return []logCase{
		{"new", "", "", func(d logged) { d.write("new", 3000); d.write("unsynced", 5); d.sync("new") }},
		{"new-small", "", "", func(d logged) { d.write("dir/new", 3); d.sync("dir/new") }},
		{"appended", "", "", func(d logged) {
			d.overwrite("dir/f20", 20000, "appended")
			d.overwrite("dir/f3", 0, strings.Repeat("grown", 3000))
			d.sync("dir/f20", "dir/f3")
		}},
		{"middle", "", "", func(d logged) {
			d.overwrite("big", 300000, strings.Repeat("middle", 5000))
			d.overwrite("big", 4096, strings.Repeat("x", 4096))
			d.sync("big")
		}},
		{"truncated", "", "", func(d logged) {
			d.must(os.Truncate(d.at("big"), 123457), os.Truncate(d.at("dir/f4"), 1<<20))
			d.sync("big", "dir/f4")
		}},
		{"holes", "-O ^no-holes", "", func(d logged) {
			f, err := os.OpenFile(d.at("big"), os.O_WRONLY, 0)
			d.must(err, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 8192, 65536), f.Sync(), f.Close())
		}},
		{"punched", "", "", func(d logged) {
			f, err := os.OpenFile(d.at("big"), os.O_WRONLY, 0)
			d.must(err, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 8192, 65536),
				unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 2<<20, 1<<20), f.Sync(), f.Close())
		}},
		{"renamed", "", "", func(d logged) {
			d.must(os.Rename(d.at("dir/f5"), d.at("dir/moved")))
			d.overwrite("dir/moved", 0, "after the move")
			d.sync("dir/moved")
		}},
		{"replaced", "", "", func(d logged) {
			d.write("other/f", 300)
			d.sync("other/f")
			d.must(os.Rename(d.at("other/f"), d.at("dir/f8")))
			d.sync("dir/f8")
		}},
		{"replaced-there", "", "", func(d logged) {
			d.write("dir/.f8.tmp", 300)
			d.sync("dir/.f8.tmp")
			d.must(os.Rename(d.at("dir/.f8.tmp"), d.at("dir/f8")))
			d.sync("dir")
		}},
		{"removed-tree", "", "", func(d logged) {
			d.must(os.RemoveAll(d.at("dir/sub")))
			d.sync("dir")
		}},
		{"removed", "", "", func(d logged) {
			for i := 10; i < 25; i += 3 {
				d.must(os.Remove(d.at(fmt.Sprintf("dir/f%d", i))))
			}
			d.write("dir/fresh", 7)
			d.sync("dir")
		}},
		{"linked", "", "", func(d logged) {
			for i := range 5 {
				d.must(os.Link(d.at("dir/f9"), d.at(fmt.Sprintf("other/link%d", i))))
			}
			d.must(os.Remove(d.at("dir/hard")))
			d.sync("dir/f9", "dir/f1")
		}},
		{"extrefs", "-n 4096", "", func(d logged) {
			d.must(os.Chmod(d.at("linked"), 0o600))
			d.overwrite("linked", 3, strings.Repeat("more", 2000))
			d.sync("linked")
		}},
		{"extrefs-removed", "-n 4096", "", func(d logged) {
			for i := 20; i < 40; i++ {
				d.must(os.Remove(d.at(fmt.Sprintf("many/%0200d", i))))
			}
			d.sync("many")
		}},
		{"xattrs", "", "", func(d logged) {
			d.must(unix.Removexattr(d.at("dir/f2"), "user.old"), unix.Setxattr(d.at("dir/f2"), "user.new", []byte("new"), 0))
			d.must(os.Chmod(d.at("dir/f2"), 0o4711), os.Chown(d.at("dir/f2"), 70000, 5))
			d.sync("dir/f2")
		}},
		{"tree", "", "", func(d logged) {
			d.must(os.MkdirAll(d.at("dir/a/b/c"), 0o700), os.Symlink("target", d.at("dir/a/link")))
			d.write("dir/a/b/c/file", 100)
			d.write("dir/a/not-synced", 100)
			d.sync("dir/a/b/c/file", "dir/a")
		}},
		{"nested", "-n 4096", "compress=zstd", func(d logged) {
			for i := range 400 {
				d.write(fmt.Sprintf("dir/sub/many%d", i), i)
			}
			for i := 0; i < 400; i += 3 {
				d.sync(fmt.Sprintf("dir/sub/many%d", i))
			}
			d.sync("dir/sub")
		}},
		{"reused", "--csum sha256", "compress-force=lzo", func(d logged) {
			d.must(os.Remove(d.at("dir/f11")))
			d.write("dir/f11", 9000)
			d.sync("dir/f11", "dir")
		}},
		{"cloned", "", "", func(d logged) {
			within(d.t, d.dir, "cp", "--reflink=always", "big", "clone")
			d.overwrite("clone", 40960, strings.Repeat("own", 4000))
			d.sync("clone")
		}},
		{"subvolumes", "", "", func(d logged) {
			d.overwrite("vol/f", 3, "in the subvolume")
			d.write("vol/new", 9000)
			d.write("new", 90)
			d.sync("vol/f", "vol", "vol/new", "new")
		}},
		{"twice", "", "", func(d logged) {
			d.overwrite("big", 0, "first")
			d.sync("big")
			d.overwrite("big", 500000, "second")
			d.write("new", 100)
			d.sync("big", "new", "dir")
		}},
	}
}

// logSample are the cases of every day; the others run in the full tier.
const logSample = " middle removed linked tree replaced subvolumes "

func TestLogIsReplayedAsTheKernelDoes(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	for _, c := range logCases() {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(logSample, " "+c.name+" ") {
				fixtures.RequireFull(t)
			}
			t.Parallel()
			path := crash(t, c.mkfs, c.mount, standing, c.change)
			if out := kerneltest.Run(t, "btrfs", "inspect-internal", "dump-super", path); strings.Contains(out, "log_root\t\t0\n") {
				t.Fatal("there is no log: the test tests nothing")
			}
			got := fsystest.Contents(t, openImage(t, path))
			if maps.Equal(got, kernelShows(t, path, "rescue=nologreplay")) {
				t.Fatal("the log changes nothing: the test tests nothing")
			}
			oracle, err := kernel.Open(path, kernel.Options{Type: "btrfs", Replay: true})
			kerneltest.Must(t, err)
			defer oracle.Close()
			fsystest.Compare(t, got, fsystest.Contents(t, oracle))
		})
	}
}

// TestRandomLogs makes crashes out of random steps; the seeds are fixed.
func TestRandomLogs(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	fixtures.RequireFull(t)
	tested := 0
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			mkfs := []string{"", "-n 4096", "-O ^no-holes", "-M --csum xxhash"}[seed%4]
			path := crash(t, mkfs, []string{"", "compress=lzo"}[seed/4%2], standing, func(d logged) { d.random(seed) })
			if strings.Contains(kerneltest.Run(t, "btrfs", "inspect-internal", "dump-super", path), "log_root\t\t0\n") {
				return // the kernel committed instead
			}
			tested++
			got := fsystest.Contents(t, openImage(t, path))
			oracle, err := kernel.Open(path, kernel.Options{Type: "btrfs", Replay: true})
			kerneltest.Must(t, err)
			defer oracle.Close()
			fsystest.Compare(t, got, fsystest.Contents(t, oracle))
		})
	}
	t.Logf("%d of the crashes left a log", tested)
	if tested < 10 {
		t.Errorf("only %d of the crashes left a log", tested)
	}
}

// random takes steps in the directories of standing; those that the system refuses do nothing.
func (d logged) random(seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	name := func() string {
		dirs := []string{"dir", "other", "dir/sub", "."}
		return fmt.Sprintf("%s/f%d", dirs[rnd.IntN(len(dirs))], rnd.IntN(12))
	}
	steps := []func(p string) error{
		func(p string) error {
			return os.WriteFile(p, bytes.Repeat([]byte{byte(rnd.Uint32())}, rnd.IntN(30000)), 0o644)
		},
		func(p string) error { return os.Truncate(p, int64(rnd.IntN(50000))) },
		func(p string) error { return os.Chmod(p, os.FileMode(rnd.IntN(0o1000))) },
		func(p string) error { return unix.Setxattr(p, fmt.Sprint("user.", rnd.IntN(3)), []byte(p), 0) },
		func(p string) error { return unix.Removexattr(p, fmt.Sprint("user.", rnd.IntN(3))) },
		func(p string) error { return os.Link(p, d.at(name())) },
		func(p string) error { return os.Rename(p, d.at(name())) },
		os.Remove,
		func(p string) error { return os.Mkdir(p+"d", 0o755) },
		func(p string) error { return os.Symlink("x", p+"l") },
	}
	for range 20 + rnd.IntN(60) {
		p := d.at(name())
		err := steps[rnd.IntN(len(steps))](p)
		if err == nil && rnd.IntN(3) == 0 {
			if f, err := os.Open(p); err == nil {
				d.must(f.Sync(), f.Close())
			}
		}
		if rnd.IntN(15) == 0 {
			d.sync([]string{"dir", "other", "dir/sub", "."}[rnd.IntN(4)])
		}
	}
}
