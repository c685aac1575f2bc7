package vhd_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/blockmap/blockmaptest"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/vhd"
)

var be = binary.BigEndian

func open(data []byte) (fsys.Device, error) {
	dev, err := vhd.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	return dev, nil
}

// seal puts the right checksum into a footer (field 64) or a header (field 36).
func seal(b []byte, field int) {
	sum := uint32(0)
	be.PutUint32(b[field:], 0)
	for _, c := range b {
		sum += uint32(c)
	}
	be.PutUint32(b[field:], ^sum)
}

// sealAll puts right checksums into all that a dynamic disk has.
func sealAll(data []byte) {
	seal(data[:512], 64)
	seal(data[512:1536], 36)
	seal(data[len(data)-512:], 64)
}

func TestReadsWhatQEMUWrites(t *testing.T) {
	t.Parallel()
	raw, want := blockmaptest.Disk(t, 9<<20+512)
	for _, options := range []string{"", "subformat=fixed", "force_size=on", "subformat=fixed,force_size=on"} {
		t.Run(options, func(t *testing.T) {
			path := blockmaptest.Convert(t, raw, "vpc", options)
			data, err := os.ReadFile(path)
			kerneltest.Must(t, err)
			if !vhd.Detect(bytes.NewReader(data), int64(len(data))) || vhd.Leftover(bytes.NewReader(data), int64(len(data))) {
				t.Error("it is not detected")
			}
			dev, err := open(data)
			kerneltest.Must(t, err)
			if size := blockmaptest.VirtualSize(t, path, "vpc"); dev.Size() != size {
				t.Errorf("%d bytes, qemu-img says %d", dev.Size(), size)
			}
			blockmaptest.Shows(t, dev, want)
			if p := dev.(*vhd.Image).Problems(); len(p) > 0 {
				t.Error(p)
			}
		})
	}
}

// The size is the geometry's or the current one, by the program that made the
// disk, as qemu-img has it.
func TestSizeByCreator(t *testing.T) {
	t.Parallel()
	raw, _ := blockmaptest.Disk(t, 9<<20+512)
	good := blockmaptest.Bytes(t, raw, "vpc", "")
	for _, app := range []string{"vpc ", "qemu", "win ", "qem2", "d2v ", "CTXS", "tap\x00"} {
		for _, c := range []struct {
			cylinders    uint16
			heads, track byte
		}{{200, 4, 17}, {65535, 16, 255}} {
			data := bytes.Clone(good)
			for _, f := range [][]byte{data[:512], data[len(data)-512:]} {
				copy(f[28:], app)
				be.PutUint64(f[48:], 7<<20)
				be.PutUint16(f[56:], c.cylinders)
				f[58], f[59] = c.heads, c.track
			}
			sealAll(data)
			path := filepath.Join(t.TempDir(), "x")
			kerneltest.Must(t, os.WriteFile(path, data, 0o644))
			dev, err := open(data)
			kerneltest.Must(t, err)
			if want := blockmaptest.VirtualSize(t, path, "vpc"); dev.Size() != want {
				t.Errorf("%q %v: %d bytes, qemu-img says %d", app, c, dev.Size(), want)
			}
		}
	}
	// VirtualBox itself takes the current size.
	data := bytes.Clone(good)
	for _, f := range [][]byte{data[:512], data[len(data)-512:]} {
		copy(f[28:], "vbox")
		be.PutUint64(f[48:], 7<<20)
	}
	sealAll(data)
	if dev, err := open(data); err != nil || dev.Size() != 7<<20 {
		t.Errorf("vbox: %v", err)
	}
}

