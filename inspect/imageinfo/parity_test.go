package imageinfo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/imageinfo"
	"github.com/assay-os/assay/report"
)

// subjects are one system in five forms. Upstream's documents about them are in testdata, as
// osbuild-image-info wrote them; differ are the keys in which ours is another, and why.
func subjects() map[string]subject {
	return map[string]subject{
		"directory": {make: func(t *testing.T) string { return write(t, system()) }},
		"tar":       {make: archive},
		"gpt":       {make: gptDisk},
		"dos":       {make: dosDisk},
		"commit": {make: commit, open: "repo", differ: map[string]string{
			"ostree": "a commit is read by its checksum: the names of branches are the repository's",
		}},
	}
}

type subject struct {
	make func(t *testing.T) string
	// open is what of it our reader is given.
	open   string
	differ map[string]string
}

// TestParity compares every key with what upstream wrote. ASSAY_OSBUILD has upstream
// write it now, and UPDATE_IMAGEINFO=1 keeps that.
func TestParity(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "rpmdb", "mke2fs", "mkfs.vfat", "sfdisk", "qemu-img", "ostree", "tar")
	for name, s := range subjects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := s.make(t)
			golden := filepath.Join("testdata", name+".json")
			if os.Getenv("ASSAY_OSBUILD") != "" {
				renew(t, golden, upstream(t, path))
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, ours(t, filepath.Join(path, s.open)), want, s.differ)
		})
	}
}

// TestParityOfRealSystems has upstream read real systems beside us.
func TestParityOfRealSystems(t *testing.T) {
	fixtures.Osbuild(t)
	for name, s := range map[string]struct {
		make   func(testing.TB) string
		differ map[string]string
	}{
		"rpm":    {make: fixtures.RPMTree},
		"debian": {make: fixtures.DebianTree},
		// Upstream looks at a policy of this name only.
		"selinux": {make: fixtures.LabelledTree},
	} {
		t.Run(name, func(t *testing.T) {
			tree := fixtures.Copy(t, s.make(t))
			if name != "rpm" { // rpm wants to write a database where there is none
				fixtures.Run(t, "rpmdb", "--initdb", "--dbpath", filepath.Join(tree, "var/lib/rpm"))
			}
			if name == "selinux" {
				fixtures.Run(t, "sh", "-c", `cd "$0/etc" && mv selinux/default selinux/targeted && sed -i s/^SELINUXTYPE=.*/SELINUXTYPE=targeted/ selinux/config &&
					chcon system_u:object_r:tmp_t:s0 passwd && chcon -h unconfined_u:object_r:etc_t:s0 localtime`, tree)
			}
			compare(t, ours(t, tree), upstream(t, tree), s.differ)
		})
	}
}

// ours is what inspection writes of a subject.
func ours(t *testing.T, path string) []byte {
	t.Helper()
	img, err := image.Open(context.Background(), path, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	r, err := inspect.Inspect(context.Background(), img, inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range r.Sections {
		if s.Status == report.Unread {
			t.Logf("section %s: %s", name, s.Reason)
		}
	}
	var b bytes.Buffer
	if err := imageinfo.Encode(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// runner starts upstream's program from a checkout that is not installed: it looks
// for its devices and mounts in /usr/lib/osbuild.
const runner = `
import os, runpy, sys
from osbuild import meta
class Index(meta.Index):
    def __init__(self, path): super().__init__(os.environ["PYTHONPATH"])
meta.Index = Index
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
`

// upstream is what osbuild-image-info writes of it. What it mounts is shared, as on
// a system that systemd has started: it binds into what it has bound before.
func upstream(t *testing.T, path string) []byte {
	t.Helper()
	dir := fixtures.Osbuild(t)
	cmd := exec.Command("unshare", "--mount", "--propagation=shared", "python3", "-c", runner, filepath.Join(dir, "tools", "osbuild-image-info"), path)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PYTHONPATH="+dir)
	return []byte(fixtures.RunCmd(t, cmd))
}

// renew holds a recorded document to what upstream writes today.
func renew(t *testing.T, golden string, today []byte) {
	t.Helper()
	if os.Getenv("UPDATE_IMAGEINFO") == "1" {
		if err := os.WriteFile(golden, append(today, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	recorded, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(decoded(t, recorded), decoded(t, today)) {
		t.Errorf("%s is not what upstream writes: run with UPDATE_IMAGEINFO=1", golden)
	}
}

// compare requires every key to be equal but for those that are known to differ,
// and those to differ.
func compare(t *testing.T, ours, upstream []byte, differ map[string]string) {
	t.Helper()
	a, b := decoded(t, ours), decoded(t, upstream)
	if len(b) < 20 {
		t.Errorf("upstream has %d keys only", len(b))
	}
	var keys []string
	for _, k := range imageinfo.Keys() {
		keys = append(keys, k.Name)
	}
	for key := range b {
		if !slices.Contains(keys, key) {
			t.Errorf("%s: upstream has it, and the list of keys has not", key)
		}
	}
	for _, key := range keys {
		x, inA := a[key]
		y, inB := b[key]
		same := inA == inB && reflect.DeepEqual(x, y)
		switch _, known := differ[key]; {
		case !same && !known:
			t.Errorf("%s:\nours     %s\nupstream %s", key, short(t, x), short(t, y))
		case same && known:
			t.Errorf("%s: listed as different, and is the same", key)
		}
	}
}

func decoded(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatalf("%v: %s", err, data[:min(200, len(data))])
	}
	return m
}

func short(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data[:min(len(data), 1500)])
}
