package xfs_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/xfs"
)

// setSuper sets fields of the superblocks by xfs_db, which renews their checksums.
func setSuper(t testing.TB, path string, fields ...string) {
	t.Helper()
	args := []string{"-x", "-c", "sb 0"}
	for _, f := range fields {
		args = append(args, "-c", "write -d "+f)
	}
	kerneltest.Run(t, "xfs_db", append(args, path)...)
}

// incompat are the features of a new filesystem of version 5 and more.
func incompat(more uint32) string { return fmt.Sprintf("features_incompat %#x", 0xb|more) }

// What older versions of mkfs.xfs cannot set, the kernel uses all the same.
func TestNewFeaturesAgreeWithKernel(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	path := makeImage(t, roomy)
	const exchange, parent = 0x40, 0x80
	setSuper(t, path, incompat(exchange|parent))
	kerneltest.PopulateAs(t, "xfs", path, func(dir string) { kerneltest.Hard(t, dir, 4096, 300) })
	if n := bytes.Count([]byte(kerneltest.Run(t, "xfs_db", "-r", "-c", "sb 0", "-c", "print features_incompat", path)), []byte("0xcb")); n != 1 {
		t.Fatal("the features are gone: the test tests nothing")
	}
	compareWithKernel(t, path)
	if got := openImage(t, path).Describe().Features; !slices.Contains(got, "exchange") || !slices.Contains(got, "parent") {
		t.Error(got)
	}
}

// A UUID that was changed later is the filesystem's; its blocks bear the old one.
func TestChangedUUIDAgreesWithKernel(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	path := makeImage(t, roomy, "-L", "a b ")
	kerneltest.Run(t, "xfs_admin", "-U", "generate", path)
	kerneltest.PopulateAs(t, "xfs", path, func(dir string) { kerneltest.Hard(t, dir, 4096, 300) })
	if !slices.Contains(openImage(t, path).Describe().Features, "meta_uuid") {
		t.Fatal("no second UUID: the test tests nothing")
	}
	compareWithBlkid(t, path)
	compareWithKernel(t, path)
}

// Shared extents, and those that hold nothing yet.
func TestReflinksAgreeWithKernel(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	path := makeImage(t, roomy)
	kerneltest.PopulateAs(t, "xfs", path, func(dir string) {
		one := filepath.Join(dir, "one")
		kerneltest.Must(t, os.WriteFile(one, bytes.Repeat([]byte("shared "), 100000), 0o644))
		from, err := os.Open(one)
		kerneltest.Must(t, err)
		for i := range 5 {
			to, err := os.Create(filepath.Join(dir, fmt.Sprint("copy", i)))
			kerneltest.Must(t, err, unix.IoctlFileClone(int(to.Fd()), int(from.Fd())))
			_, err = to.WriteAt([]byte("own"), int64(i)*4096*3)
			kerneltest.Must(t, err, to.Close())
		}
		kerneltest.Must(t, from.Close())
	})
	compareWithKernel(t, path)
}

// TestAttributes compares what chattr sets with what the kernel shows of it; the
// rest only the reader tells of.
func TestAttributes(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	path := makeImage(t, roomy)
	want := map[string]string{"+i": "immutable", "+a": "append-only", "+d": "nodump", "+A": "noatime", "+S": "sync", "+iadAS": "append-only,immutable,noatime,nodump,sync"}
	kerneltest.PopulateAs(t, "xfs", path, func(dir string) {
		for flags := range want {
			name := filepath.Join(dir, flags)
			kerneltest.Must(t, os.WriteFile(name, nil, 0o644), setFlags(name, flags))
		}
		name := filepath.Join(dir, "project")
		kerneltest.Must(t, os.WriteFile(name, nil, 0o644), setProject(name, 70001))
	})
	got := fsystest.List(t, openImage(t, path))
	if !strings.HasSuffix(got["/project"], " project=70001") {
		t.Error(got["/project"])
	}
	for flags, names := range want {
		if !strings.HasSuffix(got["/"+flags], " "+names) {
			t.Errorf("%s: %q, want %q", flags, got["/"+flags], names)
		}
	}
}

// setFlags is chattr(1) for a path that only this process has.
func setFlags(path, flags string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	bits := 0
	for letter, bit := range map[string]int{"i": 0x10, "a": 0x20, "d": 0x40, "A": 0x80, "S": 0x8} {
		if strings.Contains(flags, letter) {
			bits |= bit
		}
	}
	return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, bits)
}