func TestHostileHeadersAreRefused(t *testing.T) {
	t.Parallel()
	raw, _ := blockmaptest.Disk(t, 4<<20)
	good := blockmaptest.Bytes(t, raw, "vpc", "force_size=on")
	table := int(be.Uint64(good[512+16:]))
	first := be.Uint32(good[table:])
	for name, c := range map[string]struct {
		at    int
		value any
		want  string
	}{
		"differencing":  {60, uint32(4), "differencing"},
		"type":          {60, uint32(9), "type 9"},
		"version":       {12, uint32(0x20000), "version"},
		"size":          {48, uint64(1 << 62), "size"},
		"huge size":     {48, uint64(1 << 40), "too few"},
		"header place":  {16, uint64(1 << 50), "truncated"},
		"no header":     {16, uint64(1<<64 - 1), "truncated"},
		"header cookie": {512, uint32(1), "cookie"},
		"block size":    {512 + 32, uint32(3 << 20), "blocks of"},
		"no block size": {512 + 32, uint32(0), "blocks of"},
		"few blocks":    {512 + 28, uint32(1), "too few"},
		"table outside": {512 + 16, uint64(1 << 40), "truncated"},
		"table far":     {512 + 16, uint64(1<<64 - 512), "truncated"},
		"block far":     {table, uint32(1 << 30), "truncated"},
		"block twice":   {table + 4, first, "two blocks"},
	} {
		t.Run(name, func(t *testing.T) {
			data := bytes.Clone(good)
			_, err := binary.Encode(data[c.at:], be, c.value)
			kerneltest.Must(t, err)
			copy(data[len(data)-512:], data[:512])
			sealAll(data)
			if err := blockmaptest.Read(data, open); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// One of two footers serves when the other is broken, and that is told.
func TestOneFooterServes(t *testing.T) {
	t.Parallel()
	raw, want := blockmaptest.Disk(t, 4<<20)
	good := blockmaptest.Bytes(t, raw, "vpc", "force_size=on")
	for name, change := range map[string]func([]byte){
		"the start":  func(b []byte) { b[100] ^= 1 },
		"no start":   func(b []byte) { clear(b[:512]) },
		"the end":    func(b []byte) { b[len(b)-100] ^= 1 },
		"other ends": func(b []byte) { b[len(b)-430] ^= 1; seal(b[len(b)-512:], 64) },
	} {
		data := bytes.Clone(good)
		change(data)
		dev, err := vhd.Open(bytes.NewReader(data), int64(len(data)))
		kerneltest.Must(t, err)
		if p := fmt.Sprint(dev.Problems()); !vhd.Detect(bytes.NewReader(data), int64(len(data))) || !strings.Contains(p, "vhd footer") {
			t.Errorf("%s: %s", name, p)
		}
		blockmaptest.Shows(t, dev, want)
	}
	data := bytes.Clone(good)
	data[100] ^= 1
	data[len(data)-100] ^= 1
	if _, err := open(data); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("both broken: %v", err)
	}
}

// A raw disk that ends with the footer of something else is a raw disk.
func TestRawDiskThatLooksFixed(t *testing.T) {
	t.Parallel()
	raw, _ := blockmaptest.Disk(t, 4<<20)
	good := blockmaptest.Bytes(t, raw, "vpc", "subformat=fixed,force_size=on")
	old := append(bytes.Clone(good[:4<<20]), good[4<<20:4<<20+511]...) // as Virtual PC wrote it before 2004
	broken := bytes.Clone(good)
	broken[len(broken)-100] ^= 1
	for name, c := range map[string]struct {
		data           []byte
		disk, leftover bool
	}{
		"fixed":        {good, true, false},
		"511":          {old, true, false},
		"longer":       {append(make([]byte, 512), good...), false, true},
		"shorter":      {good[1<<20:], false, true},
		"checksum":     {broken, false, true},
		"raw":          {good[:4<<20], false, false},
		"footer alone": {good[4<<20:], true, false}, // starts with a cookie
		"short":        {good[:100], false, false},
	} {
		r := bytes.NewReader(c.data)
		if disk, left := vhd.Detect(r, r.Size()), vhd.Leftover(r, r.Size()); disk != c.disk || left != c.leftover {
			t.Errorf("%s: a disk %v, left over %v", name, disk, left)
		}
	}
	dev, err := open(old)
	kerneltest.Must(t, err)
	blockmaptest.Shows(t, dev, good[:4<<20])
	if _, err := open(good[4<<20:]); err == nil || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("a footer alone: %v", err)
	}
}

func TestHostileBytes(t *testing.T) {
	t.Parallel()
	raw, _ := blockmaptest.Disk(t, 4<<20)
	data := blockmaptest.Bytes(t, raw, "vpc", "force_size=on")
	blockmaptest.Cuts(t, data, 64<<10, open)
	blockmaptest.Flips(t, data, 0, 2048, 3, open)
	// With checksums that match, what is changed is believed.
	blockmaptest.Flips(t, data, 0, 2048, 7, func(b []byte) (fsys.Device, error) {
		b = bytes.Clone(b)
		sealAll(b)
		return open(b)
	})
}

func FuzzRead(f *testing.F) {
	raw, _ := blockmaptest.Disk(f, 2<<20+512)
	images := [][]byte{
		blockmaptest.Bytes(f, raw, "vpc", "force_size=on"),
		blockmaptest.Bytes(f, raw, "vpc", "subformat=fixed,force_size=on"),
	}
	blockmaptest.Fuzz(f, "vhd", images, func(b []byte) (fsys.Device, error) {
		if len(b) > 2048 {
			sealAll(b)
		}
		return open(b)
	})
}
