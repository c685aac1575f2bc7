package rpmdb

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// The tags that this package itself reads.
const (
	tagPackage     = 1000
	tagVersion     = 1001
	tagRelease     = 1002
	tagEpoch       = 1003
	tagInstallTime = 1008
	tagArch        = 1022
	tagOldNames    = 1027
	tagFileStates  = 1029
	tagDirIndexes  = 1116
	tagBaseNames   = 1117
	tagDirNames    = 1118
	tagInstallTID  = 1128
)

// Find gives the first tag of that number, nil when there is none.
func (h *Header) Find(id uint32) *Tag {
	for i := range h.Tags {
		if h.Tags[i].ID == id {
			return &h.Tags[i]
		}
	}
	return nil
}

// Strings are a tag's strings; nil for one of another type.
func (t *Tag) Strings() []string {
	if t == nil || t.Type != String && t.Type != StringArray && t.Type != I18NString {
		return nil
	}
	list := make([]string, 0, bytes.Count(t.Data, []byte{0}))
	for all := string(t.Data); all != ""; { // one copy for all of them
		text, rest, _ := strings.Cut(all, "\x00")
		list, all = append(list, text), rest
	}
	return list
}

// Numbers are a tag's numbers; nil for one of another type.
func (t *Tag) Numbers() []uint64 {
	if t == nil || t.Type < Char || t.Type > Int64 {
		return nil
	}
	width := len(t.Data) / int(t.Count)
	list := make([]uint64, 0, t.Count)
	for data := t.Data; len(data) > 0; data = data[width:] {
		list = append(list, number(data[:width]))
	}
	return list
}

func number(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	}
	return binary.BigEndian.Uint64(b)
}

// first is a tag's first string, "" without one.
func (h *Header) first(id uint32) string {
	if list := h.Find(id).Strings(); len(list) > 0 {
		return list[0]
	}
	return ""
}

// Name is the package's name.
func (h *Header) Name() string { return h.first(tagPackage) }

// Arch is the package's architecture; a public key has none.
func (h *Header) Arch() string { return h.first(tagArch) }

// EVR is the package's version: [epoch:]version-release. An epoch of 0 is none,
// as rpm compares.
func (h *Header) EVR() string {
	evr := h.first(tagVersion) + "-" + h.first(tagRelease)
	if epoch := h.Find(tagEpoch).Numbers(); len(epoch) > 0 && epoch[0] != 0 {
		evr = fmt.Sprintf("%d:%s", epoch[0], evr)
	}
	return evr
}

// NEVRA is the package's full name, as rpm -qa --qf '%{NEVRA}' prints it.
func (h *Header) NEVRA() string {
	name := h.Name() + "-" + h.EVR()
	if arch := h.Arch(); arch != "" {
		name += "." + arch
	}
	return name
}

// Files are the paths that the package owns, but for those that rpm did not
// install or that another package has replaced (rpm's RPMFILE_STATE, of which
// normal is 0 and netshared 3).
func (h *Header) Files() ([]string, error) {
	names, err := h.paths()
	states := h.Find(tagFileStates).Numbers()
	if err != nil || states == nil {
		return names, err
	}
	if len(states) != len(names) {
		return nil, malformed("%d states for %d files", len(states), len(names))
	}
	var installed []string
	for i, name := range names {
		if states[i] == 0 || states[i] == 3 {
			installed = append(installed, name)
		}
	}
	return installed, nil
}

// paths puts the package's paths together.
func (h *Header) paths() ([]string, error) {
	dirs, bases, err := h.Names()
	if err != nil {
		return nil, err
	}
	names, size := make([]string, len(bases)), 0
	for i, base := range bases {
		if size += len(dirs[i]) + len(base); size > maxPaths {
			return nil, malformed("paths of more than %d bytes", maxPaths)
		}
		names[i] = dirs[i] + base
	}
	return names, nil
}

// Names are all names that the package lists, installed or not, in the order of its
// other tags of files: the directory, which ends in a slash, and the name in
// it. Packages before rpm 4 hold paths whole.
func (h *Header) Names() (dirs, bases []string, err error) {
	bases = h.Find(tagBaseNames).Strings()
	if bases == nil {
		old := h.Find(tagOldNames).Strings()
		dirs, bases = make([]string, len(old)), make([]string, len(old))
		for i, name := range old {
			slash := strings.LastIndexByte(name, '/') + 1
			dirs[i], bases[i] = name[:slash], name[slash:]
		}
		return dirs, bases, nil
	}
	known, indexes := h.Find(tagDirNames).Strings(), h.Find(tagDirIndexes).Numbers()
	if len(indexes) != len(bases) {
		return nil, nil, malformed("%d directories for %d files", len(indexes), len(bases))
	}
	dirs = make([]string, len(bases))
	for i, index := range indexes {
		if index >= uint64(len(known)) {
			return nil, nil, malformed("a file in directory %d of %d", index, len(known))
		}
		dirs[i] = known[index]
	}
	return dirs, bases, nil
}

// maxPaths bounds the paths of one package, which may name a long directory
// for each of many files.
const maxPaths = 64 << 20
