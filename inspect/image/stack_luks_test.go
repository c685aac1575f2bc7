package image_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/luks/lukstest"
	"github.com/assay-os/assay/inspect/image/lvm/lvmtest"
)

// openWith opens a subject with passphrases.
func openWith(t testing.TB, path string, passphrases ...string) *image.Image {
	t.Helper()
	var o image.Options
	for _, p := range passphrases {
		o.Passphrases = append(o.Passphrases, []byte(p))
	}
	img, err := image.Open(t.Context(), path, o)
	kerneltest.Must(t, err)
	t.Cleanup(func() { kerneltest.Must(t, img.Close()) })
	return img
}

const luksScript = "label: gpt\nstart=2048, size=2048\nstart=4096, size=102400, type=CA7D7CCB-63ED-4C53-861C-1742536059CC\n"

func TestEncryptedFilesystem(t *testing.T) {
	t.Parallel()
	fs := smallFS(t)
	want := fsystest.Contents(t, openImage(t, fs).Trees[0].Tree)
	lukstest.Encrypt(t, fs, "--label", "secrets")
	path := disk(t, 64<<20, luksScript, map[int64]string{2 << 20: fs})
	img := openWith(t, path, "wrong", lukstest.Passphrase)
	if len(img.Trees) != 1 || img.Trees[0].Err != nil || img.Problems != nil {
		t.Fatalf("volumes %+v, problems %v", img.Trees, img.Problems)
	}
	fsystest.Compare(t, fsystest.Contents(t, img.Trees[0].Tree), want)
	m, f := img.Disk.Mapped[0], img.Disk.Partitions[1].Filesystem
	if m.Type != "crypt" || m.Name != "luks-"+f.UUID || m.Members[0] != "partition 2" || m.Settings["cipher"] != "aes-xts-plain64" || f.Label != "secrets" || img.Trees[0].Mapped != m.Name {
		t.Errorf("mapped %+v, partition %+v", m, f)
	}
	for reason, passphrases := range map[string][]string{"no passphrase was given": nil, "no key slot opens": {"wrong"}} {
		img := openWith(t, path, passphrases...)
		if v := img.Trees[0]; v.Err == nil || !strings.Contains(v.Err.Error(), m.Name+": crypto_LUKS: ") || !strings.Contains(v.Err.Error(), reason) || v.Filesystem.Type != "crypto_LUKS" {
			t.Errorf("%+v, want %s", v, reason)
		}
	}
	if err := openWith(t, path, lukstest.Passphrase).Narrow(t.Context(), m.Name); err != nil {
		t.Error(err)
	}
}

// A group within an encrypted partition, and an encrypted volume of it.
func TestDevicesStandOnEachOther(t *testing.T) {
	t.Parallel()
	inner := smallFS(t)
	want := fsystest.Contents(t, openImage(t, inner).Trees[0].Tree)
	lukstest.Encrypt(t, inner, "luks1")
	group := filepath.Join(t.TempDir(), "group")
	kerneltest.Must(t, os.WriteFile(group, nil, 0o600), os.Truncate(group, 48<<20))
	h := lvmtest.New(t, group, lvmtest.Place{Size: 48 << 20})
	h.Run("pvcreate -q %1")
	h.Run("vgcreate -q -An -s 1M vg %1")
	h.Run("lvcreate -q -An -an -Zn -Wn -L 40M -n safe vg")
	data, err := os.ReadFile(inner)
	kerneltest.Must(t, err)
	h.Fill("vg", "safe", data)
	lukstest.Encrypt(t, group)
	img := openWith(t, group, lukstest.Passphrase)
	var names []string
	for _, m := range img.Disk.Mapped {
		names = append(names, m.Type+" on "+strings.Join(m.Members, " "))
	}
	outer := "luks-" + img.Disk.Filesystem.UUID
	if got := strings.Join(names, ", "); got != "crypt on disk, lvm2 on "+outer+", crypt on vg/safe" || len(img.Trees) != 1 || img.Problems != nil {
		t.Fatalf("%s; volumes %+v, problems %v", got, img.Trees, img.Problems)
	}
	fsystest.Compare(t, fsystest.Contents(t, img.Trees[0].Tree), want)
}
