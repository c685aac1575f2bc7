package diff

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/assay-os/assay/report"
)

// Digests are the functional digests of one report, each "fd2:" and 64 hex
// digits: equal digests mean an equal canonical form, that is, equivalence.
// A digest is empty when a section that it covers was not read.
type Digests struct {
	// Tree covers the tree of files and what was read from it.
	Tree string `json:"tree"`
	// Disk covers the tree and everything around it, the disk's identifiers by
	// their roles; empty where there is no disk.
	Disk string `json:"disk,omitempty"`
	// Sections holds a digest for every section that counts: of a disk as Disk covers it.
	Sections map[string]string `json:"sections"`
}

// Digest computes the functional digests of r over everything it recorded.
func Digest(r *report.Report) Digests { return DigestBy(RulesVersion, r) }

// DigestBy is [Digest] by the rules of an earlier version.
func DigestBy(version int, r *report.Report) Digests {
	_, in, _ := common(r, r)
	d := digests(newView(r, in, Tree, version), in)
	if r.Disk == nil {
		return d
	}
	tree := d.Tree
	d = digests(newView(r, in, Disk, version), in)
	d.Tree = tree
	return d
}

// Functional is the digest that stands for the whole subject.
func (d Digests) Functional() string {
	if d.Disk != "" {
		return d.Disk
	}
	return d.Tree
}

func digests(v *view, in []section) Digests {
	d := Digests{Sections: map[string]string{}}
	in = slices.DeleteFunc(slices.Clone(in), func(s section) bool { return s.derived })
	for _, s := range in {
		d.Sections[s.name] = prefixed(s.digest(v), v.version)
	}
	switch {
	case len(unread("", v.report, v.scope)) > 0:
	case v.scope == Disk:
		d.Disk = combine(d.Sections, in, Disk, v.version)
	default:
		d.Tree = combine(d.Sections, in, Tree, v.version)
	}
	return d
}

// digestPair computes the digests of two views over the same sections, side by side.
func digestPair(a, b *view, scope Scope, in []section) (da, db string) {
	if scope == Tree {
		in = slices.DeleteFunc(slices.Clone(in), func(s section) bool { return s.scope == Disk })
	}
	pick := func(d Digests) string {
		if scope == Disk {
			return d.Disk
		}
		return d.Tree
	}
	var wg sync.WaitGroup
	wg.Go(func() { da = pick(digests(a, in)) })
	wg.Go(func() { db = pick(digests(b, in)) })
	wg.Wait()
	return da, db
}

// combine hashes the digests of the sections in scope; that of a disk holds
// those of the tree, by the roles of the disk.
func combine(of map[string]string, in []section, scope Scope, version int) string {
	h := sha256.New()
	for _, s := range in {
		if scope == Disk || s.scope == Tree {
			put(h, s.name)
			put(h, of[s.name])
		}
	}
	return prefixed(h, version)
}

func prefixed(h hash.Hash, version int) string {
	return fmt.Sprintf("fd%d:%s", version, hex.EncodeToString(h.Sum(nil)))
}

// digest hashes the canonical form of the section.
func (s section) digest(v *view) hash.Hash {
	h := sha256.New()
	if s.records == nil {
		digestFiles(h, v)
		return h
	}
	for _, r := range s.canonical(v) {
		put(h, r.key)
		putLen(h, len(r.fields))
		for _, f := range r.fields {
			put(h, f.name)
			put(h, f.value)
		}
	}
	return h
}

func digestFiles(h hash.Hash, v *view) {
	rules := slices.DeleteFunc(slices.Clone(v.rules), func(r Rule) bool { return r.entry == nil })
	buf := make([]byte, 0, 1024)
entries:
	for _, e := range v.report.Files {
		for _, r := range rules {
			if !r.entry(v, &e) {
				continue entries
			}
		}
		buf = appendEntry(buf[:0], &e)
		h.Write(buf)
	}
}

// appendEntry appends an unambiguous encoding of every fact of e.
func appendEntry(b []byte, e *report.Entry) []byte {
	b = appendString(b, string(e.Path))
	b = appendString(b, string(e.Type))
	for _, n := range []uint64{uint64(e.Mode), uint64(e.UID), uint64(e.GID), uint64(e.Size), uint64(e.Mtime.Unix()), uint64(e.Mtime.Nanosecond())} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	for _, s := range []string{e.SHA256, string(e.Target), e.Device, e.SELinux, e.Capabilities, e.Attributes, string(e.Hardlink)} {
		b = appendString(b, s)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(len(e.Xattrs)))
	for _, k := range slices.Sorted(maps.Keys(e.Xattrs)) {
		b = appendString(b, k)
		b = appendString(b, string(e.Xattrs[k]))
	}
	return appendLater(b, e)
}

// appendLater appends the facts that the record did not have when the first
// digests were made, where there are any: the old digests stay. No path begins
// as these names do.
func appendLater(b []byte, e *report.Entry) []byte {
	for _, f := range []struct{ name, value string }{
		{"acl", e.ACL}, {"default_acl", e.DefaultACL}, {"project", strconv.FormatUint(uint64(e.Project), 10)},
	} {
		if f.value != "" && f.value != "0" {
			b = appendString(appendString(b, f.name), f.value)
		}
	}
	return b
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(len(s)))
	return append(b, s...)
}

func put(h hash.Hash, s string) { h.Write(appendString(nil, s)) }
func putLen(h hash.Hash, n int) { h.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }
