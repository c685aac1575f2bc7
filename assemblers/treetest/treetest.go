// Package treetest makes real trees for the assemblers' tests, and reads them
// through the kernel: the oracle for what an image holds.
package treetest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/report"
	"golang.org/x/sys/unix"
)

// Scan records every name under dir from what the kernel says of it.
func Scan(t testing.TB, dir string) []report.Entry {
	t.Helper()
	var out []report.Entry
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		e, err := entry(p)
		e.Path = report.Raw(filepath.Join("/", strings.TrimPrefix(p, dir)))
		out = append(out, e)
		return err
	})
	if err != nil {
		t.Fatalf("scan %s: %v", dir, err)
	}
	slices.SortFunc(out, func(a, b report.Entry) int { return strings.Compare(string(a.Path), string(b.Path)) })
	link(t, dir, out)
	return out
}

// entry records one name but for its path.
func entry(p string) (report.Entry, error) {
	var st unix.Stat_t
	if err := unix.Lstat(p, &st); err != nil {
		return report.Entry{}, err
	}
	e := report.Entry{
		Type: types[st.Mode&unix.S_IFMT], Mode: report.Mode(st.Mode & 0o7777), UID: st.Uid, GID: st.Gid,
		Mtime: time.Unix(st.Mtim.Unix()).UTC(),
	}
	var err error
	switch e.Type {
	case report.File:
		e.Size = st.Size
		e.SHA256, err = Sum(p)
	case report.Symlink:
		var target string
		target, err = os.Readlink(p)
		e.Target = report.Raw(target)
	case report.Char, report.Block:
		e.Device = fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	}
	if err != nil {
		return e, err
	}
	e.Xattrs, err = xattrs(p)
	e.SELinux = strings.TrimRight(string(e.Xattrs["security.selinux"]), "\x00")
	return e, err
}

var types = map[uint32]report.Type{
	unix.S_IFREG: report.File, unix.S_IFDIR: report.Directory, unix.S_IFLNK: report.Symlink, unix.S_IFCHR: report.Char,
	unix.S_IFBLK: report.Block, unix.S_IFIFO: report.FIFO, unix.S_IFSOCK: report.Socket,
}

func xattrs(p string) (map[string]report.Raw, error) {
	buf := make([]byte, 1<<16)
	n, err := unix.Llistxattr(p, buf)
	if err != nil || n == 0 {
		return nil, err
	}
	out := map[string]report.Raw{}
	for _, name := range strings.Split(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00") {
		v := make([]byte, 1<<16)
		size, err := unix.Lgetxattr(p, name, v)
		if err != nil {
			return nil, err
		}
		out[name] = report.Raw(v[:size])
	}
	return out, nil
}

// link fills in the hard-link groups.
func link(t testing.TB, dir string, entries []report.Entry) {
	t.Helper()
	first := map[uint64]int{}
	for i := range entries {
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(dir, string(entries[i].Path)), &st); err != nil {
			t.Fatal(err)
		}
		if entries[i].Type == report.Directory || st.Nlink < 2 {
			continue
		}
		if j, ok := first[st.Ino]; ok {
			entries[j].Hardlink = entries[j].Path
			entries[i].Hardlink = entries[j].Path
			continue
		}
		first[st.Ino] = i
	}
}

// Sum is the hex SHA-256 of a file.
func Sum(p string) (string, error) {
	f, err := os.Open(p)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Diff tells the first few entries in which two lists differ.
func Diff(want, got []report.Entry) []string {
	line := func(e report.Entry) string { return fmt.Sprintf("%+v", e) }
	w := map[report.Raw]string{}
	for _, e := range want {
		w[e.Path] = line(e)
	}
	var out []string
	for _, e := range got {
		if s, ok := w[e.Path]; !ok {
			out = append(out, "added "+line(e))
		} else if s != line(e) {
			out = append(out, "want "+s+"\n got "+line(e))
		}
		delete(w, e.Path)
	}
	for p := range w {
		out = append(out, "missing "+p.String())
	}
	return out[:min(len(out), 10)]
}
