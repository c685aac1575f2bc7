package image_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// verityFS is a small filesystem, its hash tree, and the root hash.
func verityFS(t testing.TB) (fs, tree, root string) {
	t.Helper()
	fixtures.RequireTool(t, "veritysetup")
	fs, tree = smallFS(t), filepath.Join(t.TempDir(), "tree")
	out := kerneltest.Run(t, "veritysetup", "format", fs, tree)
	return fs, tree, regexp.MustCompile(`Root hash:\s*([0-9a-f]{64})`).FindStringSubmatch(out)[1]
}

// id formats half of a root hash as a partition's.
func id(hex string) string {
	return hex[:8] + "-" + hex[8:12] + "-" + hex[12:16] + "-" + hex[16:20] + "-" + hex[20:32]
}

// verityDisk puts a filesystem, its tree and the signature at the places of a
// table, whose script says "%[1]s" and "%[2]s" for the halves of the root hash.
func verityDisk(t testing.TB, script string, fsAt, treeAt, signatureAt int64) (path, root string) {
	t.Helper()
	fs, tree, root := verityFS(t)
	signature := filepath.Join(t.TempDir(), "signature")
	kerneltest.Must(t, os.WriteFile(signature, fmt.Appendf(nil, `{"rootHash":"%s","signature":"MIIB","certificateFingerprint":"ab12"}`, root), 0o600))
	if strings.Contains(script, "%[") {
		script = fmt.Sprintf(script, id(root[:32]), id(root[32:]))
	}
	return disk(t, 24<<20, script, map[int64]string{fsAt: fs, treeAt: tree, signatureAt: signature}), root
}

const (
	dpsScript = "label: gpt\n" +
		"start=2048, size=2048, uuid=%[2]s, type=2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5\n" +
		"start=4096, size=16384, uuid=%[1]s, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709\n" +
		"start=20480, size=2048, type=41092B05-9FC8-4523-994F-2DEF0408B176\n"
	typedScript = "label: gpt\n" +
		"start=2048, size=2048, type=2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5\n" +
		"start=4096, size=16384, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709\n" +
		"start=20480, size=16384\n"
	plainScript = "label: dos\nstart=4096, size=16384, type=83\nstart=20480, size=2048, type=83\nstart=2048, size=2048, type=83\n"
)

func TestVerityFindsItsData(t *testing.T) {
	for name, c := range map[string]struct {
		script           string
		fs, tree, signed int64
		members          string
	}{
		"by partition ids": {dpsScript, 2 << 20, 1 << 20, 10 << 20, "partition 2, partition 1"},
		"by type":          {typedScript, 2 << 20, 1 << 20, 22 << 20, "partition 2, partition 1"},
		"by content":       {plainScript, 2 << 20, 10 << 20, 22 << 20, "partition 1, partition 2"},
	} {
		t.Run(name, func(t *testing.T) {
			path, root := verityDisk(t, c.script, c.fs, c.tree, c.signed)
			img := openImage(t, path)
			if len(img.Disk.Mapped) != 1 || len(img.Proofs) != 1 || img.Problems != nil || len(img.Trees) != 1 || img.Trees[0].Err != nil {
				t.Fatalf("%+v, volumes %+v, problems %v", img.Disk, img.Trees, img.Problems)
			}
			m := img.Disk.Mapped[0]
			if m.Type != "verity" || m.Size != 8<<20 || strings.Join(m.Members, ", ") != c.members || m.Settings["root_hash"] != root || m.Filesystem.Type != "ext4" {
				t.Errorf("%+v", m)
			}
			if signed := m.Settings["signed_by"]; (signed == "partition 3") != (name == "by partition ids") || signed != "" && m.Settings["certificate"] != "ab12" {
				t.Errorf("settings %v", m.Settings)
			}
			kerneltest.Must(t, img.Proofs[0].Verify(t.Context(), 2))
			patch(t, path, c.fs+5<<20, []byte("changed"))
			err := openImage(t, path).Proofs[0].Verify(t.Context(), 2)
			if err == nil || !strings.Contains(err.Error(), "data: block 1280 ") {
				t.Errorf("changed data: %v", err)
			}
			patch(t, path, c.fs, []byte("the first block is not what it was"))
			img = openImage(t, path)
			if name == "by content" {
				// The partition before it: there is nothing else to go by.
				name = "by place"
			}
			if len(img.Proofs) != 1 || img.Proofs[0].Verify(t.Context(), 2) == nil {
				t.Errorf("%s: %d proofs", name, len(img.Proofs))
			}
		})
	}
}

func TestVerityBehindTheFilesystem(t *testing.T) {
	fixtures.RequireTool(t, "veritysetup")
	fs := smallFS(t)
	want := fsystest.Contents(t, openImage(t, fs).Trees[0].Tree)
	kerneltest.Run(t, "veritysetup", "format", "--hash-offset", fmt.Sprint(8<<20), "--data-blocks", "2048", fs, fs)
	img := openImage(t, fs)
	if len(img.Disk.Mapped) != 1 || img.Disk.Mapped[0].Members[0] != "disk" || img.Proofs[0].Verify(t.Context(), 2) != nil || img.Disk.Regions != nil {
		t.Fatalf("%+v", img.Disk)
	}
	fsystest.Compare(t, fsystest.Contents(t, img.Trees[0].Tree), want)
}

func TestHashTreeWithoutData(t *testing.T) {
	_, tree, _ := verityFS(t)
	img := openImage(t, tree)
	if v := img.Trees[0]; v.Err == nil || !strings.Contains(v.Err.Error(), "no partition holds the data") {
		t.Errorf("%+v", v)
	}
}
