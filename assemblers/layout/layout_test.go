package layout

import (
	"encoding/json"
	"strings"
	"testing"
)

const (
	mib   = 1 << 20
	idA   = "fac7f1fb-3e8d-4137-a512-961de09a5549"
	idB   = "cb07c243-bc44-4717-853e-28852021225b"
	idC   = "68b2905b-df3e-4fb3-80fa-49d1e773aa33"
	idFS  = "6e4ff95f-f662-45ee-a82a-bdf44a2d0b75"
	idFS2 = "0194fdc2-fa2f-4cc0-81d3-ff12045b73c8"
)

func example() *Layout {
	return &Layout{
		Label: GPT, UUID: "D209C89E-EA5E-4FBD-B161-B461CCE297E0", Size: 1024 * mib,
		Partitions: []Partition{
			{Name: "bios", Type: "bios-boot", UUID: idA, Size: mib},
			{Name: "boot", Type: "xbootldr", UUID: idB, Size: 100*mib + 512,
				Filesystem: &Filesystem{Type: "ext4", UUID: idFS2, Mountpoint: "/boot"}},
			{Name: "root", Type: "linux", UUID: idC, Filesystem: &Filesystem{Type: "ext4", UUID: idFS, Mountpoint: "/"}},
		},
	}
}

func TestPlace(t *testing.T) {
	l, err := example().Place()
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ start, size int64 }{{mib, mib}, {2 * mib, 100*mib + 512}, {103 * mib, 920 * mib}}
	for i, w := range want {
		if p := l.Partitions[i]; p.Start != w.start || p.Size != w.size {
			t.Errorf("partition %d: %d+%d, want %d+%d", i+1, p.Start, p.Size, w.start, w.size)
		}
	}
	again, err := l.Place()
	if err != nil || again.Partitions[2].Start != l.Partitions[2].Start || again.Partitions[2].Size != l.Partitions[2].Size {
		t.Errorf("a placed layout is placed otherwise: %+v, %v", again, err)
	}
	mbr := &Layout{Label: MBR, UUID: "0x14fc63d2", Size: 64 * mib, Partitions: []Partition{{Type: "83"}}}
	if l, err = mbr.Place(); err != nil || l.Partitions[0].Size != 63*mib {
		t.Errorf("mbr: %+v, %v", l, err)
	}
	if example().Partitions[2].Start != 0 || mbr.SectorSize != 0 {
		t.Error("Place changed its receiver")
	}
}

