package settings

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/boot"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func tuned() section.Section {
	return section.Section{
		Name: "tuned", Source: "/etc/tuned/active_profile, /etc/tuned/profile_mode",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			profile, err := word(t, "/etc/tuned/active_profile")
			if err != nil {
				return err
			}
			mode, err := word(t, "/etc/tuned/profile_mode")
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			r.Tuned = &report.Tuned{Profile: profile, Mode: mode}
			return nil
		},
	}
}

// word is a file's whole text without white space around it.
func word(t *tree.Tree, name string) (string, error) {
	data, err := t.ReadFile(name, section.MaxLine)
	return strings.TrimSpace(string(data)), err
}

func authselect() section.Section {
	return section.Section{
		Name: "authselect", Source: "/etc/authselect/authselect.conf", Oracle: "",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			const name = "/etc/authselect/authselect.conf"
			if _, err := t.Lookup(name); err != nil {
				return err
			}
			var lines []string // the profile, and a feature each
			err := section.ReadLines(t, name, func(_ int, line string) error { lines = append(lines, line); return nil })
			if err != nil || len(lines) == 0 {
				return err
			}
			r.Authselect = &report.Authselect{Profile: lines[0], Features: lines[1:]}
			slices.Sort(r.Authselect.Features)
			return nil
		},
	}
}

func cryptoPolicies() section.Section {
	return section.Section{
		Name: "crypto-policies", Source: "/etc/crypto-policies/config, /etc/crypto-policies/state/current",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			p := &report.CryptoPolicy{}
			const name = "/etc/crypto-policies/config"
			if _, err := t.Lookup(name); err != nil {
				return err
			}
			err := section.ReadLines(t, name, func(_ int, line string) error { p.Policy = line; return nil })
			if err != nil {
				return err
			}
			p.Applied, err = word(t, "/etc/crypto-policies/state/current")
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			r.CryptoPolicies = p
			return nil
		},
	}
}

func fips() section.Section {
	return section.Section{
		Name: "fips", Source: "boot entries, /etc/kernel/cmdline, /etc/dracut.conf.d/40-fips.conf, /etc/system-fips, /etc/crypto-policies",
		Fill: func(ctx context.Context, t *tree.Tree, r *report.Report) error {
			f := &report.FIPS{}
			err := section.ReadLines(t, "/etc/crypto-policies/config", func(_ int, line string) error {
				f.Policy = strings.HasPrefix(line, "FIPS")
				return nil
			})
			if err != nil {
				return err
			}
			if f.Cmdline, err = fipsOnCmdline(ctx, t); err != nil {
				return err
			}
			for _, name := range []string{"/etc/dracut.conf.d/40-fips.conf", "/etc/system-fips"} {
				switch _, err := t.Lookup(name); {
				case err == nil:
					f.Module = true
				case !errors.Is(err, fs.ErrNotExist):
					return err
				}
			}
			if *f == (report.FIPS{}) {
				return section.Absent("nothing switches the FIPS mode on")
			}
			r.FIPS = f
			return nil
		},
	}
}

// fipsOnCmdline tells whether a kernel is started with fips=1.
func fipsOnCmdline(ctx context.Context, t *tree.Tree) (bool, error) {
	cmdline, err := word(t, "/etc/kernel/cmdline")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	entries, err := boot.Entries(ctx, t)
	if err != nil {
		return false, err
	}
	lines := []string{cmdline}
	for _, e := range entries {
		lines = append(lines, e.Options)
	}
	return slices.ContainsFunc(lines, func(l string) bool { return slices.Contains(strings.Fields(l), "fips=1") }), nil
}

func rhsm() section.Section {
	return section.Section{
		Name: "rhsm", Source: "/etc/rhsm/rhsm.conf, /etc/dnf/plugins/{product-id,subscription-manager}.conf, /etc/yum/pluginconf.d/*, /etc/rhsm/syspurpose/syspurpose.json, /etc/rhsm/facts/*.facts",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			v := values{}
			names, err := files(t, "/etc/rhsm/rhsm.conf", "/etc/dnf/plugins/product-id.conf", "/etc/dnf/plugins/subscription-manager.conf",
				"/etc/yum/pluginconf.d/product-id.conf", "/etc/yum/pluginconf.d/subscription-manager.conf")
			if err != nil {
				return err
			}
			for _, name := range names {
				if _, err := v.ini(t, name, base(name), keyfile.DNF()); err != nil {
					return err
				}
			}
			facts, err := files(t, "/etc/rhsm/syspurpose/syspurpose.json", "/etc/rhsm/facts/*.facts")
			if err != nil {
				return err
			}
			for _, name := range facts {
				// JSON is YAML.
				if _, err := v.yaml(t, name); err != nil {
					return err
				}
			}
			if len(names)+len(facts) == 0 {
				return section.Absent("no configuration of the subscription manager")
			}
			r.Rhsm = v.sorted()
			return nil
		},
	}
}
