package show

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/assay-os/assay/report"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB", 1 << 20: "1.0 MiB", 3 << 30: "3.0 GiB", 1<<63 - 1: "8.0 EiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestLargest(t *testing.T) {
	got := largest([]report.Entry{
		{Path: "/usr/lib/a", Type: report.File, Size: 5}, {Path: "/usr/lib/x/b", Type: report.File, Size: 5}, {Path: "/etc/a/b/c", Type: report.File, Size: 7},
		{Path: "/f", Type: report.File, Size: 1}, {Path: "/usr/lib/l", Type: report.File, Size: 5, Hardlink: "/etc/x"}, {Path: "/usr/lib", Type: report.Directory, Size: 99},
		{Path: "partition 3:/EFI/x", Type: report.File, Size: 6},
	}, 3)
	if len(got) != 3 || got[0] != (bar{"/usr/lib", 10, "10 B"}) || got[1] != (bar{"/etc", 7, "7 B"}) || got[2] != (bar{"partition 3", 6, "6 B"}) {
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

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 5, ""},
		{"a bb ccc", 4, "a bb|ccc"},
		{"a  b", 9, "a b"},
		{"abcdefghij", 4, "abcd|efgh|ij"},
		{"x /usr/lib/systemd/system", 12, "x|/usr/lib/|systemd/|system"},
		{"日本語", 4, "日本|語"},
		{"日", 1, "日"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301e\u0301|e\u0301"},
	} {
		if got := strings.Join(wrap(c.text, c.width), "|"); got != c.want {
			t.Errorf("%q in %d: %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

// hostile has evil and long texts in every part of a page.
func hostile() *report.Report {
	evil := "x\x1b[31m\r\u202e\x9b"
	units := strings.Fields(strings.Repeat("some-unit-of-a-name.service ", 500))
	long := strings.Repeat("long", 100)
	return &report.Report{
		Subject: report.Subject{Kind: evil, Format: "\x9b"}, OSRelease: map[string]string{"NAME": evil + long},
		Disk: &report.Disk{Partitions: []report.Partition{{Label: evil}, {Label: long, Filesystem: &report.Filesystem{Type: long, Mountpoint: long}}},
			Mapped: []report.MappedDevice{{Name: evil + long, Type: long, Members: []string{long, long}}}},
		Container: &report.Container{User: evil, Entrypoint: []string{long}, Env: units, Labels: map[string]string{evil: long}},
		Boot:      []report.BootEntry{{Title: evil, Linux: evil, Options: evil}, {Title: long, Linux: long, Options: long, Default: true}},
		Users:     []report.User{{Name: evil, Shell: evil, Password: evil}, {Name: long, UID: 1 << 31, Shell: long, Password: "none"}},
		Services:  report.Services{Enabled: append(units, evil), DefaultTarget: evil},
		Files:     []report.Entry{{Path: report.Raw("/" + evil + "\xff/x"), Type: report.File}, {Path: report.Raw("/" + long + "/x"), Type: report.File, Size: 1 << 40}},
		Packages:  []report.Package{{Manager: evil}},
		Sections:  map[string]report.Section{"files": {Status: report.Unread, Reason: evil}, long: {Status: report.Unread, Reason: long}},
	}
}

// No control character comes out, every line fits, and no list is endless.
func TestTextFitsATerminal(t *testing.T) {
	for _, o := range []Options{{}, {Width: 1}, {Width: 40}, {Width: 80}, {Width: 200}, {Width: 200, Colour: true}} {
		var b bytes.Buffer
		if err := Text(&b, hostile(), o); err != nil {
			t.Fatal(err)
		}
		out := b.String()
		if !utf8.ValidString(out) {
			t.Error("bytes that are not UTF-8 come out")
		}
		if o.Colour {
			if !strings.Contains(out, "\x1b[1mHow it boots\x1b[0m\n") || !strings.Contains(out, "\x1b[1;31mWITHOUT A PASSWORD\x1b[0m") {
				t.Error("there is no colour")
			}
			for _, code := range []string{"1", "1;31", "33", "32", "2", "0"} {
				out = strings.ReplaceAll(out, "\x1b["+code+"m", "")
			}
		}
		if i := strings.IndexFunc(out, func(c rune) bool { return c != '\n' && report.Hidden(c) }); i >= 0 {
			t.Errorf("a control character: %q", out[i:min(i+20, len(out))])
		}
		width := map[bool]int{true: 80, false: max(o.Width, 40)}[o.Width == 0]
		for line := range strings.Lines(out) {
			if line = strings.TrimSuffix(line, "\n"); columns(line) > width || strings.HasSuffix(line, " ") {
				t.Fatalf("%d columns of %d: %q", columns(line), width, line)
			}
		}
		if n := strings.Count(out, "some-unit"); n > 2*maxNames {
			t.Errorf("%d names are listed", n)
		}
	}
}
