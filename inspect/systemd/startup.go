package systemd

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func startup(s *shared) section.Section {
	return section.Section{
		Name: "startup", Source: "default.target and all that it pulls in, from the directories of units", Oracle: "systemd --test in the tree: its first transaction",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			l, err := s.of(t, systemScope())
			if err != nil {
				return err
			}
			if l.find(bootTarget) == nil {
				return section.Absent("no " + bootTarget + " in any of " + sourceOf(systemScope().dirs))
			}
			r.Startup, err = l.startup()
			return err
		},
	}
}

// maxStartup bounds the units of one boot: templates could make instances without end.
const maxStartup = 20_000

// A closure is what boot starts, and what that may start.
type closure struct {
	library *library
	found   map[string]*report.StartupUnit
	// queue are the units whose own needs are not yet looked at.
	queue []string
}

// startup follows what pulls in what. Units that systemd makes of itself or of the
// machine (devices, slices and mounts without a file, what generators write) are not in it.
func (l *library) startup() ([]report.StartupUnit, error) {
	c := &closure{library: l, found: map[string]*report.StartupUnit{}}
	if err := c.add(bootTarget, "", "start"); err != nil {
		return nil, err
	}
	for _, how := range []string{"start", "trigger"} {
		if how == "trigger" {
			if err := c.trigger(); err != nil {
				return nil, err
			}
		}
		for len(c.queue) > 0 {
			name := c.queue[0]
			c.queue = c.queue[1:]
			if err := c.pull(name, how); err != nil {
				return nil, err
			}
		}
	}
	var list []report.StartupUnit
	for _, u := range c.found {
		slices.Sort(u.By)
		u.By = slices.Compact(u.By)
		list = append(list, *u)
	}
	slices.SortFunc(list, func(a, b report.StartupUnit) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// add takes one unit, under its own name.
func (c *closure) add(name, by, how string) error {
	u, err := c.library.unit(name)
	if err != nil {
		return err
	}
	if u.state == missing && isMachine(name) {
		return nil
	}
	s := c.found[u.name]
	if s == nil {
		if len(c.found) == maxStartup {
			return nil
		}
		s = &report.StartupUnit{Name: u.name, How: how, State: string(u.state)}
		c.found[u.name] = s
		if u.state == loaded {
			s.Conditions = u.conditions()
			c.queue = append(c.queue, u.name)
		}
	}
	if by != "" && len(s.By) < maxStartup {
		s.By = append(s.By, by)
	}
	return nil
}

// isMachine tells whether systemd knows units of the kind without a file.
func isMachine(name string) bool {
	return slices.Contains([]string{".device", ".slice", ".mount", ".swap", ".scope"}, path.Ext(name))
}

// pull adds what a unit cannot or would not do without.
func (c *closure) pull(name, how string) error {
	u, err := c.library.unit(name)
	if err != nil {
		return err
	}
	for _, need := range c.library.needs(u) {
		if err := c.add(need, name, how); err != nil {
			return err
		}
	}
	if how == "trigger" {
		return c.triggerOf(u)
	}
	return nil
}

// trigger adds what the started units may start later.
func (c *closure) trigger() error {
	var names []string
	for name := range c.found {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		u, err := c.library.unit(name)
		if err != nil {
			return err
		}
		if err := c.triggerOf(u); err != nil {
			return err
		}
	}
	return nil
}

func (c *closure) triggerOf(u *unit) error {
	if u.state != loaded {
		return nil
	}
	var target string
	switch path.Ext(u.name) {
	case ".timer":
		target = u.triggered("Timer", "Unit", ".service")
	case ".path":
		target = u.triggered("Path", "Unit", ".service")
	case ".socket":
		target = u.socketService()
	case ".automount":
		target = strings.TrimSuffix(u.name, ".automount") + ".mount"
	default:
		return nil
	}
	if !isUnit(target) {
		return nil
	}
	return c.add(target, u.name, "trigger")
}

// pullingKeys are the keys that start other units: systemd.unit(5).
func pullingKeys() []string { return []string{"Requires", "Wants", "BindsTo", "Upholds"} }

// needs are the units that a unit starts with itself.
func (l *library) needs(u *unit) []string {
	var names []string
	for _, key := range pullingKeys() {
		for _, v := range u.conf.Values("Unit", key) {
			names = append(names, keyfile.Words(v)...)
		}
	}
	names = append(names, u.implied()...)
	var list []string
	for _, name := range names {
		if name, ok := expand(name, u.name); ok && isUnit(name) {
			list = append(list, name)
		}
	}
	return append(list, l.pulledBy(u)...)
}

// pulledBy are the names in the directories .wants, .requires and .upholds of a unit, and of
// its template; a link from a template is an instance of the same name.
func (l *library) pulledBy(u *unit) []string {
	var list []string
	for _, owner := range slices.Compact([]string{u.name, templateOf(u.name)}) {
		if owner == "" {
			continue
		}
		for _, d := range l.dirs {
			for _, suffix := range []string{".wants", ".requires", ".upholds"} {
				for _, name := range d.pulls[owner+suffix] {
					if isTemplate(name) && isInstance(u.name) {
						name = instantiate(name, instanceOf(u.name))
					}
					if isUnit(name) && !isTemplate(name) {
						list = append(list, name)
					}
				}
			}
		}
	}
	return list
}

// implied are the needs that come with the kind of a unit: systemd.service(5) and the like,
// "Automatic Dependencies".
func (u *unit) implied() []string {
	var list []string
	kind := path.Ext(u.name)
	section := strings.ToUpper(kind[1:2]) + kind[2:]
	switch kind {
	case ".service", ".socket", ".timer", ".path":
		if d := u.last("Unit", "DefaultDependencies"); d == "" || isTrue(d) {
			list = append(list, "sysinit.target")
		}
	}
	if kind == ".service" {
		list = append(list, u.list("Service", "Sockets")...)
		if t := u.last("Service", "Type"); t == "dbus" || t == "" && u.last("Service", "BusName") != "" {
			list = append(list, "dbus.socket")
		}
	}
	if slice := u.last(section, "Slice"); slice != "" {
		list = append(list, slice)
	}
	for _, dir := range u.list("Unit", "RequiresMountsFor") {
		list = append(list, mountsFor(dir)...)
	}
	return list
}

// mountsFor are the mount units of a directory and of those above it.
func mountsFor(dir string) []string {
	var list []string
	for dir = path.Clean("/" + dir); dir != "/" && len(dir) < 4096; dir = path.Dir(dir) {
		list = append(list, mountUnit(dir))
	}
	return list
}

// conditions are what must hold at boot for the unit to start.
func (u *unit) conditions() []string {
	var list []string
	for _, a := range u.conf.Assignments {
		if a.Section != "Unit" || !strings.HasPrefix(a.Key, "Condition") && !strings.HasPrefix(a.Key, "Assert") {
			continue
		}
		if a.Value == "" { // it takes back all before it
			list = nil
			continue
		}
		list = append(list, a.Key+"="+a.Value)
	}
	return list
}
