package vmdk_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/blockmap/blockmaptest"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/vmdk"
)

var le = binary.LittleEndian

func open(data []byte) (fsys.Device, error) {
	dev, err := vmdk.Open(bytes.NewReader(data), int64(len(data)), nil)
	if err != nil {
		return nil, err
	}
	return dev, nil
}

// openFile lets an image open what lies beside it.
func openFile(t testing.TB, path string) (*vmdk.Image, error) {
	t.Helper()
	file := func(path string) (io.ReaderAt, int64, error) {
		f, err := dir.OpenFile(path)
		if err != nil {
			return nil, 0, err
		}
		t.Cleanup(func() { f.Close() })
		return f, f.Size(), nil
	}
	r, size, err := file(path)
	kerneltest.Must(t, err)
	return vmdk.Open(r, size, func(name string) (io.ReaderAt, int64, error) {
		return file(filepath.Join(filepath.Dir(path), name))
	})
}

// formats are the options of qemu-img. Those of files that lie beside are marked
// by a name with "Flat" or "twoGb".
func formats() []string {
	return []string{
		"", "subformat=monolithicSparse,zeroed_grain=on", "subformat=monolithicSparse,compat6=on", "adapter_type=lsilogic",
		"subformat=streamOptimized", "subformat=streamOptimized,compat6=on",
		"subformat=monolithicFlat", "subformat=twoGbMaxExtentFlat", "subformat=twoGbMaxExtentSparse", "subformat=twoGbMaxExtentSparse,zeroed_grain=on",
	}
}

func TestReadsWhatQEMUWrites(t *testing.T) {
	t.Parallel()
	raw, want := blockmaptest.Disk(t, 9<<20+512)
	for _, options := range formats() {
		t.Run(options, func(t *testing.T) {
			path := blockmaptest.Convert(t, raw, "vmdk", options)
			dev, err := openFile(t, path)
			kerneltest.Must(t, err)
			if size := blockmaptest.VirtualSize(t, path, "vmdk"); dev.Size() != size {
				t.Errorf("%d bytes, qemu-img says %d", dev.Size(), size)
			}
			blockmaptest.Shows(t, dev, want)
			if p := dev.Problems(); len(p) > 0 {
				t.Error(p)
			}
		})
	}
}

// A grain that was zeroed is an entry of its own where the flag is on.
func TestZeroedGrains(t *testing.T) {
	t.Parallel()
	raw, want := blockmaptest.Disk(t, 4<<20)
	path := blockmaptest.Convert(t, raw, "vmdk", "zeroed_grain=on")
	kerneltest.Run(t, "qemu-io", "-f", "vmdk", "-c", "write -z 64k 128k", path)
	clear(want[64<<10 : 192<<10])
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	table := int(le.Uint32(data[le.Uint64(data[56:])*512:])) * 512
	if le.Uint32(data[table+4:]) != 1 {
		t.Fatal("qemu wrote no zeroed grain")
	}
	dev, err := open(data)
	kerneltest.Must(t, err)
	blockmaptest.Shows(t, dev, want)
}

// A disk of more than 2 GiB has several extents.
func TestSeveralExtents(t *testing.T) {
	t.Parallel()
	raw := filepath.Join(t.TempDir(), "raw")
	const size = 5<<30 + 1<<20
	kerneltest.Must(t, os.WriteFile(raw, []byte("start"), 0o644), os.Truncate(raw, size))
	f, err := os.OpenFile(raw, os.O_WRONLY, 0)
	kerneltest.Must(t, err)
	marks := map[int64]string{2<<30 - 3: "border", 3 << 30: "middle", size - 3: "end"}
	for at, text := range marks {
		_, err := f.WriteAt([]byte(text)[:min(int64(len(text)), size-at)], at)
		kerneltest.Must(t, err)
	}
	kerneltest.Must(t, f.Close())
	for _, options := range []string{"subformat=twoGbMaxExtentSparse", "subformat=twoGbMaxExtentFlat"} {
		dev, err := openFile(t, blockmaptest.Convert(t, raw, "vmdk", options))
		kerneltest.Must(t, err)
		runs, err := dev.Extents()
		kerneltest.Must(t, err)
		held := int64(0)
		for _, r := range runs {
			held += r.Length
		}
		if dev.Size() != size || held > 1<<20 {
			t.Errorf("%s: %d bytes, %d in extents", options, dev.Size(), held)
		}
		for at, text := range marks {
			b := make([]byte, min(int64(len(text)), size-at))
			if _, err := dev.ReadAt(b, at); err != nil || !strings.HasPrefix(text, string(b)) {
				t.Errorf("%s at %d: %q %v", options, at, b, err)
			}
		}
	}
}

func TestExtentsBesideOnlyWhenAllowed(t *testing.T) {
	t.Parallel()
	raw, _ := blockmaptest.Disk(t, 2<<20)
	data := blockmaptest.Bytes(t, raw, "vmdk", "subformat=monolithicFlat")
	if _, err := open(data); err == nil || !strings.Contains(err.Error(), `"image-flat.vmdk"`) {
		t.Errorf("%v", err)
	}
	_, err := vmdk.Open(bytes.NewReader(data), int64(len(data)), func(string) (io.ReaderAt, int64, error) { return nil, 0, errors.New("forbidden") })
	if err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("%v", err)
	}
}

