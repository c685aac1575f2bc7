package iso9660_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/iso9660"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

var opener = fsystest.Opener[*iso9660.FS](iso9660.Open)

func tinyVariants() map[string]string {
	return map[string]string{
		"rock":   "genisoimage -quiet -R -no-pad",
		"joliet": "genisoimage -quiet -J -no-pad",
		"plain":  "genisoimage -quiet -no-pad",
		"boot":   "xorriso -as mkisofs -quiet -R -J --norock -no-pad -b boot.img -no-emul-boot -eltorito-alt-boot -e efi.img -no-emul-boot",
		"new":    "xorriso -compliance new_rr -as mkisofs -quiet -no-pad",
	}
}

// tiny makes an image of a few files.
func tiny(t testing.TB, name string) []byte {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	at := func(name string) string { return filepath.Join(root, name) }
	kerneltest.Must(t, os.MkdirAll(at("a/b/c/d/e/f/g/h/i"), 0o755), os.WriteFile(at("a/b/c/d/e/f/g/h/i/leaf"), []byte("leaf"), 0o644),
		os.WriteFile(at("file"), bytes.Repeat([]byte("x"), 5000), 0o644), os.WriteFile(at("boot.img"), make([]byte, 2048), 0o644),
		os.WriteFile(at("efi.img"), bytes.Repeat([]byte("efi"), 1000), 0o644), os.WriteFile(at(strings.Repeat("n", 60)), nil, 0o644))
	if strings.Contains(tinyVariants()[name], "-R") {
		kerneltest.Must(t, os.Symlink("../some/where", at("link")), os.Link(at("file"), at("hard")), os.WriteFile(at(strings.Repeat("m", 230)), nil, 0o644))
	}
	path := filepath.Join(t.TempDir(), "iso")
	argv := append(strings.Fields(tinyVariants()[name]), "-o", path, root)
	if strings.Contains(tinyVariants()[name], "genisoimage -quiet -no-pad") || name == "joliet" {
		argv = slices.Insert(argv, 1, "-D") // directories deeper than eight
	}
	kerneltest.Run(t, argv[0], argv[1:]...)
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	return data
}

func TestFlippedBytesAreSurvived(t *testing.T) {
	t.Parallel()
	for name := range tinyVariants() {
		t.Run(name, func(t *testing.T) { opener.Flip(t, tiny(t, name), 32<<10, 1<<20, 41) })
	}
}

func TestEveryFlippedByteIsSurvived(t *testing.T) {
	fixtures.RequireFull(t)
	for name := range tinyVariants() {
		t.Run(name, func(t *testing.T) { opener.Flip(t, tiny(t, name), 32<<10, 1<<20, 1) })
	}
}

func TestTruncationIsTold(t *testing.T) {
	for name := range tinyVariants() {
		opener.Cut(t, tiny(t, name), 2048)
	}
}

func FuzzWalk(f *testing.F) {
	var images [][]byte
	for _, name := range slices.Sorted(maps.Keys(tinyVariants())) {
		images = append(images, tiny(f, name))
	}
	opener.Fuzz(f, images)
}

// A continuation that continues itself, and a directory that is its own child.
func TestCyclesEnd(t *testing.T) {
	le := binary.LittleEndian
	data := tiny(t, "rock")
	root := int(le.Uint32(data[32<<10+158:])) * 2048
	at := bytes.Index(data[root:], []byte("CE\x1c\x01")) + root
	if at < root {
		t.Fatal("there is no continuation")
	}
	loop := bytes.Clone(data)
	le.PutUint32(loop[at+4:], uint32(at/2048)) // the field itself is the next area
	le.PutUint32(loop[at+12:], uint32(at%2048))
	le.PutUint32(loop[at+20:], 28)
	if err := opener.ReadAll(context.Background(), loop); err == nil || !strings.Contains(err.Error(), "continuations") {
		t.Errorf("a continuation of itself: %v", err)
	}
	dir := bytes.Clone(data)
	for at := root; dir[at] != 0; at += int(dir[at]) {
		if dir[at+33] == 'A' && dir[at+25]&2 != 0 {
			le.PutUint32(dir[at+2:], uint32(root/2048))
		}
	}
	if err := opener.ReadAll(context.Background(), dir); err == nil || !strings.Contains(err.Error(), "read before") {
		t.Errorf("a directory in itself: %v", err)
	}
}

// What the boot catalog says is in the settings, and the images are reserved.
func TestElTorito(t *testing.T) {
	fs, err := iso9660.Open(context.Background(), bytes.NewReader(tiny(t, "boot")), int64(len(tiny(t, "boot"))))
	kerneltest.Must(t, err)
	s := fs.Describe().Settings
	if !strings.HasPrefix(s["boot_image_1"], "bios, no emulation (0x0), bootable true") || !strings.HasPrefix(s["boot_image_2"], "uefi, no emulation (0x0), bootable true") {
		t.Errorf("%q", s)
	}
	reserved := fs.Reserved()
	if len(reserved) != 3 || reserved[0].Length != 32<<10 || reserved[2].Length < 3000 {
		t.Errorf("%+v", reserved)
	}
	t.Log(fmt.Sprint(s))
}
