package ostree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// The objects of a repository: ostree-core.h. Numbers are big-endian.

// commit is (a{sv}aya(say)sstayay): metadata, parent, related, subject, body, time,
// and the root's dirtree and dirmeta.
func parseCommit(data []byte) (tree, meta string, err error) {
	parts, err := tuple(data, variants, text, text, text, text, number64, text, text)
	if err != nil {
		return "", "", err
	}
	if tree, err = checksum(parts[6]); err != nil {
		return "", "", err
	}
	meta, err = checksum(parts[7])
	return tree, meta, err
}

// A child is a name in a dirtree.
type child struct {
	name string
	// sum is of the file, or of the directory's dirtree; meta is of its dirmeta, and empty
	// for a file.
	sum, meta string
}

// parseDirtree reads (a(say)a(sayay)): files and directories, each sorted. The result
// is sorted by name.
func parseDirtree(data []byte) ([]child, error) {
	parts, err := tuple(data, text, text)
	if err != nil {
		return nil, err
	}
	files, err1 := children(parts[0], 2)
	dirs, err2 := children(parts[1], 3)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	all := slices.Concat(files, dirs)
	slices.SortFunc(all, func(a, b child) int { return strings.Compare(a.name, b.name) })
	for i := range all[:max(0, len(all)-1)] {
		if all[i].name == all[i+1].name {
			return nil, fmt.Errorf("the name %q is there twice", all[i].name)
		}
	}
	return all, nil
}

// children reads an array of (say), or of (sayay) where fields is 3.
func children(data []byte, fields int) ([]child, error) {
	elements, err := array(data)
	if err != nil {
		return nil, err
	}
	out := make([]child, 0, len(elements))
	for _, e := range elements {
		parts, err := tuple(e, slices.Repeat([]kind{text}, fields)...)
		if err != nil {
			return nil, err
		}
		var c child
		if c.name, err = str(parts[0]); err != nil {
			return nil, err
		}
		if !fsys.ValidName(c.name) {
			return nil, fmt.Errorf("the name %q is impossible", c.name)
		}
		if c.sum, err = checksum(parts[1]); err != nil {
			return nil, err
		}
		if fields == 3 {
			if c.meta, err = checksum(parts[2]); err != nil {
				return nil, err
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// meta is what an inode has beside its content.
type meta struct {
	uid, gid, mode, rdev uint32
	target               string
	attrs                map[string]report.Raw
	// rawAttrs is what attrs was read from; nil where the filesystem has them.
	rawAttrs []byte
}

// parseMeta reads (uuua(ayay)): a dirmeta, and the attribute user.ostreemeta of a file.
func parseMeta(data []byte) (*meta, error) {
	parts, err := tuple(data, number32, number32, number32, text)
	if err != nil {
		return nil, err
	}
	m := &meta{uid: be32(parts[0]), gid: be32(parts[1]), mode: be32(parts[2])}
	m.rawAttrs = parts[3]
	m.attrs, err = parseAttributes(parts[3])
	return m, err
}

// parseHeader reads (uuuusa(ayay)) of a file in an archive, which has its size before
// it: (tuuuusa(ayay)).
func parseHeader(data []byte) (m *meta, size uint64, err error) {
	parts, err := tuple(data, number64, number32, number32, number32, number32, text, text)
	if err != nil {
		return nil, 0, err
	}
	m = &meta{uid: be32(parts[1]), gid: be32(parts[2]), mode: be32(parts[3]), rdev: be32(parts[4])}
	if m.target, err = str(parts[5]); err != nil {
		return nil, 0, err
	}
	m.rawAttrs = parts[6]
	m.attrs, err = parseAttributes(parts[6])
	return m, binary.BigEndian.Uint64(parts[0]), err
}

func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

// parseAttributes reads a(ayay): names with their NUL, and values.
func parseAttributes(data []byte) (map[string]report.Raw, error) {
	elements, err := array(data)
	if err != nil {
		return nil, err
	}
	attrs := map[string]report.Raw{}
	for _, e := range elements {
		parts, err := tuple(e, text, text)
		if err != nil {
			return nil, err
		}
		name, err := str(parts[0])
		if err != nil {
			return nil, err
		}
		if _, twice := attrs[name]; twice || name == "" {
			return nil, fmt.Errorf("the attribute %q is there twice or has no name", name)
		}
		attrs[name] = report.Raw(parts[1])
	}
	return attrs, nil
}

// header is (uuuusa(ayay)) with its length before it, padded to 8 bytes: what a file's
// checksum covers before its content.
func (m *meta) header() []byte {
	raw := m.rawAttrs
	if raw == nil {
		raw = encodeAttributes(m.attrs)
	}
	word := func(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
	h := encodeTuple([]kind{number32, number32, number32, number32, text, text},
		word(m.uid), word(m.gid), word(m.mode), word(m.rdev), append([]byte(m.target), 0), raw)
	return append(append(word(uint32(len(h))), 0, 0, 0, 0), h...)
}

// encodeAttributes is the inverse of parseAttributes; OSTree sorts them by name.
func encodeAttributes(attrs map[string]report.Raw) []byte {
	var elements [][]byte
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		elements = append(elements, encodeTuple([]kind{text, text}, append([]byte(name), 0), []byte(attrs[name])))
	}
	return encodeArray(elements)
}

// fill makes the record of a file or directory; times are not part of a commit, and
// OSTree sets all to the epoch.
func (m *meta) fill(n *fsys.Node, want report.Type) error {
	n.Mode, n.UID, n.GID = report.Mode(m.mode&0o7777), m.uid, m.gid
	switch m.mode & unix.S_IFMT {
	case unix.S_IFDIR:
		n.Type = report.Directory
	case unix.S_IFREG:
		n.Type = report.File
	case unix.S_IFLNK:
		n.Type, n.Target = report.Symlink, report.Raw(m.target)
	}
	if n.Type == "" || (n.Type == report.Directory) != (want == report.Directory) {
		n.Type = want
		return fmt.Errorf("its mode %o is of the wrong type", m.mode)
	}
	n.SetXattrs(m.attrs)
	return nil
}
