package partition_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/partition"
)

var le = binary.LittleEndian

// bytesDevice is a disk in memory.
type bytesDevice struct{ *bytes.Reader }

func (d bytesDevice) Size() int64 { return d.Reader.Size() }
func (d bytesDevice) Extents() ([]fsys.Extent, error) {
	return []fsys.Extent{{Length: d.Size()}}, nil
}

func device(data []byte) bytesDevice { return bytesDevice{bytes.NewReader(data)} }

// sfdiskDisk makes a disk by sfdisk.
func sfdiskDisk(t testing.TB, size int64, script string) string {
	t.Helper()
	fixtures.RequireTool(t, "sfdisk")
	path := filepath.Join(t.TempDir(), "disk")
	must(t, os.WriteFile(path, nil, 0o644))
	must(t, os.Truncate(path, size))
	cmd := exec.Command("sfdisk", "-q", path)
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	return path
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sfdiskTable is what sfdisk -J says.
type sfdiskTable struct {
	PartitionTable struct {
		Label, ID  string
		Partitions []struct {
			Node, Type, UUID, Name string
			Start, Size            int64
			Bootable               bool
		}
	}
}

func TestAgreesWithSfdisk(t *testing.T) {
	for name, script := range map[string]string{
		"gpt":      "label: gpt\nsize=1MiB, type=L\nsize=2MiB, type=U, name=\"EFI ü\", attrs=\"RequiredPartition GUID:60\"\nsize=3MiB\n",
		"gpt-gaps": "label: gpt\ntable-length: 256\n3: start=10000, size=8\n200: start=40000, size=2048, name=far\n",
		"gpt-1":    "label: gpt\ntable-length: 4\nfirst-lba: 34\nstart=40, size=10\n",
		"mbr":      "label: dos\nsize=1MiB, type=83, bootable\nsize=2MiB, type=ef\n4: size=1MiB, type=82\n",
		"logical":  "label: dos\nsize=1MiB\nsize=1MiB\nsize=1MiB\ntype=5\nsize=1MiB\nsize=2MiB, type=8e\nsize=1MiB, type=82\nsize=1MiB\n",
		"lba":      "label: dos\n2: start=20480, size=30000, type=f\nstart=22528, size=2048\nstart=26624, size=1024\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := sfdiskDisk(t, 32<<20, script)
			f, err := dir.OpenFile(path)
			must(t, err)
			defer f.Close()
			table, err := partition.Read(f)
			must(t, err)
			out, err := exec.Command("sfdisk", "-J", path).Output()
			must(t, err)
			var want sfdiskTable
			must(t, json.Unmarshal(out, &want))
			compare(t, table, want, path)
		})
	}
}

func compare(t *testing.T, table *partition.Table, want sfdiskTable, path string) {
	t.Helper()
	var got, expected []string
	for _, p := range table.Partitions {
		uuid := p.UUID
		kind := p.Type
		if table.Kind == "mbr" { // sfdisk has no identifiers for these, and another form of type
			uuid, kind = "", strings.TrimPrefix(strings.TrimPrefix(kind, "0x"), "0")
		}
		got = append(got, fmt.Sprintf("%d %s %s %q %d+%d %v", p.Index, kind, uuid, p.Label, p.Start/512, p.Size/512, p.Bootable))
	}
	for _, p := range want.PartitionTable.Partitions {
		index := strings.TrimPrefix(p.Node, path)
		expected = append(expected, fmt.Sprintf("%s %s %s %q %d+%d %v", index, strings.ToLower(p.Type), strings.ToLower(p.UUID), p.Name, p.Start, p.Size, p.Bootable))
	}
	if g, e := strings.Join(got, "\n"), strings.Join(expected, "\n"); g != e || len(got) == 0 {
		t.Errorf(" got %s\nwant %s", g, e)
	}
	if !strings.EqualFold(table.ID, want.PartitionTable.ID) || len(table.Problems) > 0 {
		t.Errorf("id %s, want %s; problems %v", table.ID, want.PartitionTable.ID, table.Problems)
	}
}

