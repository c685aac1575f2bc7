package lvm_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/lvm"
	"github.com/assay-os/assay/inspect/image/lvm/lvmtest"
	"github.com/assay-os/assay/inspect/image/mapper"
)

const mib = 1 << 20

// blank is a sparse file.
func blank(t testing.TB, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	must(t, os.WriteFile(path, nil, 0o600), os.Truncate(path, size))
	return path
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// read opens the places of a file as physical volumes and puts them together.
func read(t testing.TB, path string, places ...lvmtest.Place) []*lvm.Group {
	t.Helper()
	f, err := dir.OpenFile(path)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	var physical []*lvm.Physical
	for i, p := range places {
		part, err := mapper.Section(f, p.Offset, p.Size)
		must(t, err)
		v, err := lvm.Open(fmt.Sprintf("partition %d", i+1), part)
		must(t, err)
		physical = append(physical, v)
	}
	return lvm.Assemble(physical)
}

func noise(seed uint64, n int) []byte {
	var key [32]byte
	key[0] = byte(seed)
	b := make([]byte, n)
	rand.NewChaCha8(key).Read(b)
	return b
}

// Three physical volumes within one file, one with two copies of the metadata,
// one with none.
var three = []lvmtest.Place{{Offset: 1 * mib, Size: 24 * mib}, {Offset: 26 * mib, Size: 20 * mib}, {Offset: 50 * mib, Size: 30 * mib}}

func threeVolumes(t *testing.T) (*lvmtest.Host, string) {
	path := blank(t, 81*mib)
	h := lvmtest.New(t, path, three...)
	h.Run("pvcreate -q %1")
	h.Run("pvcreate -q --metadatacopies 2 %2")
	h.Run("pvcreate -q --metadatacopies 0 --dataalignment 64k %3")
	h.Run("vgcreate -q -An -s 1M vg-a %1 %2 %3")
	return h, path
}

func TestVolumesHoldWhatLvm2Says(t *testing.T) {
	t.Parallel()
	h, path := threeVolumes(t)
	for _, line := range []string{
		"lvcreate -q -An -an -Zn -Wn -L 5M -n root-x vg-a %1",
		"lvcreate -q -An -an -Zn -Wn -L 9M -i 3 -I 64k -n striped vg-a",
		"lvcreate -q -An -an -Zn -Wn -L 2M -n plug vg-a %1",
		"lvextend -q -An -L +4M vg-a/root-x %1",               // behind the plug
		"lvextend -q -An -L +3M vg-a/root-x %3",               // on another
		"lvextend -q -An -L +4M -i 2 -I 4k vg-a/root-x %2 %3", // and striped
		"lvcreate -q -An -an -Zn -Wn -L 8M -i 2 -I 512k -n pair vg-a %2 %3",
		"lvchange -q -An -pr vg-a/pair",
		"lvchange -q -An --addtag boot vg-a/pair",
		"lvremove -q -An -y vg-a/plug",
	} {
		h.Run(line)
	}
	want := map[string][]byte{"root-x": noise(1, 16*mib), "striped": noise(2, 9*mib), "pair": noise(3, 8*mib)}
	for name, data := range want {
		h.Fill("vg-a", name, data)
	}
	groups := read(t, path, three...)
	if len(groups) != 1 || groups[0].Name != "vg-a" || len(groups[0].Members) != 3 || groups[0].Problems != nil || groups[0].Missing != nil {
		t.Fatalf("%+v", groups)
	}
	seen := 0
	for _, v := range groups[0].Volumes {
		seen++
		if v.Err != nil {
			t.Errorf("%s: %v", v.Name, v.Err)
			continue
		}
		got, err := io.ReadAll(io.NewSectionReader(v.Device, 0, v.Size+1))
		if err != nil || !bytes.Equal(got, want[v.Name]) || v.Size != int64(len(got)) {
			t.Errorf("%s: %d bytes (size %d), equal %v, %v", v.Name, len(got), v.Size, bytes.Equal(got, want[v.Name]), err)
		}
		checkSegments(t, h, v)
	}
	if seen != len(want) {
		t.Errorf("%d volumes", seen)
	}
	if s := groups[0].Volumes[0].Settings; s["access"] != "read-only" || s["tags"] != "boot" || s["group"] != "vg-a" {
		t.Errorf("settings %v", s)
	}
}

// checkSegments compares the text of the settings and the id with lvs.
func checkSegments(t *testing.T, h *lvmtest.Host, v lvm.Volume) {
	t.Helper()
	var want []string
	for _, s := range h.Segments() {
		if s.Volume != v.Name {
			continue
		}
		if s.UUID != v.UUID {
			t.Errorf("%s: UUID %s, lvs says %s", v.Name, v.UUID, s.UUID)
		}
		kind := s.Kind
		if kind == "striped" {
			kind = fmt.Sprintf("striped by %d", s.Chunk)
		}
		text := fmt.Sprintf("%d+%d %s", s.Start/mib, s.Size/mib, kind)
		want = append(want, text)
	}
	got := strings.Split(v.Settings["segments"], "; ")
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("%s: segments %q, lvs says %q", v.Name, got, want)
	}
}

