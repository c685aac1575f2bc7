package xfs

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/report"
)

// smallFS has three groups of 100 blocks, numbered with 7 bits, the last of 50.
func smallFS(change func(*superblock)) *FS {
	sb := superblock{raw: make([]byte, superSize), version: 5, blockSize: 4096, blocks: 250, agBlocks: 100, agCount: 3, agBlockLog: 7, inodeSize: 512, inodeLog: 3}
	if change != nil {
		change(&sb)
	}
	return &FS{superblock: sb, owners: map[uint64]uint64{}}
}

func TestLinear(t *testing.T) {
	for _, c := range []struct {
		fsb, length, want uint64
		ok                bool
	}{
		{0, 1, 0, true}, {99, 1, 99, true}, {100, 1, 0, false}, {127, 1, 0, false}, {128, 100, 100, true}, {128, 101, 0, false}, {227, 1, 199, true},
		{256, 50, 200, true}, {256, 51, 0, false}, {305, 1, 249, true}, {306, 1, 0, false}, {384, 1, 0, false}, {^uint64(0), 1, 0, false}, {1, ^uint64(0), 0, false},
	} {
		got, err := smallFS(nil).linear(c.fsb, c.length)
		if (err == nil) != c.ok || err == nil && got != c.want {
			t.Errorf("%d, %d blocks: %d, %v", c.fsb, c.length, got, err)
		}
	}
}