// gptDisk writes a GPT of one partition, with both headers.
func gptDisk(sector, sectors int, change func(header, entry []byte)) []byte {
	disk := make([]byte, sector*sectors)
	copy(disk[446:], []byte{0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	disk[510], disk[511] = 0x55, 0xaa
	arraySectors := 128 * 128 / sector
	array := make([]byte, 128*128)
	copy(array, []byte("type-type-type-tunique-unique-uni"))
	le.PutUint64(array[32:], uint64(2+arraySectors))
	le.PutUint64(array[40:], uint64(2+arraySectors+9))
	for i, u := range utf16.Encode([]rune("name")) {
		le.PutUint16(array[56+2*i:], u)
	}
	write := func(own, other, entries int) {
		h := make([]byte, 92)
		copy(h, "EFI PART\x00\x00\x01\x00")
		le.PutUint32(h[12:], 92)
		le.PutUint64(h[24:], uint64(own))
		le.PutUint64(h[32:], uint64(other))
		copy(h[56:], "disk-disk-disk-d")
		le.PutUint64(h[72:], uint64(entries))
		le.PutUint32(h[80:], 128)
		le.PutUint32(h[84:], 128)
		if change != nil {
			change(h, array)
		}
		size := int(le.Uint32(h[80:])) * int(le.Uint32(h[84:]))
		if size <= len(array) {
			le.PutUint32(h[88:], crc32.ChecksumIEEE(array[:size]))
		}
		le.PutUint32(h[16:], crc32.ChecksumIEEE(h))
		copy(disk[own*sector:], h)
		copy(disk[entries*sector:], array)
	}
	write(1, sectors-1, 2)
	write(sectors-1, 1, sectors-1-arraySectors)
	return disk
}

func TestGPTOfLargeSectors(t *testing.T) {
	for _, sector := range []int{512, 1024, 2048, 4096} {
		table, err := partition.Read(device(gptDisk(sector, 300, nil)))
		must(t, err)
		p := table.Partitions[0]
		first := int64(2+128*128/sector) * int64(sector)
		if table.SectorSize != sector || p.Start != first || p.Size != int64(10*sector) || p.Label != "name" || len(table.Problems) > 0 {
			t.Errorf("sector %d: %+v", sector, table)
		}
	}
}

func TestBackupOfLargeSectors(t *testing.T) {
	disk := gptDisk(4096, 300, nil)
	clear(disk[4096:8192])
	table, err := partition.Read(device(disk))
	must(t, err)
	if table.SectorSize != 4096 || len(table.Partitions) != 1 || len(table.Problems) == 0 {
		t.Errorf("%+v", table)
	}
	for _, s := range table.Structures {
		if s.Offset%4096 != 0 && s.Offset != 440 || s.Offset+s.Length > int64(len(disk)) {
			t.Errorf("structure %+v", s)
		}
	}
}

func TestHostileGPT(t *testing.T) {
	for name, change := range map[string]func(h, e []byte){
		"huge array":    func(h, _ []byte) { le.PutUint32(h[80:], 1<<31); le.PutUint32(h[84:], 1<<31) },
		"large array":   func(h, _ []byte) { le.PutUint32(h[80:], 1<<20) },
		"no entry size": func(h, _ []byte) { le.PutUint32(h[84:], 0) },
		"small entries": func(h, _ []byte) { le.PutUint32(h[84:], 64) },
		"array outside": func(h, _ []byte) { le.PutUint64(h[72:], 1<<60) },
		"wrong place":   func(h, _ []byte) { le.PutUint64(h[24:], 77) },
		"long header":   func(h, _ []byte) { le.PutUint32(h[12:], 1<<31) },
	} {
		t.Run(name, func(t *testing.T) {
			table, err := partition.Read(device(gptDisk(512, 300, change)))
			if err == nil {
				t.Errorf("accepted: %+v", table)
			}
		})
	}
	table, err := partition.Read(device(gptDisk(512, 300, func(_, e []byte) { le.PutUint64(e[40:], 1<<63) })))
	if err != nil || len(table.Partitions) != 0 || len(table.Problems) == 0 {
		t.Errorf("a partition beyond everything: %+v, %v", table, err)
	}
}

func TestMissingProtectiveRecordIsTold(t *testing.T) {
	disk := gptDisk(512, 300, nil)
	clear(disk[:512])
	table, err := partition.Read(device(disk))
	if err != nil || table.Kind != "gpt" || len(table.Problems) == 0 {
		t.Errorf("%+v, %v", table, err)
	}
}

func TestOverlapIsTold(t *testing.T) {
	disk := gptDisk(512, 300, func(_, e []byte) {
		copy(e[128:], e[:128])
		le.PutUint64(e[128+32:], le.Uint64(e[40:])) // starts in the last sector of the first
		le.PutUint64(e[128+40:], le.Uint64(e[40:])+5)
	})
	table, err := partition.Read(device(disk))
	must(t, err)
	if len(table.Partitions) != 2 || len(table.Problems) != 1 || !strings.Contains(table.Problems[0].Error(), "1 and 2 overlap") {
		t.Errorf("%+v", table)
	}
}

func TestChainOfLogicalPartitionsEnds(t *testing.T) {
	disk := make([]byte, 64*512)
	record := func(sector int, entries ...[4]byte) { // type, start, length
		b := disk[sector*512:]
		b[510], b[511] = 0x55, 0xaa
		for i, e := range entries {
			b[446+16*i+4], b[446+16*i+8], b[446+16*i+12] = e[0], e[1], e[2]
		}
	}
	record(0, [4]byte{5, 10, 50})
	record(10, [4]byte{0x83, 1, 2}, [4]byte{5, 5, 10})
	record(15, [4]byte{0x83, 1, 2}, [4]byte{5, 5, 10}) // itself
	table, err := partition.Read(device(disk))
	must(t, err)
	if len(table.Partitions) != 3 || len(table.Problems) != 1 || !strings.Contains(table.Problems[0].Error(), "leads back") {
		t.Errorf("%+v", table)
	}
	record(15, [4]byte{0x83, 1, 2}, [4]byte{5, 200, 10}) // outside
	if table, err = partition.Read(device(disk)); err != nil || len(table.Problems) != 1 {
		t.Errorf("%+v, %v", table, err)
	}
}

func TestBootSectorOfAFilesystemIsNoTable(t *testing.T) {
	disk := make([]byte, 4096)
	copy(disk[440:], "any code, then the signature of a boot sector, and so on and so on......")
	disk[510], disk[511] = 0x55, 0xaa
	for _, d := range [][]byte{disk, make([]byte, 4096), make([]byte, 100)} {
		table, err := partition.Read(device(d))
		if err != nil || table.Kind != "none" {
			t.Errorf("%+v, %v", table, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(gptDisk(512, 80, nil)[:512*6], uint16(80))
	f.Add(gptDisk(4096, 20, nil)[4096*14:], uint16(0))
	disk, err := os.ReadFile(sfdiskDisk(f, 4<<20, "label: dos\nsize=512KiB\nsize=512KiB\nsize=512KiB\ntype=5\nsize=100KiB\nsize=100KiB\n"))
	must(f, err)
	f.Add(disk[:512], uint16(9000))
	f.Fuzz(func(t *testing.T, data []byte, sectors uint16) {
		disk := append(data, make([]byte, int(sectors)*512)...)
		table, err := partition.Read(device(disk))
		if err != nil {
			return
		}
		for _, p := range table.Partitions {
			if p.Start < 0 || p.Size < 0 || p.Start+p.Size < 0 {
				t.Fatalf("partition %+v", p)
			}
		}
	})
}

// A hybrid boot record names partitions beside the protective one; the GPT
// counts, as for the kernel.
func TestHybridBootRecord(t *testing.T) {
	path := sfdiskDisk(t, 32<<20, "label: gpt\nsize=1MiB, type=L\nsize=2MiB, type=U\n")
	data, err := os.ReadFile(path)
	must(t, err)
	copy(data[446+16:], data[446:446+16]) // the protective entry becomes the second
	copy(data[446:], []byte{0x80, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0})
	must(t, os.WriteFile(path, data, 0o600))
	f, err := dir.OpenFile(path)
	must(t, err)
	defer f.Close()
	table, err := partition.Read(f)
	must(t, err)
	if table.Kind != "gpt" || len(table.Partitions) != 2 || table.Problems != nil {
		t.Errorf("%+v", table)
	}
}
