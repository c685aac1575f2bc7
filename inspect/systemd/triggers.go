package systemd

import (
	"cmp"
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func timers(s *shared) section.Section {
	return section.Section{
		Name: "timers", Source: "*.timer in the directories of units",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			return s.each(t, ".timer", func(u *unit, state string) {
				r.Timers = append(r.Timers, report.TimerUnit{
					Name: u.name, State: state, Unit: u.triggered("Timer", "Unit", ".service"),
					When:       u.keysThatBegin("Timer", "On"),
					Persistent: isTrue(u.last("Timer", "Persistent")), RandomizedDelay: u.last("Timer", "RandomizedDelaySec"),
				})
			})
		},
	}
}

func sockets(s *shared) section.Section {
	return section.Section{
		Name: "sockets", Source: "*.socket in the directories of units",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			return s.each(t, ".socket", func(u *unit, state string) {
				r.Sockets = append(r.Sockets, report.SocketUnit{
					Name: u.name, State: state, Unit: u.socketService(), Listen: u.keysThatBegin("Socket", "Listen"),
					Accept: isTrue(u.last("Socket", "Accept")),
				})
			})
		},
	}
}

// each calls fn for the units of a type that are files of their own.
func (s *shared) each(t *tree.Tree, ext string, fn func(u *unit, state string)) error {
	l, err := s.of(t, systemScope())
	if err != nil {
		return err
	}
	found := false
	var trouble error
	for _, name := range slices.Sorted(maps.Keys(l.names)) {
		if path.Ext(name) != ext {
			continue
		}
		u, err := l.unit(name)
		if err != nil {
			trouble = cmp.Or(trouble, err)
			continue
		}
		state, err := l.stateOf(name)
		if err != nil {
			return err
		}
		if u.state == loaded && state != "alias" {
			found = true
			fn(u, state)
		}
	}
	if !found && trouble == nil {
		return section.Absent("no *" + ext + " in any of " + sourceOf(systemScope().dirs))
	}
	return trouble
}

// triggered is the unit that a key names, else the one of the unit's own name and the suffix.
func (u *unit) triggered(section, key, ext string) string {
	if name := u.last(section, key); name != "" {
		if name, ok := expand(name, u.name); ok {
			return name
		}
	}
	return strings.TrimSuffix(u.name, path.Ext(u.name)) + ext
}

// socketService is what a socket starts; a template where each connection gets one.
func (u *unit) socketService() string {
	if !isTrue(u.last("Socket", "Accept")) {
		return u.triggered("Socket", "Service", ".service")
	}
	prefix, _, _ := strings.Cut(strings.TrimSuffix(u.name, path.Ext(u.name)), "@")
	return prefix + "@.service"
}

// keysThatBegin are the assignments to keys of one kind, of which an empty one takes back
// all before it.
func (u *unit) keysThatBegin(section, prefix string) []string {
	var list []string
	for _, a := range u.conf.Assignments {
		switch {
		case a.Section != section || !strings.HasPrefix(a.Key, prefix) || a.Key == "OnClockChange" || a.Key == "OnTimezoneChange":
		case a.Value == "":
			list = nil
		default:
			list = append(list, a.Key+"="+a.Value)
		}
	}
	return list
}
