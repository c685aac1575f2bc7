package btrfs

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// chunkBytes makes a struct btrfs_chunk whose stripes lie on devices 1, 2, ... at places.
func chunkBytes(length, profile uint64, sub int, places ...uint64) []byte {
	b := make([]byte, chunkSize)
	le.PutUint64(b, length)
	le.PutUint64(b[16:], stripeLength)
	le.PutUint64(b[24:], profile|1)
	le.PutUint16(b[44:], uint16(len(places)))
	le.PutUint16(b[46:], uint16(sub))
	for i, at := range places {
		b = le.AppendUint64(b, uint64(i+1))
		b = le.AppendUint64(b, at)
		b = append(b, bytes.Repeat([]byte{byte(i + 1)}, 16)...)
	}
	return b
}

// testSpace is on device 1, of 64 MiB.
func testSpace() *space {
	sb := &superblock{raw: make([]byte, superSize), sectorSize: 4096, nodeSize: 16384, deviceID: 1, deviceSize: 64 << 20}
	copy(sb.deviceUUID(), bytes.Repeat([]byte{1}, 16))
	return &space{r: bytes.NewReader(nil), sb: sb}
}

func TestChunksMapToTheDevice(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name    string
		chunk   []byte
		at      uint64
		place   []uint64
		run     uint64
		missing string
	}{
		{"single", chunkBytes(mib, 0, 0, 5*mib), 4096, []uint64{5*mib + 4096}, mib - 4096, ""},
		{"raid1", chunkBytes(mib, profileRAID1, 0, 5*mib, 9*mib), 4096, []uint64{5*mib + 4096}, mib - 4096, ""},
		{"raid0 of one", chunkBytes(mib, profileRAID0, 1, 5*mib), 70000, []uint64{5*mib + 70000}, mib - 70000, ""},
		{"raid0, here", chunkBytes(mib, profileRAID0, 1, 5*mib, 9*mib), 2<<16 + 8, []uint64{5*mib + 1<<16 + 8}, 1<<16 - 8, "device 2"},
		{"raid0, there", chunkBytes(mib, profileRAID0, 1, 5*mib, 9*mib), 1<<16 + 8, nil, 1<<16 - 8, "device 2"},
		{"raid10", chunkBytes(mib, profileRAID10, 2, 5*mib, 6*mib, 7*mib, 8*mib), 2<<16 + 1, []uint64{5*mib + 1<<16 + 1}, 1<<16 - 1, "device 3"},
		{"raid5", chunkBytes(mib, profileRAID5, 1, 5*mib, 6*mib, 7*mib), 0, []uint64{5 * mib}, mib, "RAID5 and RAID6 are not read"},
	} {
		s := testSpace()
		if err := s.add(100*mib, c.chunk); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		place, run := s.chunks[0].copies(c.at)
		if !slices.Equal(place, c.place) || run != c.run {
			t.Errorf("%s: %v, %d bytes", c.name, place, run)
		}
		if err := s.chunks[0].missing(); (err == nil) != (c.missing == "") || err != nil && !strings.Contains(err.Error(), c.missing) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestChunksAreChecked(t *testing.T) {
	const mib = 1 << 20
	for want, chunks := range map[string][][]byte{
		"overlaps another":          {chunkBytes(4*mib, 0, 0, 5*mib), chunkBytes(4*mib, 0, 0, 15*mib)},
		"outside of the device":     {chunkBytes(4*mib, 0, 0, 61*mib)},
		"2 stripes in sets of 0":    {chunkBytes(4*mib, 0, 0, 5*mib, 9*mib)},
		"profile 0x30 is unknown":   {chunkBytes(4*mib, 0x30, 0, 5*mib, 9*mib)},
		"sets of 3 are impossible":  {chunkBytes(4*mib, profileRAID10, 3, 5*mib, 9*mib)},
		"length 0 is impossible":    {chunkBytes(0, 0, 0, 5*mib)},
		"length 4095 is impossible": {chunkBytes(4095, 0, 0, 5*mib)},
		"1 stripes do not lie in":   {chunkBytes(4*mib, 0, 0, 5*mib)[:60]},
		"are too short":             {make([]byte, 47)},
	} {
		s, err := testSpace(), error(nil)
		for i, b := range chunks {
			err = errors.Join(err, s.add(100*mib+uint64(i)*mib, b))
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	shared := testSpace()
	if err := errors.Join(shared.add(100*mib, chunkBytes(4*mib, profileDUP, 0, 5*mib, 9*mib)), shared.add(200*mib, chunkBytes(4*mib, 0, 0, 12*mib))); err != nil {
		t.Error(err)
	}
	shared.chunks[0].stripes[1].offset = 9 * mib
	if err := shared.checkPlaces(); err == nil || !strings.Contains(err.Error(), "the chunks at 104857600 and 209715200 lie in the same place") {
		t.Error(err)
	}
	s := testSpace()
	for range 2 { // in the superblock and in the tree
		if err := s.add(100*mib, chunkBytes(4*mib, 0, 0, 5*mib)); err != nil || len(s.chunks) != 1 {
			t.Error(err, s.chunks)
		}
	}
	for _, at := range []uint64{0, 100*mib - 1, 104 * mib, ^uint64(0)} {
		if err := s.read(make([]byte, 1), at, 0); err == nil || !strings.Contains(err.Error(), "is in no chunk") {
			t.Errorf("read at %d: %v", at, err)
		}
	}
}

// leaf makes the bytes of a leaf from items, whose contents lie from the end.
func leaf(items ...item) []byte {
	raw := make([]byte, 4096)
	le.PutUint32(raw[0x60:], uint32(len(items)))
	end := len(raw) - headerSize
	for i, it := range items {
		end -= len(it.data)
		b := raw[headerSize+i*itemSize:]
		le.PutUint64(b, it.object)
		b[8] = it.kind
		le.PutUint64(b[9:], it.offset)
		le.PutUint32(b[17:], uint32(end))
		le.PutUint32(b[21:], uint32(len(it.data)))
		copy(raw[headerSize+end:], it.data)
	}
	return raw
}

func TestNodesAreChecked(t *testing.T) {
	good := leaf(item{key{1, 1, 0}, []byte("one")}, item{key{1, 2, 0}, nil}, item{key{2, 0, 7}, []byte("three")})
	n, err := parseNode(bytes.Clone(good))
	if err != nil || n.count != 3 || string(n.item(0)) != "one" || string(n.item(2)) != "three" || n.search(key{1, 1, 1}) != 1 || n.search(lastKey()) != 3 {
		t.Fatal(n, err)
	}
	for want, change := range map[string]func(b []byte){
		"items are too many":    func(b []byte) { le.PutUint32(b[0x60:], 1<<31) },
		"are out of order":      func(b []byte) { le.PutUint64(b[headerSize+itemSize:], 0) },
		"item (1 1 0) is":       func(b []byte) { le.PutUint32(b[headerSize+21:], 1<<31) },
		"is outside":            func(b []byte) { le.PutUint32(b[headerSize+17:], 10) },
		"inner node is empty":   func(b []byte) { b[100] = 1; le.PutUint32(b[0x60:], 0) },
		"are out of order ":     func(b []byte) { copy(b[headerSize+itemSize:], b[headerSize:][:keySize]) },
		"3 items are too many ": func(b []byte) { b[0x62] = 1 },
	} {
		b := bytes.Clone(good)
		change(b)
		if _, err := parseNode(b); err == nil || !strings.Contains(err.Error()+" ", strings.TrimPrefix(want, "3 ")) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// An edited tree must scan and find as a tree that was made so.
func TestEditsTakeThePlaceOfItems(t *testing.T) {
	raw := leaf(item{key{1, 1, 0}, []byte("a")}, item{key{1, 5, 0}, []byte("b")}, item{key{1, 9, 0}, []byte("c")})
	n, err := parseNode(raw)
	if err != nil {
		t.Fatal(err)
	}
	nodes := newNodeReader(testSpace())
	nodes.keep(8192, n)
	tr := &tree{nodes: nodes, top: rootPointer{logical: 8192}, edits: &edits{items: map[key][]byte{}}}
	for k, v := range map[key]string{{0, 0, 1}: "first", {1, 5, 0}: "B", {1, 9, 0}: "", {1, 5, 1}: "new", {7, 7, 7}: "last", {1, 1, 1}: "gone"} {
		tr.edits.set(k, []byte(v))
		if v == "" {
			tr.edits.set(k, nil)
		}
	}
	tr.edits.set(key{1, 1, 1}, nil)
	scan := func(from key) string {
		var out []string
		if err := tr.scan(from, func(_ key, data []byte) error { out = append(out, string(data)); return nil }); err != nil {
			t.Error(err)
		}
		return strings.Join(out, " ")
	}
	for from, want := range map[key]string{{}: "first a B new last", {1, 5, 0}: "B new last", {1, 5, 1}: "new last", {1, 6, 0}: "last", {8, 0, 0}: ""} {
		if got := scan(from); got != want {
			t.Errorf("from %v: %q, want %q", from, got, want)
		}
	}
	for k, want := range map[key]string{{1, 1, 0}: "a", {1, 5, 0}: "B", {7, 7, 7}: "last", {1, 9, 0}: "", {1, 1, 1}: "", {1, 2, 0}: ""} {
		data, err := tr.find(k)
		if string(data) != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, errNotFound) {
			t.Errorf("find %v: %q, %v", k, data, err)
		}
	}
}

func TestSpansAreCut(t *testing.T) {
	for _, c := range []struct {
		of   span
		cut  []span
		left string
	}{
		{span{10, 20}, nil, "[{10 20}]"},
		{span{10, 20}, []span{{0, 5}, {20, 30}}, "[{10 20}]"},
		{span{10, 20}, []span{{5, 25}}, "[]"},
		{span{10, 20}, []span{{12, 14}, {16, 17}}, "[{10 12} {14 16} {17 20}]"},
		{span{10, 20}, []span{{5, 11}, {19, 30}}, "[{11 19}]"},
		{span{10, 20}, []span{{11, 15}, {13, 18}}, "[{10 11} {18 20}]"},
	} {
		if got := fmt.Sprint(c.of.without(c.cut)); got != c.left {
			t.Errorf("%v without %v: %s, want %s", c.of, c.cut, got, c.left)
		}
	}
}

func TestNamesAreEncodedAsTheyAreDecoded(t *testing.T) {
	for _, kind := range []byte{kindInodeRef, kindInodeExtref} {
		refs := []nameRef{{7, 2, "one"}, {7, 9, strings.Repeat("n", 255)}}
		b := encodeRefs(kind, refs)
		got, err := decodeRefs(key{300, kind, 7}, b)
		if err != nil || !slices.Equal(got, refs) {
			t.Errorf("kind %d: %v, %v", kind, got, err)
		}
		for n := 1; n < len(b); n++ {
			if got, err := decodeRefs(key{300, kind, 7}, b[:n]); err == nil && len(got) != 1 {
				t.Errorf("kind %d, %d bytes: %v", kind, n, got)
			}
		}
	}
	e := dirEntry{location: key{1, 2, 3}, kind: 2, name: []byte("name"), data: []byte("data")}
	b := e.encode(nil)
	got, err := dirEntries(b)
	if err != nil || len(got) != 1 || got[0].location != e.location || string(got[0].name) != "name" || string(got[0].data) != "data" || got[0].kind != 2 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := dirEntries(b[:len(b)-1]); err == nil {
		t.Error("a cut entry is read")
	}
}

// extentBytes makes a struct btrfs_file_extent_item.
func extentBytes(kind, compression byte, ram, disk, size, offset, length uint64) []byte {
	b := make([]byte, extentSize)
	le.PutUint64(b[8:], ram)
	b[16], b[20] = compression, kind
	for i, v := range []uint64{disk, size, offset, length} {
		le.PutUint64(b[extentHeader+8*i:], v)
	}
	return b
}

func TestExtentsAreChecked(t *testing.T) {
	const s = 4096
	encrypted := extentBytes(1, 0, s, s, s, 0, s)
	encrypted[17] = 1
	for want, b := range map[string][]byte{
		"":                       extentBytes(1, 0, 8*s, s, 8*s, 2*s, 3*s),
		"more than it holds":     extentBytes(1, 0, 8*s, s, 8*s, 6*s, 3*s),
		"more than it holds, 4":  extentBytes(1, 1, s, s, 8*s, 0, 2*s),
		"more than 128 KiB":      extentBytes(1, 3, 256<<10, s, s, 0, s),
		"compression 4 is":       extentBytes(1, 4, s, s, s, 0, s),
		"type 3 is not":          extentBytes(3, 0, s, s, s, 0, s),
		"is impossible":          extentBytes(1, 0, s, s+1, s, 0, s),
		"0 bytes at 0, is":       extentBytes(1, 0, s, s, s, 0, 0),
		"are too short":          extentBytes(1, 0, s, s, s, 0, s)[:30],
		"20 bytes are too short": make([]byte, 20),
		"encrypted":              encrypted,
		"bytes inline, 32 of":    extentBytes(0, 0, 31, 0, 0, 0, 0),
	} {
		_, err := decodeRun(0, b, s)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if r, err := decodeRun(0, extentBytes(2, 0, s, s, s, 0, s), s); err != nil || r.size != 0 || r.length != s {
		t.Errorf("what is not written: %+v, %v", r, err)
	}
}

// Every time that an inode can hold must fit a report.
func TestTimesFitAReport(t *testing.T) {
	for seconds, told := range map[int64]bool{-62167219200: false, 253402300799: false, -62167219201: true, 253402300800: true, -1 << 63: true, 1<<63 - 1: true} {
		when, err := (&inode{seconds: seconds}).mtime()
		if _, jsonErr := when.MarshalJSON(); jsonErr != nil || (err != nil) != told {
			t.Errorf("%d: %v, %v, %v", seconds, when, err, jsonErr)
		}
	}
	if _, err := (&inode{nanos: 1 << 31}).mtime(); err == nil {
		t.Error("a fraction of two seconds is not told")
	}
}

func TestFlagsOfInodes(t *testing.T) {
	for flags, want := range map[uint64]string{flagVerity: "verity", flagVerity | flagImmutable: "immutable,verity", flagNoSums: "", 1 << 31: ""} {
		if got := (&inode{flags: flags}).attributes(); got != want {
			t.Errorf("%#x: %q", flags, got)
		}
	}
}

// Inodes of different trees must never look like one file.
func TestFileIDsDiffer(t *testing.T) {
	fs := &FS{top: 256}
	ids := map[uint64]bool{}
	for _, tr := range []uint64{5, 256, 257, 1 << 20} {
		for _, ino := range []uint64{256, 257, 1<<40 - 1} {
			ids[fs.fileID(tr, ino)] = true
		}
	}
	if len(ids) != 12 || !ids[257] {
		t.Error(slices.Sorted(maps.Keys(ids)))
	}
	if fs.fileID(256, 1<<40) != 0 || fs.fileID(1<<30, 7) != 0 {
		t.Error("numbers that do not fit are not 0")
	}
}

// Subvolumes that lie in each other lie nowhere, and are left out.
func TestSubvolumesInACircleAreLeftOut(t *testing.T) {
	ref := func(name string) []byte {
		b := le.AppendUint64(nil, firstFree)
		b = le.AppendUint64(b, 0)
		b = le.AppendUint16(b, uint16(len(name)))
		return append(b, name...)
	}
	var items []item
	for _, id := range []uint64{300, 301} {
		data := make([]byte, rootItemSizeV2)
		le.PutUint32(data[216:], 1)
		items = append(items, item{key{id, kindRoot, 0}, data}, item{key{id, kindRootBackref, 601 - id}, ref("name")})
	}
	n, err := parseNode(leaf(items...))
	if err != nil {
		t.Fatal(err)
	}
	nodes := newNodeReader(testSpace())
	nodes.keep(8192, n)
	v := &volume{nodes: nodes, roots: &tree{nodes: nodes, top: rootPointer{logical: 8192}}}
	fs := &FS{volume: v, top: topLevelTree}
	if all, err := fs.Subvolumes(); len(all) != 0 || err != nil {
		t.Error(all, err)
	}
	if _, err := fs.Subvolume("name"); !errors.Is(err, errNotFound) {
		t.Error(err)
	}
}
