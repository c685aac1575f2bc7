// Package selinux describes the SELinux of a system: its mode, its policy, and
// which files are labelled otherwise than the policy wants.
//
// It reads what libselinux and the kernel read at boot: /etc/selinux/config, the
// compiled policy's tables, the file contexts. Rules of the policy are
// not read, so it does not tell who may do what. Labels are looked up by package
// filecontexts; it is the only package that knows opencontainers/selinux, which
// takes contexts apart.
package selinux

import (
	"context"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// Sections is the one list of this package's sections. They share what they
// read, so a list is for one report at a time.
func Sections() []section.Section {
	l := &loader{}
	return []section.Section{
		{
			Name:   "selinux",
			Source: "/etc/selinux/config, TYPE/policy, TYPE/contexts/files, TYPE/seusers, TYPE/setrans.conf; /var/lib/selinux/TYPE/active; labels; boot entries",
			Oracle: "libselinux, checkpolicy -b, semodule --list=full",
			Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
				return l.describe(t, r)
			},
		},
		{
			Name:   "selinux-mismatches",
			Source: "labels; file_contexts with .homedirs, .local, .subs, .subs_dist in /etc/selinux/TYPE/contexts/files",
			Oracle: "setfiles -n -v -F, libselinux",
			Fill: func(ctx context.Context, t *tree.Tree, r *report.Report) error {
				return l.compare(ctx, t, r)
			},
		},
	}
}
