package diff

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"

	"github.com/assay-os/assay/report"
)

// A section is one comparable part of a report. Records are computed from one
// report alone.
type section struct {
	name  string
	scope Scope
	// records returns what the section holds; nil for the files, which are
	// compared without taking them apart.
	records func(*report.Report) []record
	// identified says that the records name things of a disk by identifiers.
	identified bool
	// derived says that the records tell what is in files: see [derivedSections].
	derived bool
}

// A record is one thing of a section, as named facts in a fixed order.
type record struct {
	key    string
	fields []field
}

type field struct{ name, value string }

// sections is the one list, in the order in which changes are told.
func sections() []section {
	return append([]section{
		{name: "disk", scope: Disk, records: diskRecords, identified: true},
		{name: "partitions", scope: Disk, records: partitionRecords, identified: true},
		{name: "regions", scope: Disk, identified: true, records: func(r *report.Report) []record {
			return list(r.Disk.Regions, func(g report.Region) string { return fmt.Sprintf("%s at %d", g.Role, g.Offset) })
		}},
		{name: "container", scope: Tree, records: containerRecords},
		{name: "files", scope: Tree},
		{name: "packages", scope: Tree, records: func(r *report.Report) []record {
			return list(r.Packages, func(p report.Package) string { return p.Manager + " " + p.Name + " " + p.Arch })
		}},
		{name: "users", scope: Tree, records: func(r *report.Report) []record {
			return list(r.Users, func(u report.User) string { return u.Name })
		}},
		{name: "groups", scope: Tree, records: func(r *report.Report) []record {
			return list(r.Groups, func(g report.Group) string { return g.Name })
		}},
		{name: "os-release", scope: Tree, records: func(r *report.Report) []record { return keyed(r.OSRelease) }},
		{name: "fstab", scope: Tree, identified: true, records: func(r *report.Report) []record {
			return list(r.Fstab, func(f report.FstabEntry) string { return f.File })
		}},
		{name: "services", scope: Tree, records: serviceRecords},
		{name: "boot", scope: Tree, identified: true, records: func(r *report.Report) []record {
			return list(r.Boot, func(b report.BootEntry) string { return b.Source + " " + b.Title })
		}},
	}, derivedSections()...)
}

// common says what a comparison of a and b is about: the scope, the sections
// that both recorded, and the names of those that are left out.
func common(a, b *report.Report) (Scope, []section, []string) {
	scope := Tree
	if a.Disk != nil && b.Disk != nil {
		scope = Disk
	}
	var in []section
	var out []string
	for _, s := range sections() {
		switch inA, inB := recorded(a, s), recorded(b, s); {
		case inA && inB:
			in = append(in, s)
		case (inA || inB) && !s.derived:
			out = append(out, s.name)
		}
	}
	return scope, in, out
}

// recorded tells whether r says anything of s. What lies on a disk outside of
// its filesystems is recorded where the disk is.
func recorded(r *report.Report, s section) bool {
	if s.scope == Disk {
		return r.Disk != nil
	}
	_, ok := r.Sections[s.name]
	return ok || s.name == "files"
}

// ofDisk tells whether a section of that name lies outside of the tree.
func ofDisk(name string) bool {
	return slices.ContainsFunc(sections(), func(s section) bool { return s.name == name && s.scope == Disk })
}

// compare lists what differs between the section's records of two reports.
func (s section) compare(a, b *view) []Change {
	if s.records == nil {
		return compareFiles(a, b)
	}
	ra, rb := s.canonical(a), s.canonical(b)
	openA, openB := s.unread(a.report), s.unread(b.report)
	var out []Change
	merge(ra, rb, func(r ruled) string { return r.key }, func(x, y *ruled) {
		switch {
		case x == nil && openA, y == nil && openB:
			return // neither there nor gone: it is told as unread
		case x == nil || y == nil:
		case openA:
			x, y = x.knownTo(x), y.knownTo(x)
		case openB:
			x, y = x.knownTo(y), y.knownTo(y)
		}
		out = append(out, compareRecord(s.name, x, y)...)
	})
	return out
}

