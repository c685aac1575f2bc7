package vhdx_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/blockmap/blockmaptest"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/vhdx"
)

var le = binary.LittleEndian

const (
	mib       = 1 << 20
	headers   = 64 << 10
	regions   = 192 << 10
	metaGUID  = "\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e"
	tableGUID = "\x66\x77\xc2\x2d\x23\xf6\x00\x42\x9d\x64\x11\x5e\x9b\xfd\x4a\x08"
)

func open(data []byte) (fsys.Device, error) {
	dev, err := vhdx.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	return dev, nil
}

// seal puts the right checksum into a structure.
func seal(b []byte) {
	le.PutUint32(b[4:], 0)
	le.PutUint32(b[4:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// sealAll seals both headers and both region tables.
func sealAll(data []byte) {
	for at, size := range map[int]int{headers: 4096, 2 * headers: 4096, regions: 65536, regions + 65536: 65536} {
		seal(data[at : at+size])
	}
}

// regionOf is where a region lies.
func regionOf(data []byte, id string) int {
	at := regions + bytes.Index(data[regions:regions+4096], []byte(id))
	return int(le.Uint64(data[at+16:]))
}

// newest is where the header lies that counts.
func newest(data []byte) int {
	if le.Uint64(data[headers+8:]) > le.Uint64(data[2*headers+8:]) {
		return headers
	}
	return 2 * headers
}

func TestReadsWhatQEMUWrites(t *testing.T) {
	t.Parallel()
	raw, want := blockmaptest.Disk(t, 19<<20+512)
	for _, options := range []string{"", "subformat=fixed", "block_size=1M", "block_size=1M,block_state_zero=on", "block_size=256M", "log_size=4M", "subformat=fixed,block_size=2M"} {
		t.Run(options, func(t *testing.T) {
			path := blockmaptest.Convert(t, raw, "vhdx", options)
			data, err := os.ReadFile(path)
			kerneltest.Must(t, err)
			dev, err := open(data)
			kerneltest.Must(t, err)
			if size := blockmaptest.VirtualSize(t, path, "vhdx"); dev.Size() != size {
				t.Errorf("%d bytes, qemu-img says %d", dev.Size(), size)
			}
			blockmaptest.Shows(t, dev, want)
			if p := dev.(*vhdx.Image).Problems(); len(p) > 0 {
				t.Error(p)
			}
		})
	}
}

// Beyond the first chunk, the table has entries between those of blocks: 4 GiB
// in blocks of 1 MiB are one chunk.
func TestSecondChunk(t *testing.T) {
	t.Parallel()
	raw := t.TempDir() + "/raw"
	kerneltest.Must(t, os.WriteFile(raw, []byte("start"), 0o644), os.Truncate(raw, 9<<30))
	path := blockmaptest.Convert(t, raw, "vhdx", "block_size=1M")
	kerneltest.Run(t, "qemu-io", "-f", "vhdx", "-c", "write -P 5 4G 64k", "-c", "write -P 6 8589934080 64k", path)
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	dev, err := open(data)
	kerneltest.Must(t, err)
	runs, err := dev.Extents()
	kerneltest.Must(t, err)
	if len(runs) != 3 || runs[1].Offset != 4<<30 || runs[2].Offset != 8<<30-mib {
		t.Errorf("%v", runs)
	}
	for at, want := range map[int64]byte{0: 's', 4 << 30: 5, 4<<30 + 65536: 0, 8589934080: 6, 8589934080 + 65535: 6, 8589934080 + 65536: 0} {
		b := make([]byte, 1)
		if _, err := dev.ReadAt(b, at); err != nil || b[0] != want {
			t.Errorf("byte %d is %d: %v", at, b[0], err)
		}
	}
}

func TestHostileHeadersAreRefused(t *testing.T) {
	t.Parallel()
	raw, _ := blockmaptest.Disk(t, 9<<20)
	good := blockmaptest.Bytes(t, raw, "vhdx", "block_size=1M")
	table, meta := regionOf(good, tableGUID), regionOf(good, metaGUID)
	head := newest(good)
	item := func(id byte) int { // where an item's entry stands, by the first byte of its GUID
		for at := meta + 32; ; at += 32 {
			if good[at] == id {
				return at
			}
		}
	}
	value := func(id byte) int { return meta + int(le.Uint32(good[item(id)+16:])) }
	const parameters, size, sector = 0x37, 0x24, 0x1d
	for name, c := range map[string]struct {
		at    int
		value any
		want  string
	}{
		"magic":            {0, uint32(1), "magic"},
		"version":          {head + 66, uint16(2), ""}, // the other header serves
		"regions":          {regions + 8, uint32(1 << 30), "too many"},
		"no regions":       {regions + 8, uint32(0), "missing"},
		"region place":     {regions + 16 + 16, uint64(4096), "impossible"},
		"region far":       {regions + 16 + 16, uint64(1 << 50), "truncated"},
		"metadata":         {meta, uint64(1), "signature"},
		"items":            {meta + 10, uint16(1 << 15), "too many"},
		"no items":         {meta + 10, uint16(0), "missing"},
		"item unknown":     {item(size) + 8, uint64(1), "required, and not known"},
		"item place":       {item(size) + 16, uint32(1 << 31), "impossible"},
		"item length":      {item(size) + 20, uint32(1), "missing"},
		"parent":           {value(parameters) + 4, uint32(2), "differencing"},
		"block size":       {value(parameters), uint32(3 << 20), "blocks of"},
		"no block size":    {value(parameters), uint32(0), "blocks of"},
		"sector":           {value(sector), uint32(1000), "sectors of"},
		"size":             {value(size), uint64(1 << 60), "size"},
		"odd size":         {value(size), uint64(1000), "size"},
		"huge size":        {value(size), uint64(60 << 40), "too few"},
		"partial":          {table, uint64(4<<20 | 7), "another disk"},
		"state":            {table, uint64(4<<20 | 4), "state 4"},
		"block far":        {table, uint64(1<<63 | 6), "truncated"},
		"block twice":      {table + 8, le.Uint64(good[table:]), "two blocks"},
		"log place":        {head + 72, uint64(1), ""},
		"log in the block": {head + 48, uint64(1), "no whole sequence"},
	} {
		t.Run(name, func(t *testing.T) {
			data := bytes.Clone(good)
			_, err := binary.Encode(data[c.at:], le, c.value)
			kerneltest.Must(t, err)
			copy(data[regions+65536:], data[regions:regions+65536])
			sealAll(data)
			err = blockmaptest.Read(data, open)
			if (c.want == "") != (err == nil) || err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "vhdx")) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// Sectors of 4096 bytes make a chunk eight times as long, which a small disk does
// not see: qemu-img writes 512 only.
func TestLargeSectors(t *testing.T) {
	t.Parallel()
	raw, want := blockmaptest.Disk(t, 8<<20)
	data := blockmaptest.Bytes(t, raw, "vhdx", "block_size=1M")
	meta := regionOf(data, metaGUID)
	entry := meta + 32
	for data[entry] != 0x1d {
		entry += 32
	}
	le.PutUint32(data[meta+int(le.Uint32(data[entry+16:])):], 4096)
	dev, err := open(data)
	kerneltest.Must(t, err)
	blockmaptest.Shows(t, dev, want)
}

// Unknown regions are refused when they are required, and left alone else.
func TestOtherRegions(t *testing.T) {
	t.Parallel()
	raw, want := blockmaptest.Disk(t, 4<<20)
	for required, refusal := range map[uint32]string{0: "", 1: "required, and not known"} {
		data := blockmaptest.Bytes(t, raw, "vhdx", "")
		e := data[regions+16+2*32:]
		e[0] = 1
		le.PutUint64(e[16:], 64<<20)
		le.PutUint32(e[24:], mib)
		le.PutUint32(e[28:], required)
		le.PutUint32(data[regions+8:], 3)
		sealAll(data)
		dev, err := open(data)
		if refusal == "" {
			kerneltest.Must(t, err)
			blockmaptest.Shows(t, dev, want)
		} else if err == nil || !strings.Contains(err.Error(), refusal) {
			t.Errorf("%v", err)
		}
	}
}

// One sound copy of header and region table is enough.
func TestCopiesServe(t *testing.T) {
	t.Parallel()
	raw, want := blockmaptest.Disk(t, 9<<20)
	good := blockmaptest.Bytes(t, raw, "vhdx", "")
	for name, c := range map[string]struct {
		breaks  []int
		want    string
		problem bool
	}{
		"first header":   {[]int{headers}, "", false},
		"second header":  {[]int{2 * headers}, "", false},
		"both headers":   {[]int{headers + 9, 2*headers + 9}, "none is sound", false},
		"first regions":  {[]int{regions + 99}, "", true},
		"second regions": {[]int{regions + 65536}, "", false},
		"both regions":   {[]int{regions, regions + 65536}, "none is sound", false},
	} {
		data := bytes.Clone(good)
		for _, at := range c.breaks {
			data[at] ^= 0x10
		}
		dev, err := vhdx.Open(bytes.NewReader(data), int64(len(data)))
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		kerneltest.Must(t, err)
		blockmaptest.Shows(t, dev, want)
		if (len(dev.Problems()) > 0) != c.problem {
			t.Errorf("%s: %v", name, dev.Problems())
		}
	}
	data := bytes.Clone(good)
	le.PutUint64(data[headers+8:], le.Uint64(data[2*headers+8:]))
	data[headers+100] ^= 1
	sealAll(data)
	if _, err := open(data); err == nil || !strings.Contains(err.Error(), "differ") {
		t.Errorf("two headers of one sequence: %v", err)
	}
}

func TestHostileBytes(t *testing.T) {
	t.Parallel()
	raw, _ := blockmaptest.Disk(t, 4<<20)
	data := blockmaptest.Bytes(t, raw, "vhdx", "block_size=1M")
	blockmaptest.Cuts(t, data, 64<<10, open)
	sealed := func(b []byte) (fsys.Device, error) { // so that what is changed is believed
		sealAll(b)
		return open(b)
	}
	meta, table := regionOf(data, metaGUID), regionOf(data, tableGUID)
	for start, length := range map[int]int{headers: 96, 2 * headers: 96, regions: 96, meta: 224, meta + 65536: 64, table: 64} {
		blockmaptest.Flips(t, data, start, start+length, 2, sealed)
	}
}

func FuzzRead(f *testing.F) {
	raw, _ := blockmaptest.Disk(f, 2<<20+512)
	images := [][]byte{blockmaptest.Bytes(f, raw, "vhdx", "block_size=1M"), blockmaptest.Bytes(f, raw, "vhdx", "subformat=fixed,block_size=1M")}
	images = append(images, logged(images[0], write{2 * mib, bytes.Repeat([]byte{7}, 4096)}, write{3 * mib, nil}))
	blockmaptest.Fuzz(f, "vhdx", images, func(data []byte) (fsys.Device, error) {
		if len(data) > mib {
			sealAll(data)
			sealLog(data)
		}
		return open(data)
	})
}
