package xfs

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// core is an inode of 512 bytes with fields set, by their places in struct xfs_dinode.
func core(fields map[int]any) []byte {
	b := make([]byte, 512)
	for at, v := range fields {
		switch v := v.(type) {
		case byte:
			b[at] = v
		case uint16:
			be.PutUint16(b[at:], v)
		case uint32:
			be.PutUint32(b[at:], v)
		case uint64:
			be.PutUint64(b[at:], v)
		default:
			panic(fmt.Sprintf("a field of type %T", v))
		}
	}
	return b
}

// merged puts more fields over those of a version.
func merged(version byte, fields map[int]any) map[int]any {
	out := map[int]any{0: uint16(inodeMagic), 4: version}
	for at, v := range fields {
		out[at] = v
	}
	return out
}

func TestInodeFields(t *testing.T) {
	at := func(sec, nsec int64) time.Time { return time.Unix(sec, nsec).UTC() }
	const bigtime, wide = uint64(flag2Bigtime), uint64(flag2Nrext64)
	for name, c := range map[string]struct {
		version byte
		fields  map[int]any
		want    inode
	}{
		"owners":           {3, map[int]any{2: uint16(0o104755), 8: uint32(1<<32 - 2), 12: uint32(70000), 16: uint32(3)}, inode{mode: 0o104755, uid: 1<<32 - 2, gid: 70000, links: 3}},
		"old links":        {1, map[int]any{6: uint16(9), 16: uint32(7), 20: uint16(5)}, inode{links: 9}},
		"project":          {2, map[int]any{16: uint32(1), 20: uint16(0x1234), 22: uint16(0xabcd)}, inode{links: 1, project: 0xabcd1234}},
		"size and flags":   {3, map[int]any{56: uint64(1<<63 - 1), 90: uint16(0x8007), 120: uint64(0x13)}, inode{size: 1<<63 - 1, flags: 0x8007, flags2: 0x13}},
		"no flags2 before": {2, map[int]any{120: bigtime}, inode{}},
		"before 1970":      {2, map[int]any{40: uint32(0xffffffff), 44: uint32(5)}, inode{mtime: at(-1, 5)}},
		"in 1901":          {3, map[int]any{40: uint32(1 << 31), 48: uint32(1<<31 - 1), 52: uint32(999999999)}, inode{mtime: at(-1<<31, 0), changed: at(1<<31-1, 999999999)}},
		"bigtime, least":   {3, map[int]any{120: bigtime}, inode{flags2: bigtime, mtime: at(-1<<31, 0), changed: at(-1<<31, 0)}},
		"bigtime":          {3, map[int]any{120: bigtime, 40: uint64(1<<31)*1e9 + 7, 48: uint64(1<<63 + 1)}, inode{flags2: bigtime, mtime: at(0, 7), changed: at(7075888388, 854775809)}},
		"bigtime, most":    {3, map[int]any{120: bigtime, 40: ^uint64(0), 48: uint64(1<<31) * 1e9}, inode{flags2: bigtime, mtime: at(16299260425, 709551615), changed: at(0, 0)}},
		"extents":          {3, map[int]any{5: byte(formTree), 76: uint32(4000000000), 80: uint16(65535), 83: byte(formExtents)}, inode{data: fork{form: formTree, extents: 4000000000}, attr: fork{form: formExtents, extents: 65535}}},
		"nrext64":          {3, map[int]any{5: byte(formTree), 24: uint64(1) << 47, 76: uint32(1 << 31), 83: byte(formTree), 120: wide}, inode{flags2: wide, data: fork{form: formTree, extents: 1 << 47}, attr: fork{form: formTree, extents: 1 << 31}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, zero := *decodeInode(99, core(merged(c.version, c.fields))), time.Unix(0, 0).UTC()
			if got.number != 99 || got.version != c.version || len(got.raw) != 512 {
				t.Errorf("%+v", got)
			}
			for _, when := range []*time.Time{&c.want.mtime, &c.want.changed} {
				if when.IsZero() {
					*when = zero
				}
			}
			c.want.number, c.want.version = 99, c.version
			got.raw, got.data.area, got.attr.area = nil, nil, nil
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("\n got %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// TestForks cuts the two areas of an inode.
func TestForks(t *testing.T) {
	for name, c := range map[string]struct {
		version, offset byte
		data, attr      int
	}{
		"whole": {3, 0, 336, 0}, "parted": {3, 10, 80, 256}, "old": {2, 0, 412, 0}, "old, parted": {2, 15, 120, 292},
		"to the end": {3, 42, 336, 0}, "last": {3, 41, 328, 8}, "beyond": {3, 255, 336, 0},
	} {
		ino := decodeInode(1, core(merged(c.version, map[int]any{82: c.offset})))
		if len(ino.data.area) != c.data || len(ino.attr.area) != c.attr {
			t.Errorf("%s: %d and %d bytes", name, len(ino.data.area), len(ino.attr.area))
		}
	}
}

func TestInodeFlags(t *testing.T) {
	for bit, want := range map[uint16]uint32{
		flagImmutable: 0x10, flagAppend: 0x20, flagSync: 0x8, flagNoatime: 0x80, flagNodump: 0x40, flagProjInherit: 0x20000000,
		flagRealtime: 0, 0x2: 0, 0x4: 0, 0x100: 0, 0x400: 0, 0x800: 0, 0x8000: 0, flagImmutable | flagNodump: 0x50,
	} {
		if got := (&inode{flags: bit}).attributes(); got != want {
			t.Errorf("%#x is %#x, not %#x", bit, got, want)
		}
	}
	if got := (&inode{flags2: ^uint64(0)}).attributes(); got != 0x2000000 {
		t.Errorf("flags2: %#x", got)
	}
}

func TestDeviceNumbers(t *testing.T) {
	for area, want := range map[string]string{
		"\x00\x00\x00\x00": "0:0", "\x00\x04\x00\x03": "1:3", "\xff\xff\xff\xff": "16383:262143", "\x00\x00\x01\x00": "0:256", "": "", "\x01\x02": "",
	} {
		if got := (&inode{data: fork{area: []byte(area)}}).device(); got != want {
			t.Errorf("%x: %q, not %q", area, got, want)
		}
	}
}

// TestFormsFitTypes holds which forms of content each type may have.
func TestFormsFitTypes(t *testing.T) {
	for mode, want := range map[uint16]string{
		0o100000: "  EB", 0o040000: " LEB", 0o120000: " LEB", 0o020000: "D   ", 0o060000: "D   ", 0o010000: "D   ", 0o140000: "D   ", 0o030000: "D   ",
	} {
		var got []byte
		for form, letter := range []byte("DLEB") {
			ino := inode{mode: mode, data: fork{form: byte(form)}}
			if ino.checkForm() != nil {
				letter = ' '
			}
			got = append(got, letter)
		}
		if string(got) != want {
			t.Errorf("%o: %q, not %q", mode, got, want)
		}
	}
	if (&inode{mode: 0o100000, data: fork{form: 4}}).checkForm() == nil {
		t.Error("form 4 is a file's")
	}
}

func TestKernelACL(t *testing.T) {
	entry := func(tag, id uint32, perm uint16) string {
		b := be.AppendUint32(nil, tag)
		return string(append(be.AppendUint16(be.AppendUint32(b, id), perm), 0, 0))
	}
	list := func(entries ...string) string {
		return string(be.AppendUint32(nil, uint32(len(entries)))) + strings.Join(entries, "")
	}
	for name, c := range map[string]struct{ in, want, err string }{
		"all": {list(entry(1, 0, 7), entry(2, 1000, 4), entry(4, 0, 5), entry(8, 70000, 2), entry(0x10, 0, 6), entry(0x20, 0, 1)),
			"02000000" + "01000700ffffffff" + "02000400e8030000" + "04000500ffffffff" + "0800020070110100" + "10000600ffffffff" + "20000100ffffffff", ""},
		"none":     {list(), "", ""},
		"tag":      {list(entry(3, 0, 7)), "", "an access control list with tag 0x3"},
		"cut":      {list(entry(1, 0, 7))[:15], "", "15 bytes are no access control list"},
		"count":    {"\x00\x00\x00\x02" + entry(1, 0, 7), "", "16 bytes are no access control list"},
		"too many": {"\xff\xff\xff\xff", "", "4 bytes are no access control list"},
		"empty":    {"", "", "0 bytes are no access control list"},
	} {
		got, err := kernelACL([]byte(c.in))
		if hex.EncodeToString(got) != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

func TestFeatureWords(t *testing.T) {
	sb := superblock{version: 5, bits: 0xb4a0 &^ 0xf, features2: 0x18a, roCompat: 0x1f, incompat: 0x80000fff, logIncompat: 3}
	got := strings.Join(sb.features(), " ")
	for _, want := range []string{"crc", "FEATURE_R4", "FEATURE_I11", "FEATURE_I31", "FEATURE_L1", "log_xattrs", "bigtime", "zone_gaps", "finobt", "lazy-count", "dirv2", "align"} {
		if !strings.Contains(" "+got+" ", " "+want+" ") {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	if bytes.Contains([]byte(got), []byte("  ")) {
		t.Errorf("a feature without a name: %q", got)
	}
}
