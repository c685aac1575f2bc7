package boot

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// regular gives the files that match any of the patterns, each once, sorted by path. Links
// are left out: what they lead to is found itself, or is none of the image's boot files.
func regular(t *tree.Tree, patterns ...string) ([]*tree.File, error) {
	var list []*tree.File
	for _, p := range patterns {
		files, err := t.Glob(p)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if f.Node.Type == report.File {
				list = append(list, f)
			}
		}
	}
	slices.SortFunc(list, func(a, b *tree.File) int { return cmp.Compare(a.Path, b.Path) })
	return slices.CompactFunc(list, func(a, b *tree.File) bool { return a.Path == b.Path }), nil
}

// bootDirs are where kernels lie that a boot loader reads from a filesystem of its own or of
// the system: the Boot Loader Specification's $BOOT, and what distributions use.
func bootDirs() []string { return []string{"/boot", "/efi", "/boot/efi"} }

// below are patterns of names in the directories of kernels: in bootDirs themselves, in their
// directories of a machine and a version, in those of OSTree, and beside the modules.
func below(names ...string) []string {
	var list []string
	for _, name := range names {
		for _, dir := range bootDirs() {
			list = append(list, dir+"/"+name, dir+"/*/*/"+name)
		}
		list = append(list, "/boot/ostree/*/"+name, "/usr/lib/modules/*/"+name, "/lib/modules/*/"+name)
	}
	return list
}

// espPlaces are where firmware or a boot loader looks for programs, and where distributions
// keep their own copies of them.
func espPlaces() []string {
	return []string{"/boot", "/efi", "/usr/lib/systemd/boot/efi", "/usr/lib/shim", "/usr/lib/bootupd", "/usr/lib/ostree-boot"}
}

// espFiles are the files in those places, and in volumes that nothing mounts. It is one
// pass over the names; a directory of a link is not looked into, for its files are seen where they
// are. The error says that there may be more.
func espFiles(t *tree.Tree) ([]*tree.File, error) {
	var trouble error
	for _, dir := range espPlaces() {
		if _, err := t.Lookup(dir); errors.Is(err, tree.ErrUnread) {
			trouble = cmp.Or(trouble, err)
		}
	}
	var list []*tree.File
	for i := range t.Files {
		f := &t.Files[i]
		switch {
		case !isESPPlace(f.Path):
		case f.Node.Type == report.File:
			list = append(list, f)
		case f.Node.Type == report.Directory && f.Node.Err != nil:
			trouble = cmp.Or(trouble, fmt.Errorf("list %s: %w: %w", f.Path, tree.ErrUnread, f.Node.Err))
		}
	}
	return list, trouble
}

func isESPPlace(name string) bool {
	if !strings.HasPrefix(name, "/") {
		return strings.Contains(name, ":/")
	}
	return slices.ContainsFunc(espPlaces(), func(dir string) bool {
		return strings.HasPrefix(name, dir) && (len(name) == len(dir) || name[len(dir)] == '/')
	})
}

// head reads the first bytes of a file, as many as there are up to n.
func head(f *tree.File, n int64) ([]byte, error) {
	c, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return bytesAt(c, 0, min(n, c.Size()))
}

// bytesAt reads n bytes.
func bytesAt(c io.ReaderAt, at, n int64) ([]byte, error) {
	data := make([]byte, n)
	if got, err := c.ReadAt(data, at); int64(got) < n {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return data, nil
}
