package network

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// networkdDirs are where systemd-networkd and udev look, the first counts.
func networkdDirs() []string {
	return []string{"/etc/systemd/network", "/usr/local/lib/systemd/network", "/usr/lib/systemd/network", "/lib/systemd/network"}
}

func networkd() section.Section {
	return section.Section{
		Name: "networkd", Source: "*.network, *.netdev, *.link and their drop-ins in " + strings.Join(networkdDirs(), ", "),
		Oracle: "systemd-analyze cat-config",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			files, err := networkdFiles(t)
			if err != nil {
				return err
			}
			for _, f := range files {
				n, err := networkdFile(t, f)
				r.Networkd = append(r.Networkd, n)
				if err != nil {
					return err
				}
			}
			if len(files) == 0 {
				return section.Absent("no file of systemd-networkd")
			}
			return nil
		},
	}
}

// networkdFiles are the files that count, masked ones too, by name.
func networkdFiles(t *tree.Tree) ([]*tree.File, error) {
	byName := map[string]*tree.File{}
	for _, dir := range networkdDirs() {
		files, err := t.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			_, hidden := byName[f.Name()]
			kind := f.Name()[strings.LastIndexByte(f.Name(), '.')+1:]
			if !hidden && f.Node.Type != report.Directory && slices.Contains([]string{"network", "netdev", "link"}, kind) {
				byName[f.Name()] = f
			}
		}
	}
	var list []*tree.File
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list = append(list, byName[name])
	}
	return list, nil
}

func networkdFile(t *tree.Tree, f *tree.File) (report.NetworkdFile, error) {
	n := report.NetworkdFile{Name: f.Name(), Path: f.Path, Masked: section.Masked(f) || f.Node.Type == report.File && f.Node.Size == 0}
	if n.Masked {
		return n, nil
	}
	var dirs []string
	for _, dir := range networkdDirs() {
		dirs = append(dirs, dir+"/"+literal(f.Name())+".d")
	}
	more, err := section.Dropins(t, "*.conf", dirs...)
	if err != nil {
		return n, err
	}
	for _, d := range append([]*tree.File{f}, more...) {
		file, err := readKeyfile(t, d.Path, keyfile.Systemd(), &n.Problems)
		if err != nil {
			return n, err
		}
		if file == nil {
			continue
		}
		if d != f {
			n.DropIns = append(n.DropIns, d.Path)
		}
		n.Sections = append(n.Sections, sectionsOf(file)...)
	}
	return n, nil
}

// sectionsOf keeps each section as a thing of its own: two of [Address] are two addresses.
func sectionsOf(file *keyfile.File) []report.NetworkdSection {
	at := map[int]int{}
	var out []report.NetworkdSection
	for _, h := range file.Headers {
		at[h.Line] = len(out)
		out = append(out, report.NetworkdSection{Name: h.Section})
	}
	for _, a := range file.Assignments {
		if i, ok := at[a.Header]; ok {
			out[i].Values = append(out[i].Values, a.Key+"="+secret.Value(a.Key, a.Value))
		}
	}
	return out
}

// literal is the pattern that matches a name alone.
func literal(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(name)
}
