package canonical

import (
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// orderless holds that nothing but the path of each member decides where it
// goes. Otherwise the order of all members has a meaning, and with it the bytes.
func (u *unpacking) orderless() error {
	links, seen := map[string]bool{}, map[string]cpioMember{}
	for _, m := range u.members {
		if m.kind() == cpioLink {
			links[m.path] = true
		}
		if slices.Contains(strings.Split(m.name, "/"), "..") {
			return malformed("%s: its path goes up", report.Raw(m.name))
		}
		if first, ok := seen[m.path]; ok && !first.replaceable(m) {
			return malformed("%s comes twice, and not as a file of its own or a directory both times", report.Raw(m.path))
		}
		seen[m.path] = m
	}
	for _, m := range u.members {
		for dir := path.Dir(m.path); dir != "/"; dir = path.Dir(dir) {
			if links[dir] {
				return malformed("%s lies below a symbolic link", report.Raw(m.path))
			}
		}
	}
	return nil
}

// replaceable tells whether a later member of the same path changes that path
// alone: the kernel keeps a directory that has something in it, and writes a
// file's new content into the file, which may have other names.
func (m cpioMember) replaceable(later cpioMember) bool {
	if m.kind() == cpioDir || later.kind() == cpioDir {
		return m.kind() == later.kind()
	}
	return m.kind() != cpioFile || later.kind() != cpioFile || m.links <= 1 && later.links <= 1
}

const (
	cpioDir  = 0o040000
	cpioFile = 0o100000
	cpioLink = 0o120000
)

func (m cpioMember) kind() uint64 { return m.mode & 0o170000 }