// The ring of the metadata is small: hundreds of changes go around it many
// times, and the copies are read at each of them.
func TestMetadataIsARing(t *testing.T) {
	t.Parallel()
	places := []lvmtest.Place{{Size: 8 * mib}}
	path := blank(t, 8*mib)
	h := lvmtest.New(t, path, places...)
	h.Run("pvcreate -q --metadatasize 32k --dataalignment 4k --metadatacopies 2 %1")
	h.Run("vgcreate -q -An -s 4k vg %1")
	wrapped := false
	for i := range 24 {
		h.Run(fmt.Sprintf("lvcreate -q -An -an -Zn -Wn -l 1 -n v%d vg", i%3))
		if i%3 == 2 {
			h.Run("lvremove -q -An -y vg/v0 vg/v1 vg/v2")
		}
		groups := read(t, path, places...)
		if len(groups) != 1 || len(groups[0].Problems) > 0 || len(groups[0].Volumes) != (i%3+1)%3 {
			t.Fatalf("after change %d: %+v", i, groups)
		}
		data, err := os.ReadFile(path)
		must(t, err)
		area := bytes.Index(data, []byte(" LVM2 x[5A%r0N*>")) - 4
		offset, size := le64(data[area+40:]), le64(data[area+48:])
		wrapped = wrapped || offset+size > le64(data[area+32:])
	}
	if !wrapped {
		t.Error("no text went over the end of the area: the test shows nothing")
	}
}

func le64(b []byte) (n uint64) {
	for i := range 8 {
		n |= uint64(b[i]) << (8 * i)
	}
	return n
}

// others are volumes that lvm2 does not make without a kernel that runs them,
// as its own metadata tells of them. vgcfgrestore(8) checks what it is given.
const others = `
	raid {
		id = "aaaaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaa1"
		status = ["READ", "WRITE", "VISIBLE"]
		flags = []
		segment_count = 1
		segment1 { start_extent = 0 extent_count = 1 type = "raid1" device_count = 2 region_size = 4096
			raids = ["raid_rmeta_0", "raid_rimage_0", "raid_rmeta_1", "raid_rimage_1"] }
	}
	snap {
		id = "aaaaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaa2"
		status = ["READ", "WRITE", "VISIBLE"]
		flags = []
		segment_count = 1
		segment1 { start_extent = 0 extent_count = 1 type = "striped" stripe_count = 1 stripes = ["pv0", 10] }
	}
	snapshot0 {
		id = "aaaaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaa3"
		status = ["READ", "WRITE"]
		flags = []
		segment_count = 1
		segment1 { start_extent = 0 extent_count = 2 type = "snapshot" chunk_size = 8 origin = "plain" cow_store = "snap" }
	}
	pool {
		id = "aaaaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaa4"
		status = ["READ", "WRITE"]
		flags = []
		segment_count = 1
		segment1 { start_extent = 0 extent_count = 1 type = "thin-pool" metadata = "pool_tmeta" pool = "pool_tdata"
			transaction_id = 1 chunk_size = 128 discards = "passdown" zero_new_blocks = 1 }
	}
	thin {
		id = "aaaaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaa5"
		status = ["READ", "WRITE", "VISIBLE"]
		flags = []
		segment_count = 1
		segment1 { start_extent = 0 extent_count = 4 type = "thin" thin_pool = "pool" transaction_id = 0 device_id = 1 }
	}
	merging {
		id = "aaaaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaa6"
		status = ["READ", "WRITE", "VISIBLE"]
		flags = []
		segment_count = 1
		segment1 { start_extent = 0 extent_count = 2 type = "striped" stripe_count = 1 stripes = ["pv0", 12] }
	}
	merged {
		id = "aaaaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaa7"
		status = ["READ", "WRITE", "VISIBLE"]
		flags = []
		segment_count = 1
		segment1 { start_extent = 0 extent_count = 1 type = "striped" stripe_count = 1 stripes = ["pv0", 14] }
	}
	snapshot1 {
		id = "aaaaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaa8"
		status = ["READ", "WRITE"]
		flags = []
		segment_count = 1
		segment1 { start_extent = 0 extent_count = 2 type = "snapshot" chunk_size = 8 origin = "merging" merging_store = "merged" }
	}
`

