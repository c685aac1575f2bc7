package stages

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/assay-os/assay/report"
)

// install makes the links that [Install] asks for.
func (u units) install(file unitFile, in install) error {
	if len(in.wantedBy)+len(in.requiredBy)+len(in.alias)+len(in.also) == 0 {
		u.tell("%s has no [Install] section that asks for a link", file.name)
	}
	for _, alias := range in.alias {
		name, err := expand(alias, file.name)
		if err != nil {
			return err
		}
		if isTemplate(name) {
			name = instanceOf(name, file.name)
		}
		if !validUnit(name) || path.Ext(name) != path.Ext(file.name) {
			return &unitError{fmt.Sprintf("%s asks for the other name %q, which is none for a unit of its kind", file.name, alias)}
		}
		if err := u.link(file.path, configUnits+"/"+name); err != nil {
			return err
		}
	}
	name := file.name
	if isTemplate(name) && in.defaultInstance != "" {
		name = strings.Replace(name, "@.", "@"+in.defaultInstance+".", 1)
	}
	if err := u.wants(file.path, name, in.wantedBy, ".wants"); err != nil {
		return err
	}
	return u.wants(file.path, name, in.requiredBy, ".requires")
}

// wants makes a unit wanted, or required, by others.
func (u units) wants(target, name string, by []string, suffix string) error {
	for _, other := range by {
		wanting, err := expand(other, name)
		if err != nil {
			return err
		}
		if !validUnit(wanting) {
			return &unitError{fmt.Sprintf("%s is wanted by %q, which is no name of a unit", name, other)}
		}
		if isTemplate(name) && !isTemplate(wanting) {
			return &unitError{fmt.Sprintf("%s is a template without a default instance; name an instance, like %s", name, strings.Replace(name, "@.", "@NAME.", 1))}
		}
		if err := u.link(target, configUnits+"/"+wanting+suffix+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

// link makes a symlink, and the directories above it. One that leads to the
// same file already stays as it is; anything else that is there is an error.
func (u units) link(target, name string) error {
	if err := u.tree.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	info, err := u.tree.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		u.tell("made %s, which leads to %s", name, target)
		return u.tree.Symlink(target, name)
	}
	if err != nil {
		return err
	}
	if info.Type != report.Symlink {
		return &unitError{fmt.Sprintf("%s is there already and is a %s", name, info.Type)}
	}
	old, err := u.tree.Readlink(name)
	if err != nil || old == target {
		return err
	}
	have, err := u.tree.Stat(name)
	want, err2 := u.tree.Stat(target)
	if err != nil || err2 != nil || have.Inode != want.Inode || have.Device != want.Device {
		return &unitError{fmt.Sprintf("%s is there already and leads to %s", name, old)}
	}
	return nil
}

// withSuffix is the unit that a name means: a service, unless its suffix says otherwise.
func withSuffix(name string) string {
	if unitSuffix(name) {
		return name
	}
	return name + ".service"
}

func unitSuffix(name string) bool {
	switch path.Ext(name) {
	case ".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope":
		return true
	}
	return false
}

// validUnit: letters, digits, ":-_.\" and one "@", with a suffix, at most 255
// bytes: unit_name_is_valid of systemd.
func validUnit(name string) bool {
	prefix := strings.TrimSuffix(name, path.Ext(name))
	if !unitSuffix(name) || len(name) > 255 || prefix == "" || prefix[0] == '@' {
		return false
	}
	for _, c := range prefix {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune(`:-_.\@`, c) {
			return false
		}
	}
	return strings.Count(prefix, "@") <= 1
}

func isTemplate(name string) bool {
	return strings.Contains(name, "@.") && !strings.Contains(name, "@.@")
}

// templateOf is the template of an instance; "" for what is none.
func templateOf(name string) string {
	prefix, rest, ok := strings.Cut(name, "@")
	if !ok || isTemplate(name) {
		return ""
	}
	return prefix + "@" + path.Ext(rest)
}

// instanceOf is the instance of a template that has the instance's name of
// name; what is no template stays as it is.
func instanceOf(template, name string) string {
	if _, rest, ok := strings.Cut(name, "@"); ok && isTemplate(template) {
		return strings.Replace(template, "@.", "@"+strings.TrimSuffix(rest, path.Ext(rest))+".", 1)
	}
	return template
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// expand replaces the specifiers of systemd.unit(5) that depend on the unit's
// name alone. The others tell of the running system, which there is none of.
func expand(text, unit string) (string, error) {
	full := strings.TrimSuffix(unit, path.Ext(unit))
	prefix, instance, _ := strings.Cut(full, "@")
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch text[i] {
		case 'n':
			b.WriteString(unit)
		case 'N':
			b.WriteString(full)
		case 'p':
			b.WriteString(prefix)
		case 'i':
			b.WriteString(instance)
		case 'j':
			b.WriteString(prefix[strings.LastIndexByte(prefix, '-')+1:])
		case '%':
			b.WriteByte('%')
		default:
			return "", &unitError{fmt.Sprintf("%s asks for a link to %q; %%%c is not known before the boot", unit, text, text[i])}
		}
	}
	return b.String(), nil
}
