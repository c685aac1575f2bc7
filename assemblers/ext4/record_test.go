package ext4

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/assemblers/treetest"
	"github.com/assay-os/assay/report"
)

// change edits one entry of a record.
func change(t *testing.T, entries []report.Entry, path report.Raw, edit func(*report.Entry)) {
	t.Helper()
	for i := range entries {
		if entries[i].Path == path {
			edit(&entries[i])
			return
		}
	}
	t.Fatalf("the tree has no %s", path)
}

// What the directory says otherwise than the record does not reach the image.
func TestRecordIsTheTruth(t *testing.T) {
	requireTools(t)
	source := t.TempDir()
	treetest.Make(t, source, false)
	want := treetest.Scan(t, source)
	change(t, want, "/usr/bin/passwd", func(e *report.Entry) {
		e.Mode, e.UID, e.GID, e.Mtime = 0o6711, 4000000000, 5, time.Unix(1234567890, 0).UTC()
		e.Xattrs = map[string]report.Raw{"security.selinux": "system_u:object_r:bin_t:s0\x00", "user.x": "\x00\xff"}
		e.SELinux = "system_u:object_r:bin_t:s0"
	})
	change(t, want, "/usr/bin/ping", func(e *report.Entry) { e.Xattrs = nil })
	change(t, want, "/dev/null", func(e *report.Entry) { e.Device = "300:70000" })
	change(t, want, "/dev/zero", func(e *report.Entry) { e.Device = "300:70000" })
	change(t, want, "/empty", func(e *report.Entry) { e.Mode, e.GID = 0o2750, 65536 })
	change(t, want, "/long", func(e *report.Entry) {
		e.UID, e.Xattrs, e.SELinux = 1000, map[string]report.Raw{"security.selinux": "a:b:c:s0\x00"}, "a:b:c:s0"
	})
	change(t, want, "/", func(e *report.Entry) { e.Mode, e.Mtime = 0o555, time.Unix(77, 0).UTC() })
	image, err := build(t, source, want)
	if err != nil {
		t.Fatal(err)
	}
	treetest.Run(t, "e2fsck", "-fn", image+"?offset=1048576")
	for _, d := range treetest.Diff(want, treetest.Mounted(t, image, testOffset, testSize)) {
		t.Error(d)
	}
}

// What cannot be set right is refused.
func TestRecordOfAnotherTree(t *testing.T) {
	requireTools(t)
	source := t.TempDir()
	treetest.Make(t, source, false)
	entries := treetest.Scan(t, source)
	tests := []struct {
		name string
		edit func([]report.Entry) []report.Entry
		want string
	}{
		{"more on disk", func(e []report.Entry) []report.Entry { return e[:len(e)-1] }, "its record does not have"},
		{"more recorded", func(e []report.Entry) []report.Entry {
			return append(e, report.Entry{Path: "/zzz", Type: report.File})
		}, "/zzz is recorded and is not in the tree on disk"},
		{"type", func(e []report.Entry) []report.Entry {
			change(t, e, "/bin", func(e *report.Entry) { e.Type = report.Directory })
			return e
		}, "/bin is recorded as a directory and is a symlink on disk"},
		{"size", func(e []report.Entry) []report.Entry {
			change(t, e, "/data/zeros", func(e *report.Entry) { e.Size++ })
			return e
		}, "/data/zeros is recorded with 300001 bytes and has 300000 on disk"},
		{"link lost", func(e []report.Entry) []report.Entry {
			change(t, e, "/data/two", func(e *report.Entry) { e.Hardlink = "" })
			return e
		}, "/data/one and /data/two are one file on disk and two in the record"},
		{"link gained", func(e []report.Entry) []report.Entry {
			change(t, e, "/usr/bin/wall", func(e *report.Entry) { e.Hardlink = "/usr/bin/passwd" })
			return e
		}, "/usr/bin/wall is recorded as a hard link of /usr/bin/passwd and is a file of its own on disk"},
		{"attribute's name", func(e []report.Entry) []report.Entry {
			change(t, e, "/empty", func(e *report.Entry) { e.Xattrs = map[string]report.Raw{"user.a\nb": "x"} })
			return e
		}, `/empty: attribute "user.a\nb": debugfs cannot set`},
		{"attribute's size", func(e []report.Entry) []report.Entry {
			change(t, e, "/empty", func(e *report.Entry) {
				e.Xattrs = map[string]report.Raw{"user.a": report.Raw(strings.Repeat("x", 5000))}
			})
			return e
		}, "/empty: its extended attributes take more than"},
		{"device", func(e []report.Entry) []report.Entry {
			change(t, e, "/dev/sda", func(e *report.Entry) { e.Device = "8" })
			return e
		}, `/dev/sda: device "8" is not MAJOR:MINOR`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := build(t, source, tt.edit(append([]report.Entry(nil), entries...)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestTooSmall(t *testing.T) {
	requireTools(t)
	source := t.TempDir()
	var content [1 << 20]byte
	for i := range content {
		content[i] = byte(i) | 1
	}
	for i := range 70 {
		if err := os.WriteFile(filepath.Join(source, string(rune('A'+i))), content[:], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := build(t, source, treetest.Scan(t, source))
	if err == nil || !strings.Contains(err.Error(), "the tree needs about 70 MiB, the filesystem has 64; enlarge it") {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(filepath.Join(source, "A")); err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		if err := os.Remove(filepath.Join(source, string(rune('B'+i)))); err != nil {
			t.Fatal(err)
		}
	}
	// Now contents alone would fit; the journal and the inodes do not.
	_, err = build(t, source, treetest.Scan(t, source))
	if err == nil || !strings.Contains(err.Error(), "enlarge") {
		t.Errorf("got %v", err)
	}
}

func TestParseDir(t *testing.T) {
	in := "/12/100644/0/0/.//\n/2/040755/0/0/..//\n/13/100644/0/0/a\n/7/\n/14/040755/1/2/d//\n\nrest"
	dir, rest, err := parseDir([]byte(in))
	if err != nil || len(dir) != 2 || string(rest) != "rest" {
		t.Fatalf("got %+v, rest %q, %v", dir, rest, err)
	}
	if dir[0] != (dirent{13, 0o100644, "a\n", 7}) || dir[1] != (dirent{14, 0o040755, "d", 0}) {
		t.Errorf("got %+v", dir)
	}
	for _, bad := range []string{"/12/100644\n", "/x/100644/0/0/a/1/\n", "/1/99/0/0/a/1/\n", "/1/1/0/0/a/b/\n", "/1/1/0/0/a/1/x"} {
		if _, _, err := parseDir([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func FuzzParseDir(f *testing.F) {
	f.Add([]byte("/13/100644/0/0/a\n/7/\n\n"))
	f.Fuzz(func(_ *testing.T, in []byte) { _, _, _ = parseDir(in) })
}

func TestEncodeTime(t *testing.T) {
	tests := []struct {
		at         time.Time
		low, extra uint32
	}{
		{time.Unix(0, 0), 0, 0},
		{time.Unix(-1, 0), 0xffffffff, 0},
		{time.Unix(1<<31-1, 5), 0x7fffffff, 5 << 2},
		{time.Unix(1<<31, 0), 0x80000000, 1},
		{time.Unix(5000000000, 999999999), 0x2a05f200, 999999999<<2 | 1},
	}
	for _, tt := range tests {
		if low, extra := encodeTime(tt.at); low != tt.low || extra != tt.extra {
			t.Errorf("%v: got %#x %#x, want %#x %#x", tt.at, low, extra, tt.low, tt.extra)
		}
	}
}
