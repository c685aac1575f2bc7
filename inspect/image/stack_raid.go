package image

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/assay-os/assay/inspect/image/raid"
	"github.com/assay-os/assay/report"
)

// probeRAID looks at both ends of a device.
func probeRAID(r io.ReaderAt) (report.Filesystem, bool) {
	dev, ok := r.(Device)
	if !ok {
		return report.Filesystem{}, false
	}
	return raid.Probe(dev)
}

// A raidMember is a member with its block.
type raidMember struct {
	*raid.Member
	on *block
}

// addMember keeps a member until all are known.
func (s *stack) addMember(_ context.Context, b *block, f report.Filesystem) {
	m, err := raid.Open(b)
	if err != nil {
		s.refuse(b, f, err)
		return
	}
	s.members = append(s.members, raidMember{m, b})
}

// joinMembers makes an array of the members that are known. It tells whether
// there were any.
func (s *stack) joinMembers() bool {
	members := s.members
	s.members = nil
	for len(members) > 0 {
		id := members[0].UUID
		array := slices.DeleteFunc(slices.Clone(members), func(m raidMember) bool { return m.UUID != id })
		members = slices.DeleteFunc(members, func(m raidMember) bool { return m.UUID == id })
		s.addArray(array)
	}
	return len(s.queue) > 0
}

// addArray reads a mirror from the member that saw most changes.
func (s *stack) addArray(array []raidMember) {
	best := slices.MaxFunc(array, func(a, b raidMember) int { return cmp.Compare(a.Events, b.Events) })
	var names []string
	for _, m := range array {
		names = append(names, m.on.name)
		if m.Events != best.Events {
			s.problem(m.on, fmt.Errorf("it is out of date: it saw %d changes of the array, %s saw %d", m.Events, best.on.name, best.Events))
		}
	}
	if best.Dirty {
		s.problem(best.on, fmt.Errorf("the members of the array may differ: it was not stopped, or is not in step; it is read from %s", best.on.name))
	}
	name := "md/" + cmp.Or(best.Name, best.UUID)
	if s.img.mappedByName(name) {
		name = "md/" + best.UUID
	}
	if s.img.mappedByName(name) {
		s.refuse(best.on, report.Filesystem{Type: raid.Kind, UUID: best.UUID}, errors.New("another array has the same UUID"))
		return
	}
	m := report.MappedDevice{Name: name, Type: "raid", UUID: best.UUID, Members: names, Settings: best.Settings()}
	content, err := best.Content()
	if err != nil {
		err = fmt.Errorf("%s: %w", raid.Kind, err)
	} else {
		m.Size = content.Size()
	}
	s.addMapped(m, content, best.on.depth+1, raid.Kind, err)
}
