package network

import (
	"context"

	"github.com/assay-os/assay/inspect/network/sshconf"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func sshd() section.Section {
	return section.Section{
		Name: "sshd", Source: "/etc/ssh/sshd_config and what it includes", Oracle: "sshd -T",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) (err error) {
			r.Sshd, err = sshconf.Read(t, sshconf.Server())
			return err
		},
	}
}

func sshClient() section.Section {
	return section.Section{
		Name: "ssh-client", Source: "/etc/ssh/ssh_config and what it includes", Oracle: "ssh -G",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) (err error) {
			r.SSHClient, err = sshconf.Read(t, sshconf.Client())
			return err
		},
	}
}
