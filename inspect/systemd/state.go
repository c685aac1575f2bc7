package systemd

import (
	"path"
	"slices"
	"strings"
)

// stateOf is the state that systemctl list-unit-files tells of a name: systemctl(1), is-enabled.
func (l *library) stateOf(name string) (string, error) {
	u, err := l.unit(name)
	if err != nil {
		return "", err
	}
	switch {
	case u.state == masked:
		return l.runtime("masked", u.entry.Path), nil
	case u.state != loaded:
		return "bad", nil
	case name != u.name && !isInstance(u.name):
		return "alias", nil
	case strings.HasPrefix(u.file.Path, "/run/systemd/generator"):
		return "generated", nil
	}
	if state := l.linked(u, true); state != "" {
		return state, nil
	}
	return l.installable(u), nil
}

// installable is the state of a unit that is not enabled.
func (l *library) installable(u *unit) string {
	switch {
	case l.linked(u, false) != "":
		return "indirect"
	case len(u.wantedBy())+len(u.list("Install", "Alias")) > 0:
		return "disabled"
	case len(u.list("Install", "Also")) > 0:
		return "indirect"
	}
	return "static"
}

// wantedBy are all units whose links enable u.
func (u *unit) wantedBy() []string {
	return slices.Concat(u.list("Install", "WantedBy"), u.list("Install", "RequiredBy"), u.list("Install", "UpheldBy"))
}

// linked looks for links that enable u, by the names that its [Install] section has
// or by any name, and gives the state that they make; "" for none.
//
// A link of the unit's own name, in a directory before the unit's, makes it "linked" only.
func (l *library) linked(u *unit, known bool) string {
	names := l.knownNames(u)
	ignoreOwn, own, elsewhere := false, "", ""
	for _, d := range l.dirs {
		found, same := d.linksTo(u, names, known, ignoreOwn)
		switch {
		case found && d.path == l.scope.config:
			return "enabled"
		case found && d.path == l.scope.runtime:
			elsewhere = "enabled-runtime"
		case found && elsewhere == "" && isInstance(u.name):
			elsewhere = "static"
		case same && d.path == l.scope.config:
			own = "linked"
		case same && d.path == l.scope.runtime && own == "":
			own = "linked-runtime"
		}
		ignoreOwn = ignoreOwn || strings.HasPrefix(u.file.Path, d.real+"/")
	}
	if elsewhere != "" {
		return elsewhere
	}
	return own
}

// knownNames are those that systemctl enable gives the unit.
func (l *library) knownNames(u *unit) []string {
	names := append([]string{u.name}, u.list("Install", "Alias")...)
	if d := u.last("Install", "DefaultInstance"); d != "" && isTemplate(u.name) {
		if d, ok := expand(d, u.name); ok {
			names = append(names, instantiate(u.name, d))
		}
	}
	return names
}

// linksTo tells whether a link in the directory enables the unit, and whether there is one of
// its own name to a file of that name.
func (d *unitDir) linksTo(u *unit, names []string, known, ignoreOwn bool) (found, same bool) {
	counts := func(link string) bool { return !known || slices.Contains(names, link) }
	if d.pulled[u.name] || slices.ContainsFunc(d.instances[u.name], counts) {
		return true, false
	}
	target, isLink := d.links[u.name]
	if isLink && path.Base(target) == u.name {
		// The link in the directory itself says nothing, unless it is hidden.
		same, found = !ignoreOwn, ignoreOwn
	} else if isLink {
		found = !ignoreOwn
	}
	return found || slices.ContainsFunc(d.towards[u.name], func(link string) bool {
		return link != u.name && counts(link)
	}), same
}

// runtime marks a state that ends with the boot.
func (l *library) runtime(state, at string) string {
	if strings.HasPrefix(at, "/run/") {
		return state + "-runtime"
	}
	return state
}
