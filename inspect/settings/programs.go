package settings

import (
	"context"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// programFiles configure systemd and what belongs to it: systemd-system.conf(5)
// and those that are written alike.
func programFiles() []string {
	return []string{
		"coredump.conf", "homed.conf", "journald.conf", "journal-remote.conf", "journal-upload.conf", "logind.conf", "networkd.conf", "oomd.conf",
		"pstore.conf", "resolved.conf", "sleep.conf", "system.conf", "timesyncd.conf", "user.conf",
	}
}

func programs() section.Section {
	return section.Section{
		Name: "systemd-programs", Source: "systemd/{system,logind,journald,resolved,timesyncd,…}.conf and their drop-ins in /etc, /run, /usr/local/lib, /usr/lib, /lib", Oracle: "systemd-analyze cat-config",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			v := values{}
			for _, name := range programFiles() {
				if err := v.program(t, name); err != nil {
					return err
				}
			}
			r.Programs = v.sorted()
			return nil
		},
	}
}

// program reads the first of the main files, and the drop-ins over it.
func (v values) program(t *tree.Tree, name string) error {
	for _, file := range vendorDirs("systemd/" + name) {
		there, err := v.ini(t, file, name+" ", keyfile.Systemd())
		if err != nil {
			return err
		}
		if there {
			break
		}
	}
	dropins, err := section.Dropins(t, "*.conf", vendorDirs("systemd/"+name+".d")...)
	if err != nil {
		return err
	}
	for _, f := range dropins {
		if _, err := v.ini(t, f.Path, name+" ", keyfile.Systemd()); err != nil {
			return err
		}
	}
	return nil
}
