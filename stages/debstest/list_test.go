package debstest

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// list is everything of every path of a tree in one line each, times clamped
// to the epoch as the store does it.
func list(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		line, err := describe(path)
		out[strings.TrimPrefix(path, root)] = line
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func describe(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	st := info.Sys().(*syscall.Stat_t)
	line := fmt.Sprintf("%s %d:%d %d %d", info.Mode(), st.Uid, st.Gid, min(st.Mtim.Sec, epoch), st.Rdev)
	switch {
	case info.Mode().IsRegular():
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		line += fmt.Sprintf(" %d links, %d bytes %x", st.Nlink, len(data), sha256.Sum256(data))
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		line += " -> " + target
	}
	xattrs := make([]byte, 64<<10)
	n, err := unix.Llistxattr(path, xattrs)
	if err != nil && err != unix.ENOTSUP {
		return "", err
	}
	return line + " " + string(xattrs[:max(n, 0)]), nil
}

func withoutDirectories(list map[string]string) {
	maps.DeleteFunc(list, func(_, line string) bool { return strings.HasPrefix(line, "d") })
}

// same reports the first few paths in which two lists differ.
func same(t *testing.T, a, b map[string]string) {
	t.Helper()
	paths := slices.Collect(maps.Keys(a))
	for path := range b {
		if _, ok := a[path]; !ok {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	count := 0
	for _, path := range paths {
		if a[path] != b[path] {
			if count++; count <= 20 {
				t.Errorf("%s:\n%s\n%s", path, a[path], b[path])
			}
		}
	}
	if count > 0 || len(a) < 1000 {
		t.Errorf("%d of %d paths differ", count, len(a))
	}
}
