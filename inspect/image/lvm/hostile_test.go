package lvm_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/lvm"
	"github.com/assay-os/assay/inspect/image/lvm/lvmtest"
)

// memory is a device of bytes.
type memory []byte

func (m memory) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(m).ReadAt(p, off) }
func (m memory) Size() int64                             { return int64(len(m)) }
func (m memory) Extents() ([]fsys.Extent, error) {
	return []fsys.Extent{{Length: int64(len(m))}}, nil
}

var le = binary.LittleEndian

// A target is a small physical volume with a striped volume on itself, and
// where its metadata lies.
type target struct {
	data       []byte
	label      int
	area, text int
	size       int
}

func newTarget(t testing.TB) target {
	t.Helper()
	path := blank(t, 3*mib)
	h := lvmtest.New(t, path, lvmtest.Place{Size: 3 * mib})
	h.Run("pvcreate -q --metadatasize 32k --dataalignment 4k %1")
	h.Run("vgcreate -q -An -s 4k vg %1")
	h.Run("lvcreate -q -An -an -Zn -Wn -l 4 -n a vg")
	h.Run("lvcreate -q -An -an -Zn -Wn -l 2 -n b vg")
	h.Run("lvextend -q -An -l +3 vg/a")
	data, err := os.ReadFile(path)
	must(t, err)
	data = data[:256<<10] // no volume goes further
	g := target{data: data, label: 512, area: bytes.Index(data, []byte(" LVM2 x[5A%r0N*>")) - 4}
	g.text, g.size = g.area+int(le64(data[g.area+40:])), int(le64(data[g.area+48:]))
	return g
}

// sealed makes every checksum right again.
func (g target) sealed(data []byte) []byte {
	offset, size := le64(data[g.area+40:]), le64(data[g.area+48:])
	if offset < 1<<15 && size < 1<<15 && g.area+int(offset+size) <= len(data) {
		le.PutUint32(data[g.area+56:], lvm.Checksum(data[g.area+int(offset):g.area+int(offset+size)]))
	}
	le.PutUint32(data[g.area:], lvm.Checksum(data[g.area+4:g.area+512]))
	le.PutUint32(data[g.label+16:], lvm.Checksum(data[g.label+20:g.label+512]))
	return data
}

// with has another text.
func (g target) with(text string) []byte {
	data := bytes.Clone(g.data)
	text = text[:min(len(text), 16<<10)] + "\x00"
	copy(data[g.area+512:], text)
	le.PutUint64(data[g.area+40:], 512)
	le.PutUint64(data[g.area+48:], uint64(len(text)))
	return g.sealed(data)
}

func (g target) original() string {
	return strings.TrimRight(string(g.data[g.text:g.text+g.size]), "\x00")
}

// readAll opens a physical volume and reads what its volumes hold, up to a bound.
func readAll(data []byte) ([]lvm.Volume, error) {
	device := (*memory)(&data)
	p, err := lvm.Open("disk", device)
	if err != nil {
		return nil, err
	}
	var all []lvm.Volume
	for _, g := range lvm.Assemble([]*lvm.Physical{p}) {
		g.Free(p)
		for _, v := range g.Volumes {
			all = append(all, v)
			if v.Err != nil {
				err = v.Err
				continue
			}
			if _, extentsErr := v.Device.Extents(); extentsErr != nil {
				err = extentsErr
			}
			b := make([]byte, min(v.Size, 256<<10))
			if _, readErr := v.Device.ReadAt(b, 0); readErr != nil {
				err = readErr
			}
		}
	}
	return all, err
}

func TestFlippedBytesAreSurvived(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	if all, err := readAll(g.sealed(bytes.Clone(g.data))); err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	start := time.Now()
	for _, r := range [][2]int{{g.label, g.label + 200}, {g.area, g.area + 80}, {g.text, g.text + g.size}} {
		for at := r[0]; at < r[1]; at++ {
			for _, v := range []byte{0x01, 0x40, 0xff} {
				data := bytes.Clone(g.data)
				data[at] ^= v
				if _, err := readAll(data); err == nil && g.covered(at) {
					t.Errorf("byte %d is changed unnoticed", at)
				}
				_, _ = readAll(g.sealed(data))
			}
		}
	}
	t.Logf("%v", time.Since(start))
}

// covered tells of the bytes that a checksum is over.
func (g target) covered(at int) bool {
	return at >= g.label+20 && at < g.label+512 || at >= g.area && at < g.area+512 || at >= g.text && at < g.text+g.size
}

