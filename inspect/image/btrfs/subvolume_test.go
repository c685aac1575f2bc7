package btrfs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/btrfs"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// within runs a program in a directory that only this process can name.
func within(t testing.TB, dir, name string, args ...string) string {
	t.Helper()
	fixtures.RequireTool(t, name)
	f, err := os.Open(dir)
	kerneltest.Must(t, err)
	defer f.Close()
	cmd := exec.Command("sh", append([]string{"-c", `cd /proc/self/fd/3 && exec "$@"`, "sh", name}, args...)...)
	cmd.ExtraFiles = []*os.File{f}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// nest makes subvolumes in each other, snapshots of them, and one that is gone.
func nest(t testing.TB, dir string) {
	t.Helper()
	write := func(name string) {
		kerneltest.Must(t, os.WriteFile(filepath.Join(dir, name), []byte("content of "+name), 0o644))
	}
	sub := func(args ...string) { within(t, dir, "btrfs", append([]string{"subvolume"}, args...)...) }
	kerneltest.Must(t, os.MkdirAll(filepath.Join(dir, "plain/deep"), 0o750))
	sub("create", "@")
	sub("create", "@/nested")
	sub("create", "plain/deep/c")
	sub("create", "gone")
	for _, d := range []string{".", "@", "@/nested", "plain/deep/c"} { // the same inode numbers in each
		write(d + "/file")
		kerneltest.Must(t, os.Link(filepath.Join(dir, d, "file"), filepath.Join(dir, d, "hard")))
	}
	kerneltest.Must(t, os.Chown(filepath.Join(dir, "@"), 7, 8), os.Chmod(filepath.Join(dir, "@/nested"), 0o2711))
	sub("snapshot", "-r", "@", "snapshot")
	sub("snapshot", ".", "plain/whole")
	kerneltest.Must(t, os.Remove(filepath.Join(dir, "gone")))
	write("@/file")
	within(t, dir, "mv", "@/nested", "plain/moved")
}

// emptyDirectories are what a snapshot shows of subvolumes that it does not hold; the kernel gives them
// the time of the look.
const emptyDirectories = " /snapshot/nested /plain/whole/@ /plain/whole/plain/deep/c /plain/whole/gone /plain/whole/snapshot "

func withoutTimes(list map[string]string, paths string) map[string]string {
	for _, path := range strings.Fields(paths) {
		if line, ok := list[path]; ok {
			list[path] = fsystest.WithoutTime(line)
		}
	}
	return list
}

func TestSubvolumesAgreeWithKernel(t *testing.T) {
	t.Parallel()
	path := makeImage(t, 200<<20, "")
	var listed string
	populate(t, path, "", func(dir string) {
		nest(t, dir)
		listed = within(t, dir, "btrfs", "subvolume", "list", ".")
	})
	fs := openImage(t, path)
	got := withoutTimes(fsystest.Contents(t, fs), emptyDirectories)
	fsystest.Compare(t, got, withoutTimes(kernelShows(t, path), emptyDirectories))
	for _, name := range []string{"/@/hard", "/plain/moved/file", "/plain/whole/plain", "/snapshot/nested"} {
		if got[name] == "" {
			t.Errorf("%s is not shown", name)
		}
	}
	all, err := fs.Subvolumes()
	kerneltest.Must(t, err)
	if len(all) != 6 || !all[4].ReadOnly && !all[5].ReadOnly {
		t.Errorf("subvolumes: %+v", all)
	}
	for _, s := range all[1:] {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^ID %d gen .* path %s$`, s.ID, s.Path)).MatchString(listed) {
			t.Errorf("%+v is not in\n%s", s, listed)
		}
	}
	if n := strings.Count(listed, "ID "); n != len(all)-1 {
		t.Errorf("%d subvolumes, btrfs lists %d", len(all)-1, n)
	}
	for _, s := range all {
		compareSubvolume(t, fs, path, s)
	}
	if _, err := fs.Subvolume("gone"); err == nil || !strings.Contains(err.Error(), `no subvolume "gone"`) {
		t.Error("a deleted subvolume:", err)
	}
	if _, err := fs.SubvolumeByID(7); err == nil {
		t.Error("the tree of checksums opens as a subvolume")
	}
}

// compareSubvolume opens one by its ID and by its path.
func compareSubvolume(t *testing.T, fs *btrfs.FS, path string, s btrfs.Subvolume) {
	t.Helper()
	var empty string
	for _, p := range strings.Fields(emptyDirectories) {
		empty += "/" + strings.TrimPrefix(strings.TrimPrefix(p, "/"+string(s.Path)), "/") + " "
	}
	byID, err := fs.SubvolumeByID(s.ID)
	byPath, pathErr := fs.Subvolume("/" + string(s.Path))
	kerneltest.Must(t, err, pathErr)
	want := withoutTimes(kernelShows(t, path, fmt.Sprint("subvolid=", s.ID)), empty)
	fsystest.Compare(t, withoutTimes(fsystest.Contents(t, byID), empty), want)
	fsystest.Compare(t, withoutTimes(fsystest.Contents(t, byPath), empty), want)
	fsystest.Compare(t, withoutTimes(kernelShows(t, path, "subvol=/"+string(s.Path)), empty), want)
}

func TestDefaultSubvolumeAgreesWithKernel(t *testing.T) {
	t.Parallel()
	path := makeImage(t, 200<<20, "")
	populate(t, path, "", func(dir string) {
		nest(t, dir)
		within(t, dir, "btrfs", "subvolume", "set-default", "@")
	})
	got := compareWithKernel(t, path)
	if len(got) != 3 || !strings.Contains(got["/"], " 7:8 ") {
		t.Errorf("the default is not @: %v", got)
	}
	top, err := openImage(t, path).SubvolumeByID(5)
	kerneltest.Must(t, err)
	if list := fsystest.List(t, top); list["/plain/moved/file"] == "" {
		t.Error("the top level has no /plain/moved")
	}
	reset, err := openImage(t, path).SubvolumeByID(0)
	kerneltest.Must(t, err)
	fsystest.Compare(t, fsystest.Contents(t, reset), got)
}

// A device that is missing makes an error which names it; a mirror does not need it.
func TestSeveralDevices(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	for profile, readable := range map[string][2]bool{ // with device 1, with device 2 alone
		"-d single -m raid1": {true, false}, "-d raid0 -m raid1": {}, "-d raid1 -m raid0": {},
		"-d raid1 -m raid1": {true, true}, "-d raid1 -m raid1 --csum sha256": {true, true},
	} {
		dir := t.TempDir()
		first, second := filepath.Join(dir, "1"), filepath.Join(dir, "2")
		for _, p := range []string{first, second} {
			kerneltest.Must(t, os.WriteFile(p, nil, 0o644), os.Truncate(p, 200<<20))
		}
		kerneltest.Run(t, "mkfs.btrfs", append(strings.Fields("-q -f "+profile), first, second)...)
		fillTwo(t, first, second)
		for n, p := range []string{first, second} {
			list, err := tryContents(t, p)
			switch {
			case readable[n] && (err != nil || !strings.HasPrefix(list["/f"], "file 0644 0:0 500000 ") || strings.Contains(list["/f"], "!")):
				t.Errorf("%s, device %d: %v, %v", profile, n+1, list, err)
			case !readable[n] && (err == nil || !regexp.MustCompile(`device [12] \(UUID [0-9a-f-]{36}\) holds a part of it and is not here`).MatchString(err.Error())):
				t.Errorf("%s, device %d: %v", profile, n+1, err)
			}
		}
	}
}

// fillTwo mounts a filesystem of two devices and writes a file.
func fillTwo(t testing.TB, first, second string) {
	t.Helper()
	loop := strings.TrimSpace(kerneltest.Run(t, "losetup", "-f", "--show", second))
	defer kerneltest.Run(t, "losetup", "-d", loop)
	populate(t, first, "device="+loop, func(dir string) {
		kerneltest.Must(t, os.WriteFile(filepath.Join(dir, "f"), []byte(strings.Repeat("data ", 100000)), 0o644))
	})
}

// tryContents reads an image that may not open.
func tryContents(t testing.TB, path string) (map[string]string, error) {
	t.Helper()
	f, err := os.Open(path)
	kerneltest.Must(t, err)
	defer f.Close()
	info, err := f.Stat()
	kerneltest.Must(t, err)
	fs, err := btrfs.Open(t.Context(), f, info.Size())
	if err != nil {
		return nil, err
	}
	return fsystest.Contents(t, fs), nil
}

func TestReadingNeedsNoRights(t *testing.T) {
	t.Parallel()
	path := makeImage(t, 120<<20, "")
	populate(t, path, "", func(dir string) { nest(t, dir) })
	f, err := os.Open(path)
	kerneltest.Must(t, err)
	defer f.Close()
	want := fsystest.Contents(t, openImage(t, path))
	got := fsystest.AsNobody(t, func() map[string]string {
		fs, err := btrfs.Open(t.Context(), f, 120<<20)
		if err != nil {
			t.Error(err)
			return nil
		}
		return fsystest.Contents(t, fs)
	})
	fsystest.Compare(t, got, want)
}