// part is a hidden volume of one extent.
func part(name string, id, extent int) string {
	return fmt.Sprintf(`
	%s {
		id = "bbbbbb-bbbb-bbbb-bbbb-bbbb-bbbb-bbbbb%d"
		status = ["READ", "WRITE"]
		flags = []
		segment_count = 1
		segment1 { start_extent = 0 extent_count = 1 type = "striped" stripe_count = 1 stripes = ["pv0", %d] }
	}`, name, id, extent)
}

func TestWhatIsNotReadSaysWhy(t *testing.T) {
	t.Parallel()
	h, path := threeVolumes(t)
	h.Run("lvcreate -q -An -an -Zn -Wn -L 2M -n plain vg-a %1")
	h.Run("lvcreate -q -An -an -Zn -Wn -L 2M --type zero -n zeros vg-a")
	h.Run("lvcreate -q -An -an -Zn -Wn -L 2M --type error -n errors vg-a")
	backup := filepath.Join(t.TempDir(), "vg")
	h.Run("vgcfgbackup -q -f " + backup + " vg-a")
	text, err := os.ReadFile(backup)
	must(t, err)
	more := others
	for i, name := range []string{"raid_rmeta_0", "raid_rimage_0", "raid_rmeta_1", "raid_rimage_1", "pool_tmeta", "pool_tdata"} {
		more += part(name, i, 3+i)
	}
	text = bytes.Replace(text, []byte("logical_volumes {"), []byte("logical_volumes {"+more), 1)
	must(t, os.WriteFile(backup, text, 0o600))
	h.Run("vgcfgrestore -q --force -y -f " + backup + " vg-a")
	want := map[string]string{
		"plain": "", "zeros": "", "errors": "",
		"raid": `"raid1"`, "snap": "a snapshot of plain", "thin": `"thin"`,
		"merging": "being merged into merging",
	}
	if shown := h.Shown(); len(shown) != len(want) {
		t.Errorf("lvs shows %q", shown)
	}
	for _, v := range read(t, path, three...)[0].Volumes {
		text, ok := want[v.Name]
		switch delete(want, v.Name); {
		case !ok:
			t.Errorf("%s is shown", v.Name)
		case text == "" && v.Err != nil:
			t.Errorf("%s: %v", v.Name, v.Err)
		case text != "" && (v.Err == nil || !strings.Contains(v.Err.Error(), text) || v.Device != nil):
			t.Errorf("%s: %v, want %s", v.Name, v.Err, text)
		case v.Name == "zeros" || v.Name == "errors":
			b := []byte{1}
			if _, err := v.Device.ReadAt(b, 1*mib); (err != nil) != (v.Name == "errors") || b[0] != 0 && err == nil {
				t.Errorf("%s: read %v, %v", v.Name, b, err)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not shown: %v", want)
	}
}

func TestMissingMembersAreNamed(t *testing.T) {
	t.Parallel()
	h, path := threeVolumes(t)
	h.Run("lvcreate -q -An -an -Zn -Wn -L 2M -n first vg-a %1")
	h.Run("lvcreate -q -An -an -Zn -Wn -L 6M -i 3 -I 64k -n all vg-a")
	g := read(t, path, three[0], three[2])[0]
	if len(g.Missing) != 1 || !strings.Contains(g.Missing[0], "is not in the image") {
		t.Fatalf("missing %q", g.Missing)
	}
	for _, v := range g.Volumes {
		if (v.Err != nil) != (v.Name == "all") || v.Err != nil && !strings.Contains(v.Err.Error(), "is not in the image") {
			t.Errorf("%s: %v", v.Name, v.Err)
		}
	}
	twice := read(t, path, three[0], three[0], three[1], three[2])[0]
	for _, v := range twice.Volumes {
		if v.Err == nil || !strings.Contains(v.Err.Error(), "same physical volume") {
			t.Errorf("%s of a physical volume that is there twice: %v", v.Name, v.Err)
		}
	}
}

func blkid(t *testing.T, path, tag string) string {
	t.Helper()
	out, err := exec.Command("blkid", "-p", "-o", "value", "-s", tag, path).Output()
	must(t, err)
	return strings.TrimSpace(string(out))
}

func TestProbeAgreesWithBlkid(t *testing.T) {
	fixtures.RequireTool(t, "blkid")
	path := blank(t, 8*mib)
	lvmtest.New(t, path, lvmtest.Place{Size: 8 * mib}).Run("pvcreate -q --labelsector 3 %1")
	f, err := dir.OpenFile(path)
	must(t, err)
	defer f.Close()
	got, ok := lvm.Probe(f)
	if want := blkid(t, path, "TYPE") + blkid(t, path, "UUID"); !ok || got.Type+got.UUID != want {
		t.Errorf("%+v, blkid says %s", got, want)
	}
	p, err := lvm.Open("disk", f)
	must(t, err)
	if p.Label != 3*512 || p.Unknown() != nil || lvm.Assemble([]*lvm.Physical{p}) != nil {
		t.Errorf("%+v", p)
	}
}
