package selinux

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/selinux/filecontexts"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// describe fills the section selinux. What a policy does not have is left out;
// what could not be read is in the error.
func (l *loader) describe(t *tree.Tree, r *report.Report) error {
	l.load(t, r)
	if l.configErr != nil {
		return l.configErr
	}
	arguments := kernelArguments(r.Boot)
	s := &report.SELinux{
		Mode: l.config.mode, ModeAtBoot: modeAtBoot(l.config.mode, arguments), Type: l.config.policy,
		Config: l.config.settings, KernelArguments: arguments,
		Labelled: l.count.labelled, Unlabelled: l.count.unlabelled,
	}
	r.SELinux = s
	_, relabel := t.Lstat("/.autorelabel")
	s.Autorelabel = relabel == nil
	errs := []error{absent(relabel), absent(l.policyErr), absent(l.setErr)}
	l.describePolicy(s)
	l.describeContexts(s)
	errs = append(errs, l.readStore(t, s))
	for _, table := range []struct {
		name string
		line func(*report.SELinux, string) error
	}{
		{l.directory() + "/contexts/customizable_types", customizable}, {l.directory() + "/setrans.conf", translation},
		{l.directory() + "/seusers", login},
	} {
		errs = append(errs, eachLine(t, table.name, func(line string) error { return table.line(s, line) }))
	}
	slices.Sort(s.CustomizableTypes)
	slices.SortStableFunc(s.Logins, func(a, b report.SELinuxLogin) int { return strings.Compare(a.Name, b.Name) })
	return errors.Join(errs...)
}

func (l *loader) describePolicy(s *report.SELinux) {
	if l.policy == nil {
		return
	}
	p := l.policy
	s.Policy = &report.SELinuxPolicy{
		Path: l.path, Others: l.others, Version: p.Version, MLS: p.MLS, HandleUnknown: p.HandleUnknown, Capabilities: p.Capabilities,
		Types: len(p.Types), Users: len(p.Users), Roles: len(p.Roles), Permissive: p.Permissive,
	}
	for _, b := range p.Booleans {
		s.Booleans = append(s.Booleans, report.SELinuxBoolean{Name: b.Name, On: b.Default})
	}
}

// maxProblems bounds what is told of lines that cannot be read: a broken file has
// as many as it has lines.
const maxProblems = 100

func (l *loader) describeContexts(s *report.SELinux) {
	if l.set == nil {
		return
	}
	c := &report.SELinuxContexts{Lines: len(l.set.Specs()), Rules: "3.7"}
	if l.rules == filecontexts.Since38 {
		c.Rules = "3.8"
	}
	for _, p := range l.set.Problems() {
		c.Problems = append(c.Problems, p.String())
	}
	names, valid := namesOf(l.policy), map[string]bool{filecontexts.None: true}
	for _, spec := range l.set.Specs() {
		if spec.File == filecontexts.LocalName {
			c.Local++
		}
		if _, known := valid[spec.Context]; !known {
			valid[spec.Context] = names.valid(spec.Context)
		}
		if !valid[spec.Context] {
			c.Problems = append(c.Problems, fmt.Sprintf("%s:%d: context %.200q is not valid in the policy", spec.File, spec.Line, spec.Context))
		}
	}
	if more := len(c.Problems) - maxProblems; more > 0 {
		c.Problems = append(c.Problems[:maxProblems], fmt.Sprintf("and %d more", more))
	}
	s.FileContexts = c
}

// eachLine calls fn for each line of a table that may be absent.
func eachLine(t *tree.Tree, name string, fn func(line string) error) error {
	data, err := t.ReadFile(name, section.MaxConfig)
	if err != nil {
		return absent(err)
	}
	if err := section.EachTableLine(data, func(_ int, line string) error { return fn(line) }); err != nil {
		return place(name, err)
	}
	return nil
}

func customizable(s *report.SELinux, line string) error {
	s.CustomizableTypes = append(s.CustomizableTypes, line)
	return nil
}

// translation reads a line RANGE=NAME; other settings of mcstransd are not kept.
func translation(s *report.SELinux, line string) error {
	level, name, ok := strings.Cut(line, "=")
	if !ok {
		return nil
	}
	if s.Translations == nil {
		s.Translations = map[string]string{}
	}
	s.Translations[strings.TrimSpace(level)] = strings.TrimSpace(name)
	return nil
}

// login reads a line NAME:USER:RANGE; the range may have colons.
func login(s *report.SELinux, line string) error {
	f := strings.SplitN(line, ":", 3)
	if len(f) < 2 {
		return fmt.Errorf("%.60q is no login", line)
	}
	entry := report.SELinuxLogin{Name: f[0], User: f[1]}
	if len(f) == 3 {
		entry.Range = f[2]
	}
	s.Logins = append(s.Logins, entry)
	return nil
}

// stores are where libsemanage keeps the parts of a policy: the default, and the
// store-root of systems that keep /var empty.
func (l *loader) stores() []string {
	return []string{"/var/lib/selinux/" + l.config.policy + "/active", l.directory() + "/active"}
}

// readStore reads modules and local booleans of the first store that is there.
func (l *loader) readStore(t *tree.Tree, s *report.SELinux) error {
	for _, store := range l.stores() {
		if _, err := t.Lookup(store); err != nil {
			if absent(err) != nil {
				return err
			}
			continue
		}
		err := eachLine(t, store+"/booleans.local", func(line string) error {
			name, value, _ := strings.Cut(line, "=")
			localBoolean(s, strings.TrimSpace(name), strings.TrimSpace(value))
			return nil
		})
		return errors.Join(err, readModules(t, store, s))
	}
	return nil
}

// localBoolean marks a switch that the administrator has set. Its state is the
// compiled policy's, which is made with it.
func localBoolean(s *report.SELinux, name, value string) {
	for i := range s.Booleans {
		if s.Booleans[i].Name == name {
			s.Booleans[i].Local = true
			return
		}
	}
	s.Booleans = append(s.Booleans, report.SELinuxBoolean{Name: name, On: value == "1" || value == "true", Local: true})
	slices.SortFunc(s.Booleans, func(a, b report.SELinuxBoolean) int { return strings.Compare(a.Name, b.Name) })
}

// maxModules bounds the modules of a policy. Fedora's has 400.
const maxModules = 20_000

// readModules lists modules/PRIORITY/NAME of a store. A name in modules/disabled
// is off, in whatever priority.
func readModules(t *tree.Tree, store string, s *report.SELinux) error {
	dirs, err := t.ReadDir(store + "/modules")
	if err != nil {
		return absent(err)
	}
	off := map[string]bool{}
	for _, dir := range dirs {
		if dir.Node.Type != report.Directory {
			continue
		}
		list, err := t.ReadDir(dir.Path)
		if err != nil {
			return err
		}
		priority, err := strconv.Atoi(dir.Name())
		for _, f := range list {
			switch {
			case dir.Name() == disabled:
				off[f.Name()] = true
			case err == nil && f.Node.Type == report.Directory:
				s.Modules = append(s.Modules, report.SELinuxModule{Name: f.Name(), Priority: priority})
			}
		}
		if len(s.Modules) > maxModules {
			return fmt.Errorf("%s: more than %d modules", dir.Path, maxModules)
		}
	}
	for i := range s.Modules {
		s.Modules[i].Disabled = off[s.Modules[i].Name]
	}
	slices.SortFunc(s.Modules, func(a, b report.SELinuxModule) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Priority, b.Priority))
	})
	return nil
}