// setProject gives a file to a project of quotas: FS_IOC_FSSETXATTR, struct fsxattr.
func setProject(path string, id uint32) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	const request = 0x401c5820
	attr := [7]uint32{3: id}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(unsafe.Pointer(&attr))); errno != 0 {
		return errno
	}
	return nil
}

// Each of these is one exact error.
func TestUnreadIsNamed(t *testing.T) {
	t.Parallel()
	plain := makeImage(t, roomy)
	for want, fields := range map[string]string{
		"needsrepair": incompat(0x10),
		"features that are not read: metadir, zoned, zone_gaps, FEATURE_I20": incompat(0x100700),
		"log: it lies on another device":                                     "logstart 0",
		"mkfs.xfs did not finish":                                            "inprogress 1",
		"version 3 is not read":                                              "versionnum 0xb4a3",
		"block size 4096":                                                    "blocklog 13",
		"sector size 512":                                                    "sectlog 10",
		"inode size 512":                                                     "inodelog 10",
		"2^4 inodes":                                                         "inopblog 4",
		"directory block size 2^17":                                          "dirblklog 5",
		"are numbered with 12 bits":                                          "agblklog 12",
		"5 allocation groups":                                                "agcount 5",
		"it is truncated":                                                    "",
	} {
		t.Run(want, func(t *testing.T) {
			path := copySparse(t, plain)
			if fields == "" {
				kerneltest.Must(t, os.Truncate(path, roomy-1))
			} else {
				setSuper(t, path, fields)
			}
			f, err := os.Open(path)
			kerneltest.Must(t, err)
			defer f.Close()
			info, err := f.Stat()
			kerneltest.Must(t, err)
			_, err = xfs.Open(context.Background(), f, info.Size())
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			if _, ok := xfs.Probe(f); !ok {
				t.Error("it is not named")
			}
		})
	}
}

// A file on the realtime device is told alone.
func TestRealtimeFilesAreUnread(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	path := makeImage(t, roomy)
	kerneltest.PopulateAs(t, "xfs", path, func(dir string) {
		for _, name := range []string{"far", "empty", "near"} {
			kerneltest.Must(t, os.WriteFile(filepath.Join(dir, name), []byte(strings.Trim(name, "empty")), 0o644))
		}
	})
	for _, name := range []string{"far", "empty"} {
		kerneltest.Run(t, "xfs_db", "-x", "-c", "path /"+name, "-c", "write -d core.realtime 1", path)
	}
	got := fsystest.Contents(t, openImage(t, path))
	if !strings.Contains(got["/far"], "realtime device") || strings.Contains(got["/near"]+got["/empty"], "!") {
		t.Errorf("%q", got)
	}
}

// TestSettings: what mkfs.xfs is told shows in the description.
func TestSettings(t *testing.T) {
	t.Parallel()
	last := openImage(t, makeImage(t, roomy)).Describe()
	if s := last.Settings; s["version"] != "5" || s["block_size"] != "4096" || s["blocks"] != "81920" || s["groups"] != "4" || s["inode_size"] != "512" {
		t.Errorf("settings of a new filesystem: %v", s)
	}
	for _, args := range []string{"-b size=1024", "-i size=1024", "-i maxpct=7", "-n size=8192", "-d agcount=5", "-d su=64k,sw=2", "-s size=4096", "-l su=64k", "-l size=70m"} {
		if now := openImage(t, makeImage(t, roomy, strings.Fields(args)...)).Describe(); maps.Equal(now.Settings, last.Settings) {
			t.Errorf("%s changes no setting: %v", args, now.Settings)
		}
	}
	for args, name := range map[string]string{"-m rmapbt=1": "rmapbt", "-m reflink=0": "reflink", "-m finobt=0": "finobt", "-m bigtime=0": "bigtime", "-i nrext64=1": "nrext64", "-i sparse=0": "sparse", "-m crc=0": "crc", "-m inobtcount=0": "inobtcount"} {
		now := openImage(t, makeImage(t, roomy, strings.Fields(args)...)).Describe().Features
		if slices.Contains(now, name) == slices.Contains(last.Features, name) {
			t.Errorf("%s: %v", args, now)
		}
	}
}
