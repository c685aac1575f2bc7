package ext4_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/ext4"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// dirty makes an image whose journal was not replayed: it is copied while it
// is mounted, after a commit and before its blocks are written to their places.
func dirty(t *testing.T, args ...string) string {
	t.Helper()
	journalData := args[len(args)-1] == "data=journal"
	if journalData {
		args = args[:len(args)-1]
	}
	path := kerneltest.Make(t, 20<<20, args...)
	if journalData {
		kerneltest.Run(t, "tune2fs", "-o", "journal_data", path)
	}
	copied := filepath.Join(t.TempDir(), "dirty.img")
	kerneltest.Populate(t, path, func(dir string) {
		f, err := os.Create(filepath.Join(dir, "last"))
		kerneltest.Must(t, err)
		churn(t, dir)
		kerneltest.Must(t, os.Chmod(filepath.Join(dir, "last"), 0o711|os.ModeSetuid), f.Sync(), f.Close())
		data, err := os.ReadFile(path)
		kerneltest.Must(t, err, os.WriteFile(copied, data, 0o600))
	})
	return copied
}

// churn frees blocks of directories and uses every free block for content, which
// the journal has to revoke; the content looks like blocks of the journal.
func churn(t *testing.T, dir string) {
	kept, gone := filepath.Join(dir, "kept"), filepath.Join(dir, "gone")
	kerneltest.Must(t, os.Mkdir(kept, 0o755), os.Mkdir(gone, 0o755))
	for i := range 400 {
		name := fmt.Sprintf("a-rather-long-name-for-a-file-%d", i)
		kerneltest.Must(t, os.WriteFile(filepath.Join(kept, name), []byte{byte(i)}, 0o644), os.Mkdir(filepath.Join(gone, name), 0o755))
	}
	syncFS(t, dir)
	kerneltest.Must(t, os.RemoveAll(gone))
	syncFS(t, dir)
	f, err := os.Create(filepath.Join(dir, "full"))
	kerneltest.Must(t, err)
	for err == nil {
		_, err = f.Write(bytes.Repeat([]byte("\xc0\x3b\x39\x98 looks like a journal"+strings.Repeat(".", 999)), 64))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	kerneltest.Must(t, f.Sync(), f.Close())
}

// syncFS commits the journal of the filesystem that dir is on.
func syncFS(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open(dir)
	kerneltest.Must(t, err, unix.Syncfs(int(f.Fd())), f.Close())
}

func TestDirtyJournalAgreesWithKernel(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	for name, args := range map[string]string{
		"csum3":      "-t ext4 -b 4096 -O ^resize_inode",
		"1k":         "-t ext4 -b 1024",
		"no-csum":    "-t ext4 -O ^metadata_csum",
		"32bit":      "-t ext4 -O ^metadata_csum,^64bit",
		"ext3":       "-t ext3",
		"data":       "-t ext4 -b 1024 data=journal",
		"data-4k":    "-t ext3 -b 4096 data=journal",
		"small-ring": "-t ext4 -b 1024 -J size=1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := dirty(t, strings.Fields(args)...)
			if out := kerneltest.Run(t, "dumpe2fs", "-h", path); !strings.Contains(out, "needs_recovery") {
				t.Fatal("the image is clean: the test tests nothing")
			}
			got := fsystest.Contents(t, openImage(t, path))
			if len(got) < 400 || !strings.Contains(got["/last"], "file 4711") {
				t.Errorf("%d names, last %q", len(got), got["/last"])
			}
			oracle, err := kernel.Open(path, kernel.Options{Type: "ext4", Replay: true})
			kerneltest.Must(t, err)
			defer oracle.Close()
			fsystest.Compare(t, got, fsystest.Contents(t, oracle))
		})
	}
}

func TestBrokenJournalIsToldNotReplayed(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	path := dirty(t, "-t", "ext4", "-b", "1024")
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	told := 0
	commit := []byte("\xc0\x3b\x39\x98\x00\x00\x00\x02")
	for at := 0; ; at++ {
		next := bytes.Index(data[at:], commit)
		if next < 0 {
			break
		}
		at += next
		data[at+48] ^= 1
		_, err = ext4.Open(context.Background(), bytes.NewReader(data), int64(len(data)))
		if err != nil && strings.Contains(err.Error(), "journal") && strings.Contains(err.Error(), "checksum") {
			told++
		}
		data[at+48] ^= 1
	}
	if told == 0 { // older commits are in the ring too, and do not count
		t.Error("no commit with a broken checksum was told")
	}
}
