package settings

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/boot"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func ostree() section.Section {
	return section.Section{
		Name: "ostree", Source: "/ostree/repo/refs, /ostree/repo/config, /etc/ostree/remotes.d, /ostree/deploy (in /sysroot of a system that boots from a deployment)",
		Fill: func(ctx context.Context, t *tree.Tree, r *report.Report) error {
			for _, root := range []string{"/sysroot/ostree", "/ostree"} {
				f, err := t.Lookup(root)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					return err
				}
				r.OSTree = &report.OSTree{}
				return fillOSTree(ctx, t, f.Path, r)
			}
			return section.Absent("no /ostree")
		},
	}
}

func fillOSTree(ctx context.Context, t *tree.Tree, root string, r *report.Report) error {
	if err := ostreeRefs(t, root+"/repo/refs", r.OSTree); err != nil {
		return err
	}
	if err := ostreeRemotes(t, root, r.OSTree); err != nil {
		return err
	}
	deployments, err := t.Glob(root + "/deploy/*/deploy/*")
	if err != nil {
		return err
	}
	entries, err := boot.Entries(ctx, t)
	if err != nil {
		return err
	}
	booted := bootedDeployment(t, root, entries)
	for _, f := range deployments {
		commit, _, ok := strings.Cut(f.Name(), ".")
		if f.Node.Type != report.Directory || !ok || len(commit) != 64 {
			continue
		}
		d := report.OSTreeDeployment{Path: strings.TrimPrefix(f.Path, path.Dir(root)), OS: path.Base(path.Dir(path.Dir(f.Path))), Checksum: commit, Booted: f.Path == booted}
		if d.Origin, err = originOf(t, f.Path+".origin"); err != nil {
			return err
		}
		r.OSTree.Deployments = append(r.OSTree.Deployments, d)
	}
	return nil
}

// ostreeRefs are the files below refs, each with a commit's checksum.
func ostreeRefs(t *tree.Tree, dir string, o *report.OSTree) error {
	top, err := t.Lookup(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range t.Below(top) {
		if f.Node.Type != report.File {
			continue
		}
		data, err := f.Read(section.MaxLine)
		if err != nil {
			return err
		}
		o.Refs = append(o.Refs, report.Setting{Key: strings.TrimPrefix(f.Path, top.Path+"/"), Value: strings.TrimSpace(string(data)), Source: f.Path})
	}
	slices.SortFunc(o.Refs, func(a, b report.Setting) int { return cmp.Compare(a.Key, b.Key) })
	return nil
}

// ostreeRemotes are the sections [remote "NAME"]: ostree.repo-config(5).
func ostreeRemotes(t *tree.Tree, root string, o *report.OSTree) error {
	names, err := files(t, root+"/repo/config", "/etc/ostree/remotes.d/*.conf")
	if err != nil {
		return err
	}
	v := values{}
	for _, name := range names {
		all := values{}
		if _, err := all.ini(t, name, "", keyfile.NetworkManager()); err != nil {
			return err
		}
		for key, s := range all {
			if rest, ok := strings.CutPrefix(key, `remote "`); ok {
				v.set(strings.Replace(rest, `".`, " ", 1), s.Value, name)
			}
		}
	}
	o.Remotes = v.sorted()
	return nil
}

// bootedDeployment is where the argument ostree= of the default boot entry, else
// of the only one, leads.
func bootedDeployment(t *tree.Tree, root string, entries []report.BootEntry) string {
	for _, e := range entries {
		if !e.Default && len(entries) > 1 {
			continue
		}
		for _, word := range strings.Fields(e.Options) {
			if place, ok := strings.CutPrefix(word, "ostree="); ok {
				if f, err := t.Lookup(path.Dir(root) + place); err == nil {
					return f.Path
				}
			}
		}
	}
	return ""
}

// originOf is the refspec of a deployment's origin file.
func originOf(t *tree.Tree, name string) (string, error) {
	v := values{}
	if _, err := v.ini(t, name, "", keyfile.NetworkManager()); err != nil {
		return "", err
	}
	return cmp.Or(v["origin.refspec"].Value, v["origin.container-image-reference"].Value), nil
}