// unread tells whether r may hold more of s than it says.
func (s section) unread(r *report.Report) bool {
	name := s.name
	if s.scope == Disk {
		name = "disk"
	}
	return r.Sections[name].Status == report.Unread
}

// merge walks two lists that are sorted by key, and calls fn with the records
// of equal key, or with one nil.
func merge[T any](a, b []T, key func(T) string, fn func(x, y *T)) {
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && key(a[0]) < key(b[0]):
			fn(&a[0], nil)
			a = a[1:]
		case len(a) == 0 || key(b[0]) < key(a[0]):
			fn(nil, &b[0])
			b = b[1:]
		default:
			fn(&a[0], &b[0])
			a, b = a[1:], b[1:]
		}
	}
}

// list takes values apart into records, sorted by key. A key that comes again
// gets its number behind it, so that no value hides another.
func list[T any](values []T, key func(T) string) []record {
	seen := map[string]int{}
	out := make([]record, 0, len(values))
	for _, v := range values {
		k := key(v)
		seen[k]++
		if n := seen[k]; n > 1 {
			k = fmt.Sprintf("%s #%d", k, n)
		}
		out = append(out, record{k, fieldsOf(v)})
	}
	slices.SortStableFunc(out, func(a, b record) int { return cmpString(a.key, b.key) })
	return out
}

func keyed(m map[string]string) []record {
	out := make([]record, 0, len(m))
	for k, v := range m {
		out = append(out, record{k, []field{{"value", v}}})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].key < out[j].key })
	return out
}

// fieldsOf takes a value apart by its JSON form, so that a fact which the
// report's types gain later is compared without a word here.
func fieldsOf(v any) []field {
	data, err := json.Marshal(v)
	if err != nil {
		return []field{{"unencodable", err.Error()}}
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return []field{{"value", plain(data)}}
	}
	out := make([]field, 0, len(m))
	for k, raw := range m {
		out = append(out, field{k, plain(raw)})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out
}

// plain is a JSON value for people: a string without its quotes.
func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// diskRecords is what is said of the disk itself. The boot code is compared as a region.
func diskRecords(r *report.Report) []record {
	d := *r.Disk
	d.Partitions, d.Mapped, d.Regions = nil, nil, nil
	fields := slices.DeleteFunc(fieldsOf(d), func(f field) bool { return f.name == "partitions" || f.name == "regions" || f.name == "boot_code" })
	return []record{{"disk", fields}}
}

// partitionRecords are the partitions, and what stands on them.
func partitionRecords(r *report.Report) []record {
	partitions := list(r.Disk.Partitions, func(p report.Partition) string { return fmt.Sprintf("partition %d", p.Index) })
	mapped := list(r.Disk.Mapped, func(m report.MappedDevice) string { return "mapped device " + m.Name })
	return append(mapped, partitions...) // sorted: "m" comes before "p"
}

// containerRecords is one record of the whole configuration.
func containerRecords(r *report.Report) []record {
	if r.Container == nil {
		return nil
	}
	return []record{{"container", fieldsOf(r.Container)}}
}

// serviceRecords turns the lists around: one record a unit.
func serviceRecords(r *report.Report) []record {
	var units []record
	for _, group := range []struct {
		state string
		units []string
	}{{"enabled", r.Services.Enabled}, {"disabled", r.Services.Disabled}, {"masked", r.Services.Masked}} {
		for _, u := range group.units {
			units = append(units, record{u, []field{{"state", group.state}}})
		}
	}
	units = append(units, record{"default target", []field{{"unit", r.Services.DefaultTarget}}})
	slices.SortStableFunc(units, func(a, b record) int { return cmpString(a.key, b.key) })
	return units
}

func cmpString(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}
