package raid_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/raid"
	"github.com/assay-os/assay/inspect/image/raid/raidtest"
)

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// open puts a member into a file.
func open(t testing.TB, data []byte) (*dir.File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "member")
	must(t, os.WriteFile(path, data, 0o600))
	f, err := dir.OpenFile(path)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f, path
}

func TestAgreesWithMdadmAndBlkid(t *testing.T) {
	fixtures.RequireTool(t, "mdadm", "blkid")
	content := bytes.Repeat([]byte("mirrored"), 131072)
	for _, version := range []string{"1.1", "1.2", "1.0"} {
		f, path := open(t, raidtest.Member(raidtest.Super{Version: version, Level: 1, Events: 17}, content))
		m, err := raid.Open(f)
		must(t, err)
		out, err := exec.Command("mdadm", "--examine", path).CombinedOutput()
		must(t, err)
		words := strings.Join(strings.Fields(string(out)), " ")
		for _, want := range []string{"Version : " + m.Version, "Raid Level : raid1", "State : clean", "- correct", "Events : 17"} {
			if !strings.Contains(words, want) {
				t.Errorf("%s: mdadm does not say %q:\n%s", version, want, out)
			}
		}
		tags, err := exec.Command("blkid", "-p", "-o", "export", path).Output()
		must(t, err)
		probed, ok := raid.Probe(f)
		for _, want := range []string{"TYPE=" + probed.Type, "UUID=" + probed.UUID, "UUID_SUB=" + m.Device, "VERSION=" + m.Version} {
			if !ok || !strings.Contains(string(tags), want+"\n") {
				t.Errorf("%s: %s, blkid says\n%s", version, want, tags)
			}
		}
		d, err := m.Content()
		must(t, err)
		got := make([]byte, d.Size())
		if _, err := d.ReadAt(got, 0); err != nil || !bytes.Equal(got, content) || m.Name != "data" || m.Dirty {
			t.Errorf("%s: %d bytes, %v, %+v", version, len(got), err, m)
		}
	}
}

func TestWhatIsNotReadSaysWhy(t *testing.T) {
	for want, s := range map[string]raidtest.Super{
		"level 5 is not read": {Version: "1.2", Level: 5},
		"spare or failed":     {Version: "1.2", Level: 1, Role: 0xfffe},
		"rebuilt or reshaped": {Version: "1.2", Level: 1, Feature: 2},
	} {
		f, _ := open(t, raidtest.Member(s, make([]byte, 4096)))
		m, err := raid.Open(f)
		must(t, err)
		if _, err := m.Content(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestFlippedBytesAreTold(t *testing.T) {
	data := raidtest.Member(raidtest.Super{Version: "1.2", Level: 1}, make([]byte, 4096))
	for at := 4096; at < 4096+260; at++ {
		data[at] ^= 0x11
		f, _ := open(t, data)
		if _, ok := raid.Probe(f); ok {
			t.Errorf("byte %d is changed unnoticed", at)
		}
		data[at] ^= 0x11
	}
	for n := 0; n < len(data); n += 64 << 10 {
		f, _ := open(t, data[:n])
		if m, err := raid.Open(f); err == nil {
			if _, err := m.Content(); err == nil && n < raidtest.Offset*512+4096 {
				t.Errorf("cut at byte %d it reads", n)
			}
		}
	}
}
