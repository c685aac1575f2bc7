package oci_test

import (
	"archive/tar"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/oci"
)

// cases are stacks of layers. What they hold after is umoci's to say.
func cases() map[string][][]member {
	at := func(m member, seconds int64, uid int) member {
		m.ModTime, m.Uid, m.Gid = time.Unix(seconds, 0), uid, uid+1
		return m
	}
	attr := func(m member, value string) member {
		m.PAXRecords = map[string]string{"SCHILY.xattr.user.a": value}
		return m
	}
	base := []member{
		folder("./", 0o755), folder("d/", 0o750), file("d/one", "1"), file("d/two", "22"), folder("d/sub/", 0o700), file("d/sub/deep", "333"),
		file("f", "base"), link("hard", "f"), symlink("l", "d"), symlink("abs", "/d/sub"), symlink("up", "../../../d"), file("gone", ""),
	}
	return map[string][][]member{
		"base":      {base},
		"whiteout":  {base, {file(".wh.gone", ""), file("d/.wh.two", "")}},
		"directory": {base, {file(".wh.d", "")}},
		"again":     {base, {file(".wh.d", ""), folder("d/", 0o711), file("d/new", "n")}},
		"opaque":    {base, {folder("d/", 0o711), file("d/.wh..wh..opq", ""), file("d/new", "n")}},
		"opaque behind": {base, {folder("d/", 0o711), file("d/new", "n"), folder("d/sub/", 0o711), file("d/sub/x", "x"),
			file("d/.wh..wh..opq", "")}},
		"whiteout of nothing": {base, {file(".wh.never", ""), file("no/.wh.where", "")}},
		"metadata":            {base, {at(folder("d/", 0o1777), 1e9, 70000)}},
		"attributes":          {{attr(folder("d/", 0o755), "1"), attr(file("f", "x"), "1")}, {folder("d/", 0o755), attr(file("f", "y"), "2")}},
		"replaced":            {base, {file("d", "a file now")}, {folder("d/", 0o755), file("d/x", "x")}},
		"link replaced":       {base, {folder("l/", 0o755), file("l/x", "x")}},
		"across a link":       {base, {file("l/new", "lands in d"), file("abs/deeper", "in d/sub"), file("up/top", "in d")}},
		"whiteout by a link":  {base, {file("l/.wh.one", ""), file("abs/.wh.deep", "")}},
		"hard across":         {base, {link("d/three", "f"), link("d/four", "d/three")}},
		"hard after whiteout": {base, {link("kept", "gone"), file(".wh.gone", "")}},
		"hard broken up":      {base, {at(file("f", "new"), 5, 0)}},
		"hard by a link":      {base, {link("two", "l/two")}},
		"order":               {{file("a", "first"), file("a", "second")}, {file(".wh.a", ""), file("a", "third")}},
		"hidden whiteout":     {base, {file("gone", "again"), file(".wh.gone", "")}},
		"devices": {{
			{Header: tar.Header{Name: "c", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3, Mode: 0o666}},
			{Header: tar.Header{Name: "b", Typeflag: tar.TypeBlock, Devmajor: 259, Devminor: 70000, Mode: 0o660}},
			{Header: tar.Header{Name: "p", Typeflag: tar.TypeFifo, Mode: 0o600}},
		}, {{Header: tar.Header{Name: "c", Typeflag: tar.TypeChar, Mode: 0o600}}}},
		"names":    {{file("a\nb", "1"), file("\xff\xfe", "2"), file(strings.Repeat("n", 255), "3"), file("./x//y/./z", "4"), file("/absolute", "5")}},
		"setuid":   {{at(member{tar.Header{Name: "su", Mode: 0o4755}, "x"}, -86400, 12)}},
		"empty":    {base, nil, {file("last", "l")}},
		"no files": {nil},
	}
}

