package inspect_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// repeated makes an ext4 of 256 MiB, of which almost nothing is stored, with files
// of 42 GiB each: 340 extents of 128 MiB that all lie in one place.
func repeated(t *testing.T, files int) string {
	t.Helper()
	const blockSize, run, count, firstLeaf = 4096, 32768, 340, 40000
	path := filepath.Join(t.TempDir(), "fs")
	packWith(t, "mke2fs", "-q", "-t", "ext4", "-b", "4096", "-O", "^metadata_csum,^has_journal", "-N", "1024", path, "256M")
	var script strings.Builder
	for i := range files {
		fmt.Fprintf(&script, "write /dev/null f%d\nsif f%d flags 0x80000\nsif f%d size %d\n", i, i, i, int64(count*run*blockSize))
		for word, value := range []int{1<<16 | 0xf30a, 1<<16 | 4, 0, 0, firstLeaf + i, 0} { // extent_header, extent_idx
			fmt.Fprintf(&script, "sif f%d block[%d] %d\n", i, word, value)
		}
	}
	c := exec.Command("debugfs", "-w", "-f", "-", path)
	c.Stdin = strings.NewReader(script.String())
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("debugfs: %v\n%s", err, out)
	}
	leaf := binary.LittleEndian.AppendUint16(nil, 0xf30a)
	for _, n := range []uint16{count, count, 0, 0, 0} {
		leaf = binary.LittleEndian.AppendUint16(leaf, n)
	}
	for i := range uint32(count) {
		leaf = binary.LittleEndian.AppendUint32(leaf, i*run)
		leaf = binary.LittleEndian.AppendUint32(leaf, run) // and the high half of the start
		leaf = binary.LittleEndian.AppendUint32(leaf, 2000)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	check(t, err)
	defer f.Close()
	for i := range files {
		_, err := f.WriteAt(leaf, int64(firstLeaf+i)*blockSize)
		check(t, err)
	}
	return path
}

// cloned makes an xfs with files that each repeat 16 MiB, shifted so that no two of
// them lie in the same places.
func cloned(t *testing.T, files, times int) string {
	t.Helper()
	const piece, size = 16 << 20, 320 << 20
	path := filepath.Join(t.TempDir(), "fs")
	check(t, os.WriteFile(path, nil, 0o600))
	check(t, os.Truncate(path, size))
	packWith(t, "mkfs.xfs", "-q", "-m", "reflink=1,rmapbt=0", path)
	kerneltest.PopulateAs(t, "xfs", path, func(dir string) {
		source, err := os.Create(filepath.Join(dir, "source"))
		check(t, err)
		defer source.Close()
		_, err = source.Write([]byte(strings.Repeat("0123456789abcdef", 2*piece/16)))
		check(t, err)
		for i := range files {
			f, err := os.Create(filepath.Join(dir, fmt.Sprint(i)))
			check(t, err)
			for n := range times {
				from := unix.FileCloneRange{Src_fd: int64(source.Fd()), Src_offset: uint64(i) * 4096, Src_length: piece, Dest_offset: uint64(n) * piece}
				check(t, unix.IoctlFileCloneRange(int(f.Fd()), &from))
			}
			check(t, f.Close())
		}
	})
	return path
}

// TestRepeatedBlocksAreBounded holds that small images whose files claim the same
// blocks many times, TB in all, are not hashed for ever, and that this is told.
func TestRepeatedBlocksAreBounded(t *testing.T) {
	for name, make := range map[string]func(*testing.T) string{
		"ext4": func(t *testing.T) string { return repeated(t, 100) },
		"xfs":  func(t *testing.T) string { return cloned(t, 8, 1280) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fixtures.RequireRoot(t)
			r := inspectPath(t, make(t))
			s := r.Sections["files"]
			if s.Status != report.Unread || !strings.Contains(s.Reason, "read content: the files of this disk claim more than") {
				t.Errorf("files: %+v", s)
			}
			var claimed, hashed int64
			for _, e := range r.Files {
				if claimed += e.Size; e.SHA256 != "" {
					hashed += e.Size
				}
			}
			if claimed < 160<<30 || hashed > 64<<20 {
				t.Errorf("%d bytes are claimed, %d hashed", claimed, hashed)
			}
			t.Log(s.Reason, claimed)
		})
	}
}