func TestDescriptors(t *testing.T) {
	t.Parallel()
	dirName := t.TempDir()
	raw, want := blockmaptest.Disk(t, 2<<20)
	flat, err := os.ReadFile(raw)
	kerneltest.Must(t, err, os.WriteFile(filepath.Join(dirName, "a b.img"), flat, 0o644))
	const head = "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType=\"custom\"\n"
	for name, c := range map[string]struct{ text, want string }{
		"two parts":   {head + "RW 2048 FLAT \"a b.img\" 0\r\nRDONLY 2048 FLAT \"a b.img\" 2048\n", ""},
		"zeros":       {head + "RW 4096 VMFS \"a b.img\"\nRW 99 ZERO\n", ""},
		"upper case":  {"# DISK DESCRIPTORFILE\nRW 4096 FLAT \"a b.img\" 0\n", ""},
		"twice":       {head + "RW 2048 FLAT \"a b.img\" 0\nRW 2048 FLAT \"a b.img\" 2047\n", "two blocks"},
		"beyond":      {head + "RW 4097 FLAT \"a b.img\" 0\n", "truncated"},
		"parent":      {head + "parentCID=1234abcd\nRW 4096 FLAT \"a b.img\" 0\n", "parent (parentCID=1234abcd)"},
		"none":        {head, "names no extents"},
		"missing":     {head + "RW 4096 FLAT \"other\" 0\n", "no such file"},
		"no sparse":   {head + "RW 4096 SPARSE \"a b.img\"\n", "magic"},
		"malformed":   {head + "RW many FLAT\n", "malformed"},
		"no file":     {head + "RW 4096 FLAT\n", "names no file"},
		"huge":        {head + "RW 99999999999999999999 FLAT \"a b.img\" 0\n", "impossible"},
		"huge sum":    {head + strings.Repeat("RW 2000000000000000 ZERO\n", 3), "impossible"},
		"no access":   {head + "NOACCESS 4096 FLAT \"a b.img\" 0\n", "may not be read"},
		"other type":  {head + "RW 4096 SESPARSE \"a b.img\"\n", "SESPARSE is not read"},
		"encrypted":   {head + "encryption.keySafe = \"x\"\nRW 4096 FLAT \"a b.img\" 0\n", "encrypted"},
		"many":        {head + strings.Repeat("RW 1 ZERO\n", 2000), "more than 1024"},
		"after a NUL": {head + "RW 4096 FLAT \"a b.img\" 0\n\x00parentCID=1\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dirName, "x.vmdk")
			kerneltest.Must(t, os.WriteFile(path, []byte(c.text), 0o644))
			dev, err := openFile(t, path)
			if err == nil && len(dev.Problems()) > 0 {
				err = dev.Problems()[0]
			}
			if err == nil {
				_, err = dev.Extents()
			}
			if c.want == "" {
				kerneltest.Must(t, err)
				blockmaptest.Shows(t, dev, want)
			} else if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "vmdk") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestHostileHeadersAreRefused(t *testing.T) {
	t.Parallel()
	raw, _ := blockmaptest.Disk(t, 34<<20)
	good := blockmaptest.Bytes(t, raw, "vmdk", "")
	directory := int(le.Uint64(good[56:])) * 512
	table := int(le.Uint32(good[directory:])) * 512
	for name, c := range map[string]struct {
		at    int
		value any
		want  string
	}{
		"version":         {4, uint32(4), "version 4"},
		"capacity":        {12, uint64(1 << 63), "capacity"},
		"huge capacity":   {12, uint64(1 << 50), "truncated"},
		"grain":           {20, uint64(3), "grains of"},
		"no grain":        {20, uint64(0), "grains of"},
		"per table":       {44, uint32(1 << 20), "tables of"},
		"none per table":  {44, uint32(0), "tables of"},
		"descriptor":      {28, uint64(1 << 40), "truncated"},
		"long descriptor": {36, uint64(1 << 30), "truncated"},
		"newlines":        {73, uint32(0x0a0a0a0a), "line ends"},
		"compression":     {8, uint32(0x10001), "compression 0"},
		"table outside":   {directory, uint32(1 << 30), "truncated"},
		"table twice":     {directory + 4, uint32(table / 512), "two blocks"},
		"tables overlap":  {directory + 4, uint32(table/512 + 1), "two blocks"},
		"grain outside":   {table, uint32(1 << 30), "truncated"},
		"grain twice":     {table + 4, le.Uint32(good[table:]), "two blocks"},
		"footer":          {56, uint64(1<<64 - 1), "footer"},
	} {
		t.Run(name, func(t *testing.T) {
			data := bytes.Clone(good)
			_, err := binary.Encode(data[c.at:], le, c.value)
			kerneltest.Must(t, err)
			if err := blockmaptest.Read(data, open); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestRedundantDirectoryServes(t *testing.T) {
	t.Parallel()
	raw, want := blockmaptest.Disk(t, 4<<20)
	data := blockmaptest.Bytes(t, raw, "vmdk", "")
	le.PutUint64(data[56:], 1<<40)
	dev, err := vmdk.Open(bytes.NewReader(data), int64(len(data)), nil)
	kerneltest.Must(t, err)
	if p := fmt.Sprint(dev.Problems()); !strings.Contains(p, "its copy is used") {
		t.Error(p)
	}
	blockmaptest.Shows(t, dev, want)
}

// streamed makes of qemu's streamOptimized image, whose directory the header knows, one
// as VMware writes it in a single pass: the footer at the end knows it.
func streamed(data []byte) []byte {
	footer := bytes.Clone(data[:512])
	le.PutUint64(data[56:], 1<<64-1)
	data = append(data, make([]byte, -len(data)&511)...)
	marker := make([]byte, 512)
	le.PutUint64(marker, 1)
	le.PutUint32(marker[12:], 3)
	return append(append(append(data, marker...), footer...), make([]byte, 512)...)
}

func TestHostileStreams(t *testing.T) {
	t.Parallel()
	raw, want := blockmaptest.Disk(t, 4<<20)
	good := streamed(blockmaptest.Bytes(t, raw, "vmdk", "subformat=streamOptimized"))
	footer := good[len(good)-1024:]
	directory := int(le.Uint64(footer[56:])) * 512
	table := int(le.Uint32(good[directory:])) * 512
	grain := int(le.Uint32(good[table:])) * 512
	for name, c := range map[string]struct {
		change func([]byte) []byte
		want   string
	}{
		"unchanged":    {bytes.Clone, ""},
		"padding":      {func(b []byte) []byte { return append(b, make([]byte, 65536)...) }, ""},
		"no end":       {func(b []byte) []byte { return b[:len(b)-512] }, "truncated"},
		"other marker": {func(b []byte) []byte { b[len(b)-1536+12] = 2; return b }, "truncated"},
		"other sector": {func(b []byte) []byte { b[grain] = 1; return b }, "that of sector 1"},
		"many bytes":   {func(b []byte) []byte { le.PutUint32(b[grain+8:], 1<<30); return b }, "too many"},
		"no bytes":     {func(b []byte) []byte { le.PutUint32(b[grain+8:], 0); return b }, "decompress"},
		"no stream":    {func(b []byte) []byte { clear(b[grain+12 : grain+20]); return b }, "decompress"},
		"larger":       {func(b []byte) []byte { b[len(b)-1024+20] = 64; return b }, "larger than a grain"},
		"grain twice":  {func(b []byte) []byte { copy(b[table+4:table+8], b[table:table+4]); return b }, "two blocks"},
		"the marker":   {func(b []byte) []byte { le.PutUint32(b[table:], uint32(grain/512+1)); return b }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			data := c.change(bytes.Clone(good))
			err := blockmaptest.Read(data, open)
			if name == "the marker" { // whatever lies there is none
				c.want = "vmdk"
			}
			if c.want == "" {
				kerneltest.Must(t, err)
				dev, _ := open(data)
				blockmaptest.Shows(t, dev, want)
			} else if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestHostileBytes(t *testing.T) {
	t.Parallel()
	raw, _ := blockmaptest.Disk(t, 2<<20)
	for _, options := range []string{"", "subformat=streamOptimized"} {
		data := blockmaptest.Bytes(t, raw, "vmdk", options)
		if options != "" {
			data = streamed(data)
		}
		blockmaptest.Cuts(t, data, 64<<10, open)
		blockmaptest.Flips(t, data, 0, 80, 1, open)
		blockmaptest.Flips(t, data, 512, 1024, 13, open)
		directory := int(le.Uint64(data[56:])) * 512
		if options != "" {
			blockmaptest.Flips(t, data, len(data)-1536, len(data), 5, open)
			directory = int(le.Uint64(data[len(data)-1024+56:])) * 512
		}
		blockmaptest.Flips(t, data, directory, directory+8, 1, open)
		table := int(le.Uint32(data[directory:])) * 512
		blockmaptest.Flips(t, data, table, table+128, 3, open)
	}
}

func FuzzRead(f *testing.F) {
	raw, _ := blockmaptest.Disk(f, 1<<20+512)
	var images [][]byte
	for _, options := range []string{"", "subformat=streamOptimized", "zeroed_grain=on", "subformat=monolithicFlat"} {
		images = append(images, blockmaptest.Bytes(f, raw, "vmdk", options))
	}
	images = append(images, streamed(bytes.Clone(images[1])))
	flat := bytes.NewReader(make([]byte, 1<<20))
	blockmaptest.Fuzz(f, "vmdk", images, func(data []byte) (fsys.Device, error) {
		dev, err := vmdk.Open(bytes.NewReader(data), int64(len(data)), func(string) (io.ReaderAt, int64, error) { return flat, flat.Size(), nil })
		if err != nil {
			return nil, err
		}
		return dev, nil
	})
}