func TestProblems(t *testing.T) {
	tests := []struct {
		name string
		edit func(*Layout)
		want []string
	}{
		{"label", func(l *Layout) { l.Label = "apm" }, []string{"layout.label: "}},
		{"no id", func(l *Layout) { l.UUID = "" }, []string{"layout.uuid: the disk needs an id"}},
		{"nil id", func(l *Layout) { l.UUID = "00000000-0000-0000-0000-000000000000" }, []string{"layout.uuid: "}},
		{"no partitions", func(l *Layout) { l.Partitions = nil }, []string{"layout.partitions: there is none"}},
		{"too many", func(l *Layout) { l.Partitions = make([]Partition, 129) }, []string{"layout.partitions: there are 129"}},
		{"size", func(l *Layout) { l.Size++ }, []string{"layout.size: "}},
		{"huge", func(l *Layout) { l.Size = 1 << 62 }, []string{"layout.size: "}},
		{"negative", func(l *Layout) { l.Size = -mib }, []string{"layout.size: "}},
		{"sector size", func(l *Layout) { l.SectorSize = 4096 }, []string{"layout.sector_size: "}},
		{"alignment", func(l *Layout) { l.Alignment = 3 << 20 }, []string{"layout.alignment: "}},
		{"in the table", func(l *Layout) { l.Alignment = 4096; l.Partitions[0].Start = 4096 }, []string{"partitions[0].start: 4096 lies in the partition table"}},
		{"unaligned", func(l *Layout) { l.Partitions[1].Start = 3*mib + 512 }, []string{"partitions[1].start: "}},
		{"overlap", func(l *Layout) { l.Partitions[2].Start = 50 * mib }, []string{"partitions[2].start: 52428800 overlaps partitions[1], which ends at 108003328"}},
		{"odd size", func(l *Layout) { l.Partitions[0].Size = 1000 }, []string{"partitions[0].size: 1000 is not a positive multiple of the sector size"}},
		{"negative size", func(l *Layout) { l.Partitions[1].Size = -512 }, []string{"partitions[1].size: "}},
		{"too large", func(l *Layout) { l.Partitions[2].Size = 1 << 62 }, []string{"partitions[2].size: "}},
		{"fill in the middle", func(l *Layout) { l.Partitions[1].Size = 0 }, []string{"partitions[1].size: it is missing"}},
		{"nothing left", func(l *Layout) { l.Partitions[1].Size = 1021 * mib }, []string{"partitions[2].size: nothing is left"}},
		{"small filesystem", func(l *Layout) { l.Partitions[1].Size = mib }, []string{"partitions[1].size: 1048576 is too small for ext4"}},
		{"mbr", func(l *Layout) { l.Label = MBR; l.UUID = "0x00000001" }, []string{
			"partitions[0].type: ", "partitions[0].uuid: mbr has no", "partitions[1].type: ", "partitions[2].uuid: mbr has no",
		}},
		{"attributes", func(l *Layout) { l.Partitions[0].Attributes = []int{64} }, []string{"partitions[0].attributes: there is no bit 64"}},
		{"name", func(l *Layout) { l.Partitions[0].Name = `a", attrs="GUID:60` }, []string{"partitions[0].name: "}},
		{"filesystem", func(l *Layout) {
			l.Partitions[2].Filesystem = &Filesystem{Type: "zfs", Label: "a\nb", Mountpoint: "x/../y"}
		}, []string{
			`partitions[2].filesystem.type: "zfs"`, "partitions[2].filesystem.uuid: it is missing", "partitions[2].filesystem.label: ",
			`partitions[2].filesystem.mountpoint: "x/../y" is not an absolute path without . and ..; write "/y"`,
		}},
		{"shared", func(l *Layout) { l.Partitions[1] = l.Partitions[2]; l.Partitions[1].Size = 16 * mib }, []string{
			"partitions[2].uuid: ", "partitions[2].filesystem.uuid: ", "partitions[2].filesystem.mountpoint: / is taken by partitions[1]",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := example()
			tt.edit(l)
			_, err := l.Place()
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
		})
	}
}

func TestHolding(t *testing.T) {
	l := example()
	if m := l.Mounts(); len(m) != 2 || m[0].Mountpoint != "/" || m[0].Index != 3 || m[1].Mountpoint != "/boot" {
		t.Errorf("mounts: %+v", m)
	}
	tests := map[string]struct {
		index int
		inner string
	}{
		"/boot/grub": {2, "/grub"}, "/boot": {2, "/"}, "/bootx": {3, "/bootx"}, "/": {3, "/"}, "/usr/bin": {3, "/usr/bin"},
	}
	for path, want := range tests {
		m, inner, ok := l.Holding(path)
		if !ok || m.Index != want.index || inner != want.inner {
			t.Errorf("%s is in partition %d as %s, want %d as %s", path, m.Index, inner, want.index, want.inner)
		}
	}
	l.Partitions = l.Partitions[:2]
	if _, _, ok := l.Holding("/usr"); ok {
		t.Error("/usr is held by no filesystem")
	}
	if l.OfType("bios-boot") != 1 || l.OfType("swap") != 0 {
		t.Error("OfType finds the wrong partition")
	}
	l.Partitions[0].Type = "21686148-6449-6E6F-744E-656564454649"
	if l.OfType("bios-boot") != 1 {
		t.Error("a type is not found by its GUID")
	}
}

// Whatever a document says, a layout that is accepted fits on its disk.
func FuzzPlace(f *testing.F) {
	text, err := json.Marshal(example())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var l Layout
		if json.Unmarshal(text, &l) != nil {
			return
		}
		placed, err := l.Place()
		if err != nil {
			return
		}
		end := int64(1)
		for i, p := range placed.Partitions {
			if p.Start < end || p.Size <= 0 || p.Start+p.Size > placed.Size {
				t.Errorf("partition %d: %d+%d after %d on %d", i+1, p.Start, p.Size, end, placed.Size)
			}
			end = p.Start + p.Size
		}
	})
}
