package partition_test

import (
	"fmt"
	"strings"
	"testing"

	diskfs "github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/partition/gpt"

	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/partition"
)

// TestAgreesWithDiskfs reads tables of sfdisk with a second reader. On sound
// tables go-diskfs is right; on hostile ones it panics, which is why it is an
// oracle here and reads nothing that a user gives.
func TestAgreesWithDiskfs(t *testing.T) {
	path := sfdiskDisk(t, 32<<20, "label: gpt\nsize=1MiB, type=L\nsize=2MiB, type=U, name=\"EFI\", attrs=\"RequiredPartition GUID:60\"\n5: size=3MiB, name=far\n")
	f, err := dir.OpenFile(path)
	must(t, err)
	defer f.Close()
	table, err := partition.Read(f)
	must(t, err)
	storage, err := diskfs.OpenFromPath(path, true)
	must(t, err)
	defer storage.Close()
	other, err := gpt.Read(storage, 512, 512)
	must(t, err)
	var got, want []string
	for _, p := range table.Partitions {
		got = append(got, fmt.Sprintf("%d %s %s %q %d+%d %x", p.Index, p.Type, p.UUID, p.Label, p.Start, p.Size, p.Attributes))
	}
	for _, p := range other.Partitions {
		if p.Type == gpt.Unused {
			continue
		}
		want = append(want, fmt.Sprintf("%d %s %s %q %d+%d %x", p.Index, strings.ToLower(string(p.Type)), strings.ToLower(p.GUID), p.Name, p.Start*512, p.Size, p.Attributes))
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w || len(got) != 3 {
		t.Errorf("read\n%s\ngo-diskfs reads\n%s", g, w)
	}
	if !strings.EqualFold(table.ID, other.GUID) {
		t.Errorf("disk %s, go-diskfs reads %s", table.ID, other.GUID)
	}
}