// TestLayersAgreeWithUmoci applies layers, and has umoci unpack the same layout.
func TestLayersAgreeWithUmoci(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "umoci")
	for name, members := range cases() {
		t.Run(name, func(t *testing.T) {
			var layers [][]byte
			for n, l := range members {
				data := layer(t, l...)
				if n%2 == 1 {
					data = gzipped(t, data)
				}
				layers = append(layers, data)
			}
			f := layoutOf(t, layers...)
			got := contents(t, f.tar(t), oci.Options{})
			want := umoci(t, f.write(t))
			withoutImplied(t, members, got, want)
			fsystest.Compare(t, got, want)
		})
	}
}

// umoci unpacks a layout and shows what it made.
func umoci(t *testing.T, layout string) map[string]string {
	t.Helper()
	bundle := filepath.Join(t.TempDir(), "bundle")
	kerneltest.Run(t, "umoci", "unpack", "--image", layout+":latest", bundle)
	tree, err := dir.Open(filepath.Join(bundle, "rootfs"))
	kerneltest.Must(t, err)
	defer tree.Close()
	return fsystest.Contents(t, tree)
}

// withoutImplied takes the time out of directories whose time no layer gives: umoci
// takes the clock's. It also changes that of a directory when it changes what is in it.
func withoutImplied(t *testing.T, layers [][]member, lists ...map[string]string) {
	t.Helper()
	described := map[string]bool{}
	if len(layers) == 1 {
		for _, m := range layers[0] {
			described[filepath.Clean("/"+m.Name)] = true
		}
	}
	for _, l := range lists {
		for path, line := range maps.Clone(l) {
			if strings.HasPrefix(line, "directory ") && !described[path] {
				l[path] = fsystest.WithoutTime(line)
			}
		}
	}
}

// TestRepackedByUmoci has umoci make images of hard content and of changes to it.
func TestRepackedByUmoci(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "umoci")
	layout := filepath.Join(t.TempDir(), "layout")
	bundle := filepath.Join(t.TempDir(), "bundle")
	rootfs := filepath.Join(bundle, "rootfs")
	image := layout + ":latest"
	kerneltest.Run(t, "umoci", "init", "--layout", layout)
	kerneltest.Run(t, "umoci", "new", "--image", image)
	kerneltest.Run(t, "umoci", "unpack", "--image", image, bundle)
	kerneltest.Hard(t, rootfs, 4096, 300)
	for _, name := range []string{"types/socket", "sizes/sparse"} { // umoci writes neither sockets nor holes
		kerneltest.Must(t, os.Remove(filepath.Join(rootfs, name)))
	}
	for name, attr := range map[string]string{"small": "security.selinux", "small ": "user.empty"} { // nor these
		kerneltest.Must(t, unix.Lremovexattr(filepath.Join(rootfs, "attributes", strings.TrimSpace(name)), attr))
	}
	repack := func() {
		t.Helper()
		kerneltest.Run(t, "umoci", "repack", "--refresh-bundle", "--image", image, bundle)
		img := openDir(t, layout, oci.Options{})
		kerneltest.Must(t, img.Err)
		tree, err := dir.Open(rootfs)
		kerneltest.Must(t, err)
		defer tree.Close()
		got, want := fsystest.Contents(t, img.Tree()), fsystest.Contents(t, tree)
		fsystest.Compare(t, seconds(got), seconds(want))
	}
	repack()
	entries, err := os.ReadDir(rootfs)
	kerneltest.Must(t, err)
	for n, e := range entries {
		path := filepath.Join(rootfs, e.Name())
		switch n % 3 {
		case 0:
			kerneltest.Must(t, os.RemoveAll(path))
		case 1:
			kerneltest.Must(t, os.RemoveAll(path), os.WriteFile(path, []byte("in its place"), 0o600))
		}
	}
	repack()
}

// seconds rounds times as archive/tar does for umoci.
func seconds(list map[string]string) map[string]string {
	stamp := regexp.MustCompile(`\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z`)
	out := map[string]string{}
	for path, line := range list {
		out[path] = stamp.ReplaceAllStringFunc(line, func(s string) string {
			at, err := time.Parse(time.RFC3339Nano, s)
			if err != nil {
				return s
			}
			return at.Round(time.Second).Format(time.RFC3339)
		})
	}
	return out
}
