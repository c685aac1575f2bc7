package vdi_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/blockmap/blockmaptest"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/vdi"
)

var le = binary.LittleEndian

func open(data []byte) (fsys.Device, error) {
	dev, err := vdi.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	return dev, nil
}

func TestReadsWhatQEMUWrites(t *testing.T) {
	t.Parallel()
	raw, want := blockmaptest.Disk(t, 9<<20+512)
	for _, options := range []string{"", "static=on"} {
		t.Run(options, func(t *testing.T) {
			dev, err := open(blockmaptest.Bytes(t, raw, "vdi", options))
			kerneltest.Must(t, err)
			if dev.Size() != int64(len(want)) {
				t.Errorf("%d bytes", dev.Size())
			}
			blockmaptest.Shows(t, dev, want)
		})
	}
}

func TestHolesAreNoExtents(t *testing.T) {
	t.Parallel()
	raw, _ := blockmaptest.Disk(t, 9<<20)
	dev, err := open(blockmaptest.Bytes(t, raw, "vdi", ""))
	kerneltest.Must(t, err)
	runs, err := dev.Extents()
	kerneltest.Must(t, err)
	for _, r := range runs {
		if r.Offset <= 2<<20 && r.Offset+r.Length > 2<<20 {
			t.Errorf("%v: the third MiB was never written", runs)
		}
	}
}

// Blocks of other sizes, and bytes before each block, are what no program here
// writes: the map is moved by hand.
func TestBlocksOfOtherSizes(t *testing.T) {
	t.Parallel()
	raw, want := blockmaptest.Disk(t, 2<<20)
	data := blockmaptest.Bytes(t, raw, "vdi", "static=on")
	blocks := data[le.Uint32(data[0x158:]):]
	const size, extra = 512 << 10, 512
	out := bytes.Clone(data[:0x200])
	le.PutUint32(out[0x154:], 0x200)
	le.PutUint32(out[0x158:], 0x400)
	le.PutUint32(out[0x178:], size)
	le.PutUint32(out[0x17c:], extra)
	le.PutUint32(out[0x180:], 4)
	out = append(out, make([]byte, 0x200)...)
	for n, place := range []uint32{2, 0, 0xfffffffe, 1} { // 1 MiB to 1.5 MiB are lost
		le.PutUint32(out[0x200+4*n:], place)
	}
	for _, n := range []int{1, 3, 0} {
		out = append(append(out, bytes.Repeat([]byte{0xee}, extra)...), blocks[n*size:][:size]...)
	}
	dev, err := open(out)
	kerneltest.Must(t, err)
	clear(want[2*size : 3*size])
	blockmaptest.Shows(t, dev, want)
}

func TestHostileHeadersAreRefused(t *testing.T) {
	t.Parallel()
	raw, _ := blockmaptest.Disk(t, 4<<20)
	good := blockmaptest.Bytes(t, raw, "vdi", "")
	table := int(le.Uint32(good[0x154:]))
	for name, c := range map[string]struct {
		at    int
		value any
		want  string
	}{
		"signature":    {0x40, uint32(1), "signature"},
		"version":      {0x44, uint32(0x20001), "version 2.1"},
		"old version":  {0x44, uint32(1), "version 0.1"},
		"undo":         {0x4c, uint32(3), "undo"},
		"differencing": {0x4c, uint32(4), "differencing"},
		"kind":         {0x4c, uint32(9), "unknown kind 9"},
		"linked":       {0x1a8, uint32(5), "differencing"},
		"size":         {0x170, uint64(1 << 63), "size"},
		"huge size":    {0x170, uint64(1 << 59), "too few"},
		"both huge":    {0x180, uint32(1 << 31), ""},
		"block size":   {0x178, uint32(3 << 20), "blocks of"},
		"no block":     {0x178, uint32(0), "blocks of"},
		"extra":        {0x17c, uint32(1 << 31), "before each"},
		"map outside":  {0x154, uint32(1 << 31), "truncated"},
		"data outside": {0x158, uint32(1 << 31), "truncated"},
		"block far":    {table, uint32(1 << 30), "truncated"},
		"block twice":  {table, uint32(1), "two blocks"},
	} {
		t.Run(name, func(t *testing.T) {
			data := bytes.Clone(good)
			_, err := binary.Encode(data[c.at:], le, c.value)
			kerneltest.Must(t, err)
			if name == "both huge" {
				le.PutUint64(data[0x170:], 1<<50)
				c.want = "truncated"
			}
			if err := blockmaptest.Read(data, open); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestHostileBytes(t *testing.T) {
	t.Parallel()
	raw, _ := blockmaptest.Disk(t, 4<<20)
	for _, options := range []string{"", "static=on"} {
		data := blockmaptest.Bytes(t, raw, "vdi", options)
		blockmaptest.Cuts(t, data, 64<<10, open)
		blockmaptest.Flips(t, data, 0x40, 0x220, 1, open)
	}
}

func FuzzRead(f *testing.F) {
	raw, _ := blockmaptest.Disk(f, 2<<20+512)
	blockmaptest.Fuzz(f, "vdi", [][]byte{blockmaptest.Bytes(f, raw, "vdi", ""), blockmaptest.Bytes(f, raw, "vdi", "static=on")}, open)
}
