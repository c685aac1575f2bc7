package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/assay-os/assay/report"
)

func TestBytesOf(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB", 1 << 20: "1.0 MiB", 3 << 30: "3.0 GiB", 1<<63 - 1: "8.0 EiB",
	} {
		if got := bytesOf(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestLargest(t *testing.T) {
	got := largest([]report.Entry{
		{Path: "/usr/lib/a", Type: report.File, Size: 5}, {Path: "/usr/lib/x/b", Type: report.File, Size: 5}, {Path: "/etc/a/b/c", Type: report.File, Size: 7},
		{Path: "/f", Type: report.File, Size: 1}, {Path: "/usr/lib/l", Type: report.File, Size: 5, Hardlink: "/etc/x"}, {Path: "/usr/lib", Type: report.Directory, Size: 99},
	}, 2)
	if len(got) != 2 || got[0] != (usageOf{"/usr/lib", 10}) || got[1] != (usageOf{"/etc", 7}) {
		t.Errorf("%+v", got)
	}
}

func TestCanLogIn(t *testing.T) {
	for _, c := range []struct {
		user report.User
		want bool
	}{
		{report.User{Shell: "/bin/sh", Password: "locked"}, false},
		{report.User{Shell: "/bin/sh", Password: "locked", Keys: 1}, true},
		{report.User{Shell: "/bin/sh", Password: "none"}, true},
		{report.User{Shell: "", Password: "sha512"}, true},
		{report.User{Shell: "/usr/sbin/nologin", Password: "sha512"}, false},
		{report.User{Shell: "/bin/false", Password: "none"}, false},
	} {
		if got := canLogIn(c.user); got != c.want {
			t.Errorf("%+v: %t", c.user, got)
		}
	}
}

// TestPageFitsATerminal puts hostile and long texts into every part: no line
// of lists is too wide, and no control character comes out.
func TestPageFitsATerminal(t *testing.T) {
	evil := "x\x1b[31m\r\u202e\x9b"
	units := strings.Fields(strings.Repeat("some-unit-of-a-name.service ", 50))
	r := &report.Report{
		Subject: report.Subject{Kind: evil, Format: "\x9b"}, OSRelease: map[string]string{"NAME": evil},
		Disk:     &report.Disk{Partitions: []report.Partition{{Label: evil}}},
		Boot:     []report.BootEntry{{Title: evil, Linux: evil, Options: evil}},
		Users:    []report.User{{Name: evil, Shell: evil, Password: evil}},
		Services: report.Services{Enabled: append(units, evil), DefaultTarget: evil},
		Files:    []report.Entry{{Path: report.Raw("/" + evil + "\xff/x"), Type: report.File}},
		Sections: map[string]report.Section{"files": {Status: report.Unread, Reason: evil}},
	}
	var b bytes.Buffer
	if err := writePage(&b, r, false); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(b.String(), func(c rune) bool { return c < 0x20 && c != '\n' || c >= 0x7f && c < 0xa0 || c == 0x202e }); i >= 0 {
		t.Errorf("a control character: %q", b.String()[i:min(i+20, b.Len())])
	}
	if !utf8.Valid(b.Bytes()) {
		t.Error("bytes that are not UTF-8 come out")
	}
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, "some-unit") && len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
}
