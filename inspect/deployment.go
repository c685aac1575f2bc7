package inspect

import (
	"path"
	"strings"

	"github.com/assay-os/assay/inspect/image/ostree"
	"github.com/assay-os/assay/inspect/tree"
)

// deploymentsDir is where OSTree keeps the roots that it put together.
const deploymentsDir = "/ostree/deploy"

// A sysroot shows a tree as package ostree looks into it.
type sysroot struct{ *tree.Tree }

// ReadDir implements ostree.Sysroot.
func (s sysroot) ReadDir(name string) ([]string, error) {
	list, err := s.Tree.ReadDir(name)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.Name()
	}
	return names, nil
}

// Resolve implements ostree.Sysroot.
func (s sysroot) Resolve(name string) (string, error) {
	f, err := s.Lookup(name)
	if err != nil {
		return "", err
	}
	return f.Path, nil
}

// deploy turns the physical root of a system of OSTree, which in.tree is,
// into the root that boots, as ostree-prepare-root(1) does: the deployment becomes /, its
// system's var /var, and what was the root before is at /sysroot, but for /boot, which
// stays. A root that OSTree has nothing to do with stays as it is.
func (in *inspection) deploy(volumes []*volume) {
	if _, err := in.tree.Lookup(deploymentsDir); err != nil {
		return
	}
	in.mountBoot(volumes)
	list, err := ostree.Deployments(sysroot{in.tree})
	if err != nil {
		in.troubles.files.add(deploymentsDir, err.Error())
	}
	for i := range list {
		if d := &list[i]; d.Booted || len(list) == 1 {
			in.relocate(d)
			return
		}
	}
}

// mountBoot mounts what holds the boot loader's entries, which tell the
// deployment, on /boot where the root has none: fstab cannot tell, since it lies in the deployment.
func (in *inspection) mountBoot(volumes []*volume) {
	const entries = "/loader/entries"
	if _, err := in.tree.Lookup("/boot" + entries); err == nil {
		return
	}
	for _, v := range volumes {
		if b := v.whole(); len(v.mounted) == 0 && b.has(entries) {
			v.mounted = append(v.mounted, b.base)
			in.noteMountpoint(v, "/boot")
			in.graft(mount{b, "/boot"})
			return
		}
	}
}

// relocate gives every file the path that it has after the boot. The empty
// places that the deployment has to mount on go.
func (in *inspection) relocate(d *ostree.Deployment) {
	kept := in.tree.Files[:0]
	for _, f := range in.tree.Files {
		f.Path = afterBoot(f.Path, d)
		if f.Path != "" {
			kept = append(kept, f)
		}
	}
	tree.Sort(kept)
	in.tree.Files = kept
}

func afterBoot(name string, d *ostree.Deployment) string {
	switch {
	case inside(name, d.Path):
		name = path.Join("/", strings.TrimPrefix(name, d.Path))
		if name == "/var" || name == "/sysroot" || name == "/boot" {
			return ""
		}
		return name
	case inside(name, d.Var()):
		return path.Join("/var", strings.TrimPrefix(name, d.Var()))
	case inside(name, "/boot"):
		return name
	}
	return path.Join("/sysroot", name)
}

// inside tells whether a path is dir or below it.
func inside(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, dir+"/")
}
