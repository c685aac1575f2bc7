package settings

import (
	"context"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func cloudInit() section.Section {
	return section.Section{
		Name: "cloud-init", Source: "/etc/cloud/cloud.cfg, /etc/cloud/cloud.cfg.d/*.cfg",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			names, err := files(t, "/etc/cloud/cloud.cfg", "/etc/cloud/cloud.cfg.d/*.cfg")
			if err != nil {
				return err
			}
			if len(names) == 0 {
				return section.Absent("no /etc/cloud/cloud.cfg")
			}
			v := values{}
			for _, name := range names {
				later := values{}
				if _, err := later.yaml(t, name); err != nil {
					return err
				}
				v.replace(later)
			}
			v.hideContents()
			r.CloudInit = v.sorted()
			return nil
		},
	}
}

// hideContents leaves out what cloud-init writes into files or runs: it may be anything,
// keys and passwords among it.
func (v values) hideContents() {
	for key, s := range v {
		list, _, _ := strings.Cut(key, "[")
		if strings.HasSuffix(key, ".content") || slices.Contains([]string{"user-data", "runcmd", "bootcmd"}, list) {
			s.Value = secret.Present
			v[key] = s
		}
	}
}

// replace puts later settings over earlier ones. A list replaces a list as a whole.
func (v values) replace(later values) {
	lists := map[string]bool{}
	for key := range later {
		if list, _, ok := strings.Cut(key, "["); ok {
			lists[list] = true
		}
	}
	for key := range v {
		if list, _, _ := strings.Cut(key, "["); lists[list] {
			delete(v, key)
		}
	}
	for key, s := range later {
		v[key] = s
	}
}

func ignition() section.Section {
	return section.Section{
		Name: "ignition", Source: "/usr/lib/ignition/*.ign, base.d and base.platform.d in it, /boot/ignition, /boot/config.ign, /boot/ignition.firstboot",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			names, err := files(t, "/usr/lib/ignition/*.ign", "/usr/lib/ignition/base.d/*.ign", "/usr/lib/ignition/base.platform.d/*/*.ign", "/boot/ignition/*", "/boot/config.ign", "/boot/ignition.firstboot")
			if err != nil {
				return err
			}
			if len(names) == 0 {
				return section.Absent("no configuration of Ignition")
			}
			for _, name := range names {
				r.Ignition = append(r.Ignition, report.Setting{Key: name, Value: "present", Source: name})
			}
			return nil
		},
	}
}

func waagent() section.Section {
	return section.Section{
		Name: "waagent", Source: "/etc/waagent.conf",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			const name = "/etc/waagent.conf"
			if _, err := t.Lookup(name); err != nil {
				return err
			}
			v := values{}
			err := section.ReadLines(t, name, func(_ int, line string) error {
				if key, value, ok := strings.Cut(line, "="); ok {
					v.set(strings.TrimSpace(key), strings.TrimSpace(value), name)
				}
				return nil
			})
			r.Waagent = v.sorted()
			return err
		},
	}
}

func googleAgents() section.Section {
	return section.Section{
		Name: "google-agents", Source: "/etc/default/instance_configs.cfg*, /etc/default/instance_configs.cfg.distro, /etc/google-guest-agent.conf",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			v := values{}
			found := false
			for _, name := range []string{
				"/etc/default/instance_configs.cfg.distro", "/etc/default/instance_configs.cfg.template", "/etc/default/instance_configs.cfg", "/etc/google-guest-agent.conf",
			} {
				there, err := v.ini(t, name, "", keyfile.DNF())
				if err != nil {
					return err
				}
				found = found || there
			}
			if !found {
				return section.Absent("no configuration of Google's agents")
			}
			r.GoogleAgents = v.sorted()
			return nil
		},
	}
}
