package image_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/raid/raidtest"
)

const raidScript = "label: gpt\nstart=2048, size=20480, type=A19D880F-05FC-4D3B-A006-743F0F84911E\nstart=22528, size=20480, type=A19D880F-05FC-4D3B-A006-743F0F84911E\n"

func TestMirrorIsReadFromItsNewestMember(t *testing.T) {
	fs := smallFS(t)
	want := fsystest.Contents(t, openImage(t, fs).Trees[0].Tree)
	content, err := os.ReadFile(fs)
	kerneltest.Must(t, err)
	member := func(name string, s raidtest.Super, content []byte) string {
		path := filepath.Join(t.TempDir(), name)
		kerneltest.Must(t, os.WriteFile(path, raidtest.Member(s, content), 0o600))
		return path
	}
	old := member("old", raidtest.Super{Version: "1.2", Level: 1, Events: 3}, make([]byte, len(content)))
	young := member("new", raidtest.Super{Version: "1.2", Level: 1, Events: 9}, content)
	img := openImage(t, disk(t, 24<<20, raidScript, map[int64]string{1 << 20: old, 11 << 20: young}))
	if len(img.Trees) != 1 || img.Trees[0].Err != nil || img.Trees[0].Mapped != "md/data" || len(img.Problems) != 1 || !strings.Contains(img.Problems[0].Error(), "partition 1: it is out of date") {
		t.Fatalf("volumes %+v, problems %v", img.Trees, img.Problems)
	}
	fsystest.Compare(t, fsystest.Contents(t, img.Trees[0].Tree), want)
	if m := img.Disk.Mapped[0]; m.Type != "raid" || m.Size != 8<<20 || strings.Join(m.Members, ", ") != "partition 1, partition 2" || m.Settings["level"] != "1" {
		t.Errorf("%+v", m)
	}
	striped := member("striped", raidtest.Super{Version: "1.1", Level: 5}, content)
	if v := openImage(t, striped).Trees[0]; v.Err == nil || !strings.Contains(v.Err.Error(), "md/data: linux_raid_member: RAID level 5 is not read") {
		t.Errorf("%+v", v)
	}
}