// extent packs a struct xfs_bmbt_rec.
func extent(unwritten bool, logical, block, length uint64) []byte {
	hi, lo := logical<<9|block>>43, block<<21|length
	if unwritten {
		hi |= 1 << 63
	}
	return be.AppendUint64(be.AppendUint64(nil, hi), lo)
}

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func TestExtents(t *testing.T) {
	for name, c := range map[string]struct {
		records []byte
		claimed uint64
		flags2  uint64
		want    mapping
		err     string
	}{
		"none":         {nil, 0, 0, nil, ""},
		"one":          {extent(false, 5, 10, 3), 1, 0, mapping{{5, 10, 3}}, ""},
		"groups":       {join(extent(false, 0, 10, 2), extent(false, 2, 128+10, 2)), 2, 0, mapping{{0, 10, 2}, {2, 110, 2}}, ""},
		"joined":       {join(extent(false, 0, 10, 2), extent(false, 2, 12, 2)), 2, 0, mapping{{0, 10, 4}}, ""},
		"a hole":       {join(extent(false, 0, 10, 2), extent(false, 3, 12, 2)), 2, 0, mapping{{0, 10, 2}, {3, 12, 2}}, ""},
		"unwritten":    {join(extent(false, 0, 10, 2), extent(true, 2, 12, 2), extent(false, 4, 14, 1)), 3, 0, mapping{{0, 10, 2}, {4, 14, 1}}, ""},
		"far":          {extent(false, 1<<40, 0, 1), 1, 0, mapping{{1 << 40, 0, 1}}, ""},
		"too far":      {extent(false, 1<<53, 0, 1), 1, 0, nil, "where no file has content"},
		"backwards":    {join(extent(false, 5, 10, 2), extent(false, 6, 20, 1)), 2, 0, mapping{{5, 10, 2}}, "an extent of 1 blocks from 6 comes after block 7"},
		"empty":        {extent(false, 0, 10, 0), 1, 0, nil, "an extent of 0 blocks"},
		"outside":      {extent(false, 0, 306, 1), 1, 0, nil, "is outside of the filesystem"},
		"over a group": {extent(false, 0, 90, 20), 1, 0, nil, "is outside of the filesystem"},
		"too few":      {extent(false, 0, 10, 1), 2, 0, nil, "2 extents do not fit into the inode"},
		"too long": {join(extent(false, 0, 0, 100), extent(false, 100, 0, 100), extent(false, 200, 0, 100)), 3, 0,
			mapping{{0, 0, 100}, {100, 0, 100}}, "more content than the filesystem's 250 blocks"},
		"reflinked": {join(extent(false, 0, 0, 100), extent(false, 100, 0, 100), extent(false, 200, 0, 100)), 3, flag2Reflink,
			mapping{{0, 0, 100}, {100, 0, 100}, {200, 0, 100}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ino := &inode{number: 1, flags2: c.flags2, data: fork{form: formExtents, extents: c.claimed, area: c.records}}
			got, err := smallFS(nil).mapping(ino, ino.data)
			if !reflect.DeepEqual(got, c.want) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestMapped(t *testing.T) {
	m := mapping{{0, 10, 2}, {2, 50, 1}, {5, 20, 3}}
	for _, c := range []struct {
		from, n uint64
		want    []uint64
	}{
		{0, 1, []uint64{10}}, {1, 2, []uint64{11, 50}}, {0, 3, []uint64{10, 11, 50}}, {2, 2, nil}, {3, 1, nil}, {5, 3, []uint64{20, 21, 22}}, {7, 2, nil}, {9, 1, nil},
	} {
		if got := m.mapped(c.from, c.n); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%d, %d: %v", c.from, c.n, got)
		}
	}
}

func TestRootsOfTrees(t *testing.T) {
	root := func(level, count uint16, room int) []byte {
		return join(be.AppendUint16(be.AppendUint16(nil, level), count), make([]byte, room))
	}
	for name, c := range map[string]struct {
		area []byte
		err  string
	}{
		"no room":        {nil, "no room for its root"},
		"level 0":        {root(0, 1, 32), "its root is of level 0"},
		"too deep":       {root(maxLevel+1, 1, 32), "its root is of level 13"},
		"no pointers":    {root(1, 0, 32), "a node has 0 of 2 pointers"},
		"many pointers":  {root(1, 3, 32), "a node has 3 of 2 pointers"},
		"pointer beyond": {root(1, 1, 16), ""},
	} {
		if name == "pointer beyond" { // a key, then a pointer to a block that is not there
			be.PutUint64(c.area[rootHeader+8:], 306)
			c.err = "is outside of the filesystem"
		}
		ino := &inode{number: 1, data: fork{form: formTree, extents: 1, area: c.area}}
		if _, err := smallFS(nil).mapping(ino, ino.data); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// shortName packs a struct xfs_dir2_sf_entry.
func shortName(name string, kind int, inode ...byte) []byte {
	b := join([]byte{byte(len(name)), 0, 0}, []byte(name))
	if kind >= 0 {
		b = append(b, byte(kind))
	}
	return append(b, inode...)
}

func TestShortDirectories(t *testing.T) {
	parent := []byte{0, 0, 0, 128}
	for name, c := range map[string]struct {
		area  []byte
		ftype bool
		want  string
		err   string
	}{
		"empty":          {join([]byte{0, 0}, parent), true, "", ""},
		"two":            {join([]byte{2, 0}, parent, shortName("b", 1, 0, 0, 1, 0), shortName("a\xff", 7, 0, 0, 0, 131)), true, "a\xff:131:7 b:256:1", ""},
		"without types":  {join([]byte{1, 0}, parent, shortName("b", -1, 0, 0, 1, 0)), false, "b:256:0", ""},
		"wide":           {join([]byte{1, 1}, make([]byte, 8), shortName("b", 2, 0, 0, 1, 0, 0, 0, 0, 5)), true, "b:1099511627781:2", ""},
		"cut":            {join([]byte{2, 0}, parent, shortName("b", 1, 0, 0, 1, 0), []byte{9, 0, 0, 'x'}), true, "b:256:1", "name 2 of 2 is cut off"},
		"too short":      {[]byte{0, 0, 0}, true, "", "3 bytes in the inode are too short"},
		"impossible":     {join([]byte{2, 0}, parent, shortName("a/b", 1, 0, 0, 1, 0), shortName("c", 1, 0, 0, 1, 1)), true, "c:257:1", `the impossible name "a/b"`},
		"twice":          {join([]byte{2, 0}, parent, shortName("a", 1, 0, 0, 1, 0), shortName("a", 1, 0, 0, 1, 1)), true, "a:256:1", `the name "a" is in it twice`},
		"no name at all": {join([]byte{1, 0}, parent, shortName("", 1, 0, 0, 1, 0)), true, "", `the impossible name ""`},
	} {
		fs := smallFS(func(sb *superblock) {
			if c.ftype {
				sb.incompat = incompatFtype
			}
		})
		list, err := fs.list(&inode{size: int64(len(c.area)), data: fork{form: formLocal, area: c.area}})
		var got []string
		for _, d := range list {
			got = append(got, fmt.Sprintf("%s:%d:%d", d.name, d.inode, d.kind))
		}
		if strings.Join(got, " ") != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// shortAttribute packs a struct xfs_attr_sf_entry.
func shortAttribute(flags byte, name, value string) []byte {
	return join([]byte{byte(len(name)), byte(len(value)), flags}, []byte(name), []byte(value))
}

func TestShortAttributes(t *testing.T) {
	list := func(count byte, entries ...[]byte) []byte {
		body := join(entries...)
		return join(be.AppendUint16(nil, uint16(4+len(body))), []byte{count, 0}, body)
	}
	for name, c := range map[string]struct {
		area []byte
		want attrs
		err  string
	}{
		"none":        {list(0), attrs{}, ""},
		"namespaces":  {list(3, shortAttribute(0, "a", "\x00\xff"), shortAttribute(attrRoot, "b", ""), shortAttribute(attrSecure, "selinux", "x\x00")), attrs{"user.a": "\x00\xff", "trusted.b": "", "security.selinux": "x\x00"}, ""},
		"parent":      {list(2, shortAttribute(attrParent, "p", "12345678"), shortAttribute(0, "a", "1")), attrs{"user.a": "1"}, ""},
		"incomplete":  {list(1, shortAttribute(attrIncomplete, "a", "1")), attrs{}, ""},
		"two spaces":  {list(1, shortAttribute(attrRoot|attrSecure, "a", "1")), attrs{}, `attribute "a": namespaces 0x6 are impossible`},
		"cut":         {list(2, shortAttribute(0, "a", "1"), []byte{200}), attrs{"user.a": "1"}, "attribute 2 of 2 is cut off"},
		"over":        {join([]byte{1, 0, 1, 0}, make([]byte, 10)), attrs{}, "they do not fit into the inode"},
		"too short":   {[]byte{0, 3, 0}, attrs{}, "they do not fit into the inode"},
		"broken list": {list(1, shortAttribute(attrRoot, "SGI_ACL_FILE", "xyz")), attrs{"trusted.SGI_ACL_FILE": "xyz"}, "3 bytes are no access control list"},
		"access list": {list(1, shortAttribute(attrRoot, "SGI_ACL_DEFAULT", "\x00\x00\x00\x01\x00\x00\x00\x20\x00\x00\x00\x00\x00\x05\x00\x00")),
			attrs{"trusted.SGI_ACL_DEFAULT": "\x00\x00\x00\x01\x00\x00\x00\x20\x00\x00\x00\x00\x00\x05\x00\x00", "system.posix_acl_default": "\x02\x00\x00\x00\x20\x00\x05\x00\xff\xff\xff\xff"}, ""},
	} {
		got, err := smallFS(nil).attributes(&inode{attr: fork{form: formLocal, area: c.area}})
		if !reflect.DeepEqual(got, c.want) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := smallFS(nil).attributes(&inode{attr: fork{form: 9, area: []byte{0}}}); err == nil || len(got) > 0 {
		t.Errorf("form 9: %q, %v", got, err)
	}
}

// TestLeafEntries reads names out of a leaf.
func TestLeafEntries(t *testing.T) {
	leaf := join(make([]byte, 80), []byte{0, 3, 2, 'n', 'm', 'v', 'a', 'l'}, []byte{0, 0, 0, 9, 0, 1, 0, 0, 1, 'r'})
	for name, c := range map[string]struct {
		at    int
		flags byte
		want  map[string]report.Raw
		err   string
	}{
		"local":           {80, attrLocal, attrs{"user.nm": "val"}, ""},
		"local, cut":      {86, attrLocal, attrs{}, "an entry at byte 86 is cut off"},
		"beyond":          {65535, attrLocal, attrs{}, "an entry at byte 65535 is cut off"},
		"remote, cut":     {90, 0, attrs{}, "an entry at byte 90 is cut off"},
		"remote, beyond":  {65535, 0, attrs{}, "an entry at byte 65535 is cut off"},
		"remote, a hole":  {88, 0, attrs{}, `attribute "r": block 9 is a hole`},
		"remote, partial": {88, attrIncomplete, attrs{}, ""},
	} {
		a := attrReader{fs: smallFS(nil), ino: &inode{}, seen: map[uint64]bool{}, out: attrs{}}
		err := a.entry(leaf, c.at, c.flags)
		if err == nil {
			err = a.Err()
		}
		if !reflect.DeepEqual(a.out, c.want) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v", name, a.out, err)
		}
	}
}
