package xfs_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// prototype describes a tree in the language of mkfs.xfs -p: a directory of many names, every type.
func prototype(t testing.TB, many int) string {
	t.Helper()
	dir := t.TempDir()
	content := filepath.Join(dir, "content")
	kerneltest.Must(t, os.WriteFile(content, bytes.Repeat([]byte("content "), 5000), 0o600))
	var b strings.Builder
	fmt.Fprintf(&b, "/\n0 0\nd--755 0 0\n")
	fmt.Fprintf(&b, "file ---644 7 70000 %s\nsuid -u-755 1 1 %s\nlink l--777 3 4 target\nlong l--777 0 0 %s\n", content, content, strings.Repeat("l", 1000))
	fmt.Fprintf(&b, "fifo p--640 0 0\nchar c--600 0 0 5 300\nblock b--660 0 6 8 1\n")
	for _, d := range []struct {
		name  string
		names int
	}{{"few", 3}, {"some", 20}, {"many", many}} {
		fmt.Fprintf(&b, "%s d--750 5 6\n", d.name)
		for i := range d.names {
			fmt.Fprintf(&b, "a-name-of-some-length-%040d l--777 %d 0 x\n", i, i)
		}
		fmt.Fprintf(&b, "$\n")
	}
	fmt.Fprintf(&b, "$\n")
	path := filepath.Join(dir, "proto")
	kerneltest.Must(t, os.WriteFile(path, []byte(b.String()), 0o600))
	return path
}

// makeV4 makes an image of version 4, with attributes of all sizes by xfs_db.
func makeV4(t testing.TB, size int64, many int, args ...string) string {
	t.Helper()
	path := makeImage(t, size, append([]string{"-m", "crc=0", "-p", prototype(t, many)}, args...)...)
	db := []string{"-x", "-c", "path /file"}
	for i := range 40 {
		db = append(db, "-c", fmt.Sprintf("attr_set -u -v %d name%d", i*i, i))
	}
	db = append(db, "-c", "attr_set -r -v 20 rooted", "-c", "attr_set -s -v 30000 far", "-c", "path /few", "-c", "attr_set -s -v 10 label")
	kerneltest.Run(t, "xfs_db", append(db, path)...)
	return path
}

// tinyV4 is a small image of version 4, whose metadata has no checksums.
func tinyV4(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(makeV4(t, 16<<20, 150, "-b", "size=512"))
	kerneltest.Must(t, err)
	return data
}
