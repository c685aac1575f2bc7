package image_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// TestInitramfsIsWhatIsUnpacked makes what the kernel unpacks at boot, early microcode,
// then the rest compressed, and unpacks it with cpio(1), part by part.
func TestInitramfsIsWhatIsUnpacked(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "cpio")
	early, main, out := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "out")
	kerneltest.Must(t, os.Mkdir(out, 0o755), os.MkdirAll(filepath.Join(early, "kernel/x86/microcode"), 0o755), os.MkdirAll(filepath.Join(main, "usr/bin"), 0o750),
		os.WriteFile(filepath.Join(early, "kernel/x86/microcode/AuthenticAMD.bin"), bytes.Repeat([]byte("code"), 5000), 0o644),
		os.WriteFile(filepath.Join(early, "init"), []byte("early"), 0o600),
		os.WriteFile(filepath.Join(main, "init"), []byte("#!/bin/sh\n"), 0o755), os.Symlink("usr/bin", filepath.Join(main, "bin")),
		os.WriteFile(filepath.Join(main, "usr/bin/busybox"), bytes.Repeat([]byte("program "), 10000), 0o755),
		os.Link(filepath.Join(main, "usr/bin/busybox"), filepath.Join(main, "usr/bin/sh")))
	for name, pack := range map[string]string{"gzip": "gzip", "xz": "xz --check=crc32", "zstd": "zstd", "bzip2": "bzip2"} {
		t.Run(name, func(t *testing.T) {
			fixtures.RequireTool(t, name)
			path, unpacked := filepath.Join(t.TempDir(), "initrd.img"), filepath.Join(out, name)
			kerneltest.Must(t, os.Mkdir(unpacked, 0o755))
			kerneltest.Run(t, "sh", "-ec", `pack() { (cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio -0 -o -H newc --quiet); }
				pack "$1" >"$3"; pack "$2" | $4 >>"$3"; cd "$5"; pack "$1" | cpio -id --quiet; pack "$2" | cpio -idu --quiet`, "sh", early, main, path, pack, unpacked)
			img, err := image.Open(context.Background(), path, image.Options{})
			kerneltest.Must(t, err)
			defer img.Close()
			if img.Subject.Kind != "cpio" || img.Subject.Format != "cpio,"+name+"+cpio" {
				t.Errorf("%+v", img.Subject)
			}
			want, err := dir.Open(unpacked)
			kerneltest.Must(t, err)
			defer want.Close()
			got, list := fsystest.Contents(t, img.Trees[0].Tree), fsystest.Contents(t, want)
			for path, line := range got {
				got[path], list[path] = fsystest.WithoutTime(line), fsystest.WithoutTime(list[path])
			}
			if len(got) < 9 || !strings.HasPrefix(got["/init"], "file 0755 0:0 10") {
				t.Errorf("%q", got)
			}
			fsystest.Compare(t, got, list)
			kerneltest.Must(t, os.Truncate(path, size(t, path)-20))
			cut, err := image.Open(context.Background(), path, image.Options{})
			kerneltest.Must(t, err)
			defer cut.Close()
			if got := fsystest.Contents(t, cut.Trees[0].Tree)["/"]; !strings.Contains(got, "decompress what follows the archive: "+name) {
				t.Errorf("cut: %q", got)
			}
		})
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	kerneltest.Must(t, err)
	return info.Size()
}
