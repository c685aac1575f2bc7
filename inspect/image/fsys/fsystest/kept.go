package fsystest

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Kept is what a test keeps in dir of an image that not every machine can make: the
// image NAME.img.gz, and the list that a kernel showed of it in NAME.list.gz, a line
// for each path, both quoted. Compare with it after [WithoutDecoded].
func Kept(t testing.TB, dir, name string) (image []byte, list map[string]string) {
	t.Helper()
	list = map[string]string{}
	for line := range strings.Lines(string(Unpack(t, filepath.Join(dir, name+".list.gz")))) {
		var path, shown string
		if _, err := fmt.Sscanf(line, "%q %q", &path, &shown); err != nil {
			t.Fatal(err)
		}
		list[path] = shown
	}
	return Unpack(t, filepath.Join(dir, name+".img.gz")), WithoutDecoded(list)
}

// Unpack is the content of a file packed by gzip.
func Unpack(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// WithoutDecoded takes what is decoded of attributes out of lines: newer
// versions decode more, and the attributes are there anyway.
func WithoutDecoded(list map[string]string) map[string]string {
	decoded := regexp.MustCompile(` acl=[^ ]*| \[[^\]]*\]`)
	for path, line := range list {
		list[path] = decoded.ReplaceAllString(line, "")
	}
	return list
}
