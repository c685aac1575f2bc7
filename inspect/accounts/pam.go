package accounts

import (
	"context"
	"errors"
	"io/fs"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func pam() section.Section {
	return section.Section{
		Name: "pam", Source: "/etc/pam.d over /usr/lib/pam.d, and the modules' directories",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			stacks, err := newPAMStacks(t)
			if err != nil {
				return err
			}
			for _, name := range stacks.names() {
				service, err := stacks.service(name)
				if err != nil {
					return err
				}
				r.PAM = append(r.PAM, service)
			}
			if len(r.PAM) == 0 {
				return section.Absent("no service in /etc/pam.d and /usr/lib/pam.d")
			}
			return nil
		},
	}
}

// pamModules are the names of all modules in the directories of libpam, which
// its makers choose: /lib/security, /lib64/security, and one for each architecture.
func pamModules(t *tree.Tree) (map[string]bool, error) {
	found := map[string]bool{}
	for _, pattern := range []string{
		"/lib/security/*.so", "/lib64/security/*.so", "/usr/lib/security/*.so", "/usr/lib64/security/*.so",
		"/lib/*/security/*.so", "/usr/lib/*/security/*.so",
	} {
		files, err := t.Glob(pattern)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if _, err := t.Lookup(f.Path); err == nil {
				found[f.Name()] = true
			}
		}
	}
	return found, nil
}

// hasModule tells whether the image holds a module: by its path, or by its name
// in the directories.
func (p *pamStacks) hasModule(name string) (bool, error) {
	if name[0] != '/' {
		return p.modules[name], nil
	}
	_, err := p.tree.Lookup(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
