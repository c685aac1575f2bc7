package packages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func dnf() section.Section {
	return section.Section{
		Name: "dnf", Source: "/etc/dnf/dnf.conf, /etc/yum.conf, /etc/dnf/libdnf5.conf.d, vars in /etc/dnf and /etc/yum, /etc/dnf/modules.d, /etc/dnf/plugins, /etc/dnf/protected.d",
		Fill: fillDNF,
	}
}

func fillDNF(_ context.Context, t *tree.Tree, r *report.Report) error {
	d := &report.DNF{}
	var trouble error
	for _, read := range []func(*tree.Tree, *report.DNF) error{dnfMain, dnfVars, dnfModules, dnfPlugins, dnfLists} {
		trouble = firstError(trouble, read(t, d))
	}
	if d.Source == "" && d.Vars == nil && d.Modules == nil && d.Plugins == nil {
		if trouble == nil {
			return section.Absent("no settings of dnf or yum")
		}
		return trouble
	}
	r.DNF = d
	return trouble
}

// readINI reads one of dnf's files.
func readINI(t *tree.Tree, name string) (*keyfile.File, error) {
	data, err := t.ReadFile(name, section.MaxConfig)
	if err != nil {
		return nil, err
	}
	f, err := keyfile.Parse(data, keyfile.DNF())
	if err == nil && len(f.Problems) > 0 {
		err = fmt.Errorf("line %d: %.60q is neither a section nor an assignment", f.Problems[0].Line, f.Problems[0].Text)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return f, err
}

// dnfMain reads the first of the main files, and dnf5's files beside it.
func dnfMain(t *tree.Tree, d *report.DNF) error {
	var trouble error
	for _, name := range []string{"/etc/dnf/dnf.conf", "/etc/yum.conf", "/etc/yum/yum.conf"} {
		f, err := readINI(t, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		trouble = firstError(trouble, err)
		if f != nil {
			d.Source = report.Raw(name)
			takeMain(d, f)
		}
		break
	}
	parts, err := section.Dropins(t, "*.conf", "/etc/dnf/libdnf5.conf.d", "/usr/share/dnf5/libdnf.conf.d")
	trouble = firstError(trouble, err)
	for _, part := range parts {
		f, err := readINI(t, part.Path)
		trouble = firstError(trouble, err)
		if f != nil {
			takeMain(d, f)
		}
	}
	return trouble
}

func takeMain(d *report.DNF, f *keyfile.File) {
	for _, a := range f.Assignments {
		if a.Section == "main" {
			put(&d.Main, a.Key, publicURL(secret.Value(a.Key, text(unquoted(a.Value)))))
		}
	}
}

// dnfVars reads a file a variable; those of dnf come before those of yum.
func dnfVars(t *tree.Tree, d *report.DNF) error {
	var trouble error
	for _, dir := range []string{"/usr/share/dnf5/vars.d", "/etc/yum/vars", "/etc/dnf/vars"} {
		files, err := t.Glob(dir + "/*")
		trouble = firstError(trouble, err)
		for _, f := range files {
			data, err := t.ReadFile(f.Path, section.MaxConfig)
			if err != nil {
				trouble = firstError(trouble, err)
				continue
			}
			line, _, _ := strings.Cut(string(data), "\n")
			put(&d.Vars, f.Name(), secret.Value(f.Name(), text(strings.TrimSpace(line))))
		}
	}
	return trouble
}

// dnfModules reads the state of modules: a section a module.
func dnfModules(t *tree.Tree, d *report.DNF) error {
	files, trouble := t.Glob("/etc/dnf/modules.d/*.module")
	for _, file := range files {
		f, err := readINI(t, file.Path)
		trouble = firstError(trouble, err)
		if f == nil {
			continue
		}
		for _, h := range f.Headers {
			m := report.DNFModule{Name: text(h.Section)}
			for _, a := range f.Assignments {
				if a.Header == h.Line {
					setModule(&m, a.Key, text(a.Value))
				}
			}
			d.Modules = append(d.Modules, m)
		}
	}
	slices.SortStableFunc(d.Modules, func(a, b report.DNFModule) int { return cmp.Compare(a.Name, b.Name) })
	return trouble
}

func setModule(m *report.DNFModule, key, value string) {
	switch key {
	case "state":
		m.State = value
	case "stream":
		m.Stream = value
	case "profiles":
		m.Profiles = yumList(value)
	}
}

func dnfPlugins(t *tree.Tree, d *report.DNF) error {
	var trouble error
	for _, glob := range []string{"/etc/dnf/plugins/*.conf", "/etc/yum/pluginconf.d/*.conf", "/etc/dnf/libdnf5-plugins/*.conf"} {
		files, err := t.Glob(glob)
		trouble = firstError(trouble, err)
		for _, file := range files {
			f, err := readINI(t, file.Path)
			trouble = firstError(trouble, err)
			if f == nil {
				continue
			}
			for _, a := range f.Assignments {
				name := strings.TrimSuffix(file.Name(), ".conf") + "." + a.Section + "." + a.Key
				put(&d.Plugins, name, publicURL(secret.Value(a.Key, text(unquoted(a.Value)))))
			}
		}
	}
	return trouble
}

// dnfLists reads the locks of versions, and what is protected.
func dnfLists(t *tree.Tree, d *report.DNF) error {
	var trouble error
	read := func(glob string, to *[]string) {
		files, err := t.Glob(glob)
		trouble = firstError(trouble, err)
		for _, f := range files {
			trouble = firstError(trouble, section.ReadLines(t, f.Path, func(_ int, line string) error {
				*to = append(*to, text(line))
				return nil
			}))
		}
		slices.Sort(*to)
	}
	read("/etc/dnf/plugins/versionlock.list", &d.Locks)
	read("/etc/dnf/protected.d/*.conf", &d.Protected)
	return trouble
}