func TestTruncationIsTold(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	for n := 0; n < 36<<10; n += 512 {
		if _, err := readAll(g.data[:n]); err == nil {
			t.Errorf("cut at byte %d it reads", n)
		}
	}
}

func TestImpossibleTextsAreRefused(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	text := g.original()
	stripes := func(names ...string) string {
		var b strings.Builder
		for i, name := range names {
			fmt.Fprintf(&b, "v%d {\nid = \"x\"\nstatus = [\"VISIBLE\"]\nsegment_count = 1\nsegment1 {\nstart_extent = 0\nextent_count = 2\ntype = \"striped\"\nstripe_count = 1\nstripes = [%q, 0]\n}\n}\n", i, name)
		}
		return strings.Replace(text, "logical_volumes {", "logical_volumes {\n"+b.String(), 1)
	}
	deep := make([]string, 20)
	for i := range deep {
		deep[i] = fmt.Sprintf("v%d", i+1)
	}
	for name, c := range map[string]struct{ text, want string }{
		"shared extents": {strings.Replace(text, `"pv0", 4`, `"pv0", 3`, 1), "share extent"},
		"beyond the end": {strings.Replace(text, `"pv0", 4`, `"pv0", 4000000`, 1), "goes to extent"},
		"a gap":          {strings.Replace(text, "start_extent = 4", "start_extent = 5", 1), "begins at extent 5"},
		"a circle":       {stripes("v1", "v0"), "lies on itself"},
		"itself":         {stripes("v0"), "lies on itself"},
		"too deep":       {stripes(deep...), "lie on each other"},
		"nothing":        {stripes("nobody"), `lies on "nobody"`},
		"short below":    {stripes("b", "v0", "a", "v2"), ""},
		"many extents":   {strings.Replace(text, "extent_count = 4", "extent_count = 4294967296", 1), ""},
		"extent size":    {strings.Replace(text, "extent_size = 8", "extent_size = 4294967295", 1), ""},
		"extent size 0":  {strings.Replace(text, "extent_size = 8", "extent_size = 0", 1), "extent_size is 0"},
		"start":          {strings.Replace(text, "pe_start = ", "pe_start = 4503599627370", 1), ""},
		"no string":      {strings.Replace(text, `id = "`, `id = 5 #"`, 1), "is no string"},
		"name":           {strings.Replace(text, "vg {", "../vg {", 1), ""},
		"twice":          {strings.Replace(text, "extent_size", "seqno", 1), "there twice"},
		"no end":         {text[:len(text)/2], ""},
		"open string":    {`vg { id = "x`, "no end"},
		"nested":         {strings.Repeat("a {", 100), "stand in each other"},
		"two groups":     {text + "\nother { }\n", "tells of 2"},
		"empty":          {"", "tells of 0"},
		"arrays":         {"vg { a = [1, 2", "is expected"},
		"stripe count":   {strings.Replace(text, "stripe_count = 1", "stripe_count = 3", 1), "stripe_size"},
		"missing marked": {strings.Replace(text, `["ALLOCATABLE"]`, `["ALLOCATABLE", "MISSING"]`, 1), "marked as missing"},
		"unknown format": {strings.Replace(text, `"lvm2"`, `"lvm9"`, 1), `"lvm9"`},
		"negative":       {strings.Replace(text, "extent_count = 4", "extent_count = -4", 1), "is no number"},
		"other metadata": {strings.Replace(text, "segment_count = 2", "segment_count = 9", 1), "segment_count is 9"},
	} {
		if c.text == text {
			t.Errorf("%s: nothing is changed", name)
		}
		_, err := readAll(g.with(c.text))
		if name == "short below" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// FuzzOpen changes bytes of a real physical volume, or its whole text, and
// makes the checksums right again.
func FuzzOpen(f *testing.F) {
	g := newTarget(f)
	f.Add([]byte{2, 20, 33, 16, 40, 0xff}, "")
	f.Add([]byte{}, g.original())
	f.Add([]byte{}, "vg{id=\"a\"seqno=1 extent_size=8 logical_volumes{a{id=\"b\"segment_count=1 segment1{start_extent=0 extent_count=9 type=\"zero\"}}}}")
	f.Fuzz(func(t *testing.T, patches []byte, text string) {
		data := bytes.Clone(g.data)
		if text != "" {
			data = g.with(text)
		}
		for ; len(patches) >= 3; patches = patches[3:] {
			data[int(patches[0])<<8|int(patches[1])] = patches[2]
		}
		_, _ = readAll(g.sealed(data))
	})
}
