package manifest

import (
	"math"
	"slices"
	"strconv"

	"github.com/assay-os/assay/build/manifest/grammar"
	"github.com/assay-os/assay/build/manifest/pyjson"
)

// devices reads a stage's devices, parents first.
func (l *loader) devices(o object, s *Step) {
	var todo []*Device
	path := o.path.At("devices")
	for _, m := range few(l, o.members("devices"), maxDevices, path) {
		if d := l.device(m, path.At(m.Key)); d != nil {
			todo = append(todo, d)
		}
	}
	names := deviceNames(todo)
	for _, d := range todo {
		if d.Parent != "" && !slices.Contains(names, d.Parent) {
			l.fail(path.At(d.Name, "parent"), "there is no device %q%s", d.Parent, grammar.Suggest(d.Parent, names))
			d.Parent = ""
		}
	}
	s.Devices = l.sortDevices(todo, path)
}

func (l *loader) device(m pyjson.Member, path Path) *Device {
	o, ok := l.object(m.Value, path, "type", "parent", "options")
	if !ok {
		return nil
	}
	d := &Device{
		Name:    m.Key,
		Type:    o.name("type"),
		Parent:  o.text("parent"),
		Options: o.options(),
		Path:    path,
	}
	l.checkModule(grammar.Device, d.Type, m.Value, path)
	return d
}

// sortDevices puts parents first and computes ids on the way. Each pass over
// the devices takes those whose parent is taken, in the document's order.
func (l *loader) sortDevices(todo []*Device, path Path) []*Device {
	var done []*Device
	for len(todo) > 0 {
		var later []*Device
		for _, d := range todo {
			parent := findDevice(done, d.Parent)
			if d.Parent != "" && parent == nil {
				later = append(later, d)
				continue
			}
			d.ID = deviceID(d, parent)
			done = append(done, d)
		}
		if len(later) == len(todo) {
			l.failCycle(deviceNames(todo), path)
			return append(done, todo...)
		}
		todo = later
	}
	return done
}

func (l *loader) failCycle(names []string, path Path) {
	if len(names) == 1 {
		l.fail(path.At(names[0], "parent"), "the device is its own parent")
		return
	}
	l.fail(path, "the devices %s are each other's parents, or lie on such", plural(names))
}

func findDevice(devices []*Device, name string) *Device {
	i := slices.IndexFunc(devices, func(d *Device) bool { return d.Name == name })
	if i < 0 {
		return nil
	}
	return devices[i]
}

func deviceNames(devices []*Device) []string {
	names := make([]string, len(devices))
	for i, d := range devices {
		names[i] = d.Name
	}
	return names
}

func (l *loader) mount(v pyjson.Value, path Path, s *Step) {
	o, ok := l.object(v, path, "name", "type", "source", "target", "partition", "options")
	if !ok {
		return
	}
	m := &Mount{
		Name:    o.string("name"),
		Type:    o.name("type"),
		Source:  o.text("source"),
		Target:  o.text("target"),
		Options: o.options(),
		Path:    path,
	}
	l.checkModule(grammar.Mount, m.Type, v, path)
	if slices.ContainsFunc(s.Mounts, func(x *Mount) bool { return x.Name == m.Name }) {
		l.fail(path.At("name"), "there is a mount %q already", m.Name)
	}
	device := findDevice(s.Devices, m.Source)
	if m.Source != "" && device == nil {
		l.fail(path.At("source"), "there is no device %q%s", m.Source, grammar.Suggest(m.Source, deviceNames(s.Devices)))
	}
	m.ID = mountID(m, device, o.partition(m))
	s.Mounts = append(s.Mounts, m)
}

// partition reads a partition's number. A document may write it as a float;
// ids keep the form.
func (o object) partition(m *Mount) pyjson.Value {
	v, ok := o.v.Lookup("partition")
	if !ok {
		return v
	}
	path := o.path.At("partition")
	if v.Kind() != pyjson.Int && v.Kind() != pyjson.Float {
		o.l.fail(path, "expected a number, found %s", a(v.Kind()))
		return v
	}
	f, err := strconv.ParseFloat(v.Text(), 64)
	if err != nil || f != math.Trunc(f) || f < 0 || f > math.MaxInt32 {
		o.l.fail(path, "%s is no partition's number", v)
		return v
	}
	n := int64(f)
	m.Partition = &n
	return v
}
