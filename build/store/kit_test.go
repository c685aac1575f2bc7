package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

// epoch is the time that every test commits with.
var epoch = time.Unix(1579910400, 0).UTC()

// openTest opens a store for a test and holds it.
func openTest(t testing.TB, dir string, mode Mode) *Dir {
	t.Helper()
	fixtures.RequireRoot(t)
	d, err := Open(dir, Options{Mode: mode, Holder: "test " + t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	release, err := d.Hold(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return d
}

// onTmpfs gives a directory on a tmpfs of its own.
func onTmpfs(t testing.TB, options string) string {
	t.Helper()
	fixtures.RequireRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// inView runs f with the view at a directory that only f sees.
func inView(t testing.TB, v View, f func(dir string) error) {
	t.Helper()
	target := t.TempDir()
	err := inMountNamespace(func() error {
		if err := v.Mount(target); err != nil {
			return err
		}
		return errors.Join(f(target), unix.Unmount(target, 0))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A edit changes a tree at dir.
type edit func(dir string) error

// step runs one edit on top of base and returns the tree after it.
func step(t testing.TB, d *Dir, base Tree, key string, change edit) (Tree, *Layer) {
	t.Helper()
	w, err := d.Begin(context.Background(), base)
	if err != nil {
		t.Fatal(err)
	}
	inView(t, w.View(), change)
	l, err := w.Commit(context.Background(), Commit{Key: key, Type: "org.osbuild.test", StepID: "id-" + key, Epoch: epoch})
	if err != nil {
		t.Fatal(err)
	}
	return base.With(l), l
}

// tree shows the recorded entries of a tree as strings.
func tree(t testing.TB, d *Dir, of Tree) map[string]string {
	t.Helper()
	list, err := d.Entries(of)
	if err != nil {
		t.Fatal(err)
	}
	if digest, err := report.TreeDigest(list); err != nil || digest != of.Digest {
		t.Fatalf("digest of the entries is %s (%v), of the tree %s", digest, err, of.Digest)
	}
	out := make(map[string]string)
	for _, e := range list {
		out[string(e.Path)] = show(e)
	}
	return out
}

// show is one entry as a line: type mode owner, then what the type has.
func show(e report.Entry) string {
	s := fmt.Sprintf("%s %s %d:%d", e.Type, e.Mode, e.UID, e.GID)
	if !e.Mtime.Equal(epoch) {
		s += " " + e.Mtime.Format(time.RFC3339Nano)
	}
	for _, part := range []string{e.Target.String(), e.Device, e.SELinux, e.Capabilities} {
		if part != "" {
			s += " " + part
		}
	}
	if e.Type == report.File {
		s += fmt.Sprintf(" %d %.8s", e.Size, e.SHA256)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Xattrs)) {
		s += " " + name
	}
	if e.Hardlink != "" {
		s += " = " + e.Hardlink.String()
	}
	return s
}

// onDisk shows a directory as tree does, by another way: no list, no layers.
func onDisk(t testing.TB, dir string) map[string]string {
	t.Helper()
	s := &scanner{root: dir, base: &fold{digest: EmptyDigest}, epoch: time.Unix(1<<40, 0)}
	d, err := s.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	for _, i := range d.changed {
		out[string(i.entry.Path)] = show(i.entry)
	}
	return out
}

func sameTree(t testing.TB, what string, got, want map[string]string) {
	t.Helper()
	var wrong []string
	for path := range maps.Keys(want) {
		if got[path] != want[path] {
			wrong = append(wrong, fmt.Sprintf("%s: %s, want %s", path, cmp.Or(got[path], "nothing"), want[path]))
		}
	}
	for path := range maps.Keys(got) {
		if _, ok := want[path]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s: %s, want nothing", path, got[path]))
		}
	}
	slices.Sort(wrong)
	if len(wrong) > 0 {
		t.Errorf("%s:\n%s", what, strings.Join(wrong, "\n"))
	}
}

// edits runs several edits.
func edits(list ...edit) edit {
	return func(dir string) error {
		for _, e := range list {
			if err := e(dir); err != nil {
				return err
			}
		}
		return nil
	}
}

func write(name, content string) edit {
	return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644) }
}

func appendTo(name, content string) edit {
	return func(dir string) error {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(content)
		return errors.Join(err, f.Close())
	}
}

func mkdir(name string) edit {
	return func(dir string) error { return os.MkdirAll(filepath.Join(dir, name), 0o755) }
}

func remove(name string) edit {
	return func(dir string) error { return os.RemoveAll(filepath.Join(dir, name)) }
}

func chmod(name string, mode uint32) edit {
	return func(dir string) error { return unix.Chmod(filepath.Join(dir, name), mode) }
}

func chown(name string, uid, gid int) edit {
	return func(dir string) error { return os.Lchown(filepath.Join(dir, name), uid, gid) }
}

func link(old, name string) edit {
	return func(dir string) error { return os.Link(filepath.Join(dir, old), filepath.Join(dir, name)) }
}

func symlink(target, name string) edit {
	return func(dir string) error { return os.Symlink(target, filepath.Join(dir, name)) }
}

func rename(old, name string) edit {
	return func(dir string) error { return os.Rename(filepath.Join(dir, old), filepath.Join(dir, name)) }
}

func mknod(name string, mode uint32, major, minor uint32) edit {
	return func(dir string) error {
		return unix.Mknod(filepath.Join(dir, name), mode, int(unix.Mkdev(major, minor)))
	}
}

func setxattr(name, attr, value string) edit {
	return func(dir string) error { return unix.Lsetxattr(filepath.Join(dir, name), attr, []byte(value), 0) }
}

func setTime(name string, at time.Time) edit {
	return func(dir string) error { return setMtime(filepath.Join(dir, name), at) }
}

func nothing(string) error { return nil }

// command runs a program and returns everything that it prints.
func command(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	return string(out), err
}
