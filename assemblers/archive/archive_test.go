package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/report"
)

// noFiles is a source whose files cannot be opened.
type noFiles struct{}

func (noFiles) OpenFile(name string, _ int, _ report.Mode) (*os.File, error) {
	return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
}

func write(entries []report.Entry, edit func(*Spec)) (*tar.Reader, string, error) {
	var out, log bytes.Buffer
	s := Spec{
		Source: noFiles{}, Entries: entries, Format: tar.FormatPAX, ACLs: true, SELinux: true, Xattrs: true,
		Prefix: "./", Root: true, Log: &log,
	}
	if edit != nil {
		edit(&s)
	}
	err := Write(context.Background(), &out, s)
	return tar.NewReader(&out), log.String(), err
}

const acl = "\x02\x00\x00\x00" +
	"\x01\x00\x07\x00\xff\xff\xff\xff" + "\x02\x00\x06\x00\x05\x00\x00\x00" + "\x04\x00\x05\x00\xff\xff\xff\xff" +
	"\x08\x00\x01\x00\xe8\x03\x00\x00" + "\x10\x00\x07\x00\xff\xff\xff\xff" + "\x20\x00\x00\x00\xff\xff\xff\xff"

const aclLong = "user::rwx\nuser:5:rw-\ngroup::r-x\ngroup:1000:--x\nmask::rwx\nother::---\n"

func TestACLText(t *testing.T) {
	got, err := aclText(acl)
	if err != nil || got != aclLong {
		t.Errorf("got %q, %v; want %q", got, err, aclLong)
	}
	for _, bad := range []string{"", "\x02\x00\x00", "\x01\x00\x00\x00", acl[:10], "\x02\x00\x00\x00\x40\x00\x07\x00\xff\xff\xff\xff"} {
		if text, err := aclText(bad); err == nil {
			t.Errorf("%q was read as %q", bad, text)
		}
	}
}

func TestAttributes(t *testing.T) {
	label := report.Raw("system_u:object_r:etc_t:s0\x00")
	entries := []report.Entry{{Path: "/", Type: report.Directory, Mtime: time.Unix(7, 9), Xattrs: map[string]report.Raw{
		"user.a": "\x00b", "security.selinux": label, "system.posix_acl_access": acl,
	}}}
	all := map[string]string{
		"SCHILY.xattr.user.a": "\x00b", "SCHILY.xattr.security.selinux": string(label), "RHT.security.selinux": strings.TrimRight(string(label), "\x00"),
		"SCHILY.xattr.system.posix_acl_access": acl, "SCHILY.acl.access": aclLong,
	}
	tests := []struct {
		name string
		edit func(*Spec)
		drop string
	}{
		{"all", nil, ""},
		{"no acls", func(s *Spec) { s.ACLs = false }, "acl"},
		{"no selinux", func(s *Spec) { s.SELinux = false }, "selinux"},
		{"no xattrs", func(s *Spec) { s.Xattrs = false }, "user"},
	}
	for _, tt := range tests {
		r, _, err := write(entries, tt.edit)
		if err != nil {
			t.Fatal(err)
		}
		h, err := r.Next()
		if err != nil || h.Name != "./" || !h.ModTime.Equal(time.Unix(7, 0)) {
			t.Fatalf("%s: %+v, %v", tt.name, h, err)
		}
		for key, want := range all {
			got, ok := h.PAXRecords[key]
			dropped := tt.drop != "" && strings.Contains(key, tt.drop)
			if ok == dropped || ok && got != want {
				t.Errorf("%s: %s is %q (%v)", tt.name, key, got, ok)
			}
		}
	}
}

func TestWriteErrors(t *testing.T) {
	dir := report.Entry{Path: "/a", Type: report.Directory}
	tests := []struct {
		name  string
		entry func(*report.Entry)
		want  string
	}{
		{"attribute name", func(e *report.Entry) { e.Xattrs = map[string]report.Raw{"user.a=b": "x"} }, "archive /a: attribute"},
		{"acl", func(e *report.Entry) { e.Xattrs = map[string]report.Raw{"system.posix_acl_default": "x"} }, "it is no ACL"},
		{"device", func(e *report.Entry) { e.Type, e.Device = report.Char, "x" }, "is not MAJOR:MINOR"},
		{"type", func(e *report.Entry) { e.Type = "door" }, `type "door" has no place`},
		{"missing", func(e *report.Entry) { e.Type = report.File }, "file does not exist"},
	}
	for _, tt := range tests {
		e := dir
		tt.entry(&e)
		if _, _, err := write([]report.Entry{e}, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q in it", tt.name, err, tt.want)
		}
	}
}

func TestSocketsAreTold(t *testing.T) {
	r, log, err := write([]report.Entry{{Path: "/run/s", Type: report.Socket}}, nil)
	if err != nil || !strings.Contains(log, "/run/s: a socket") {
		t.Errorf("log %q, %v", log, err)
	}
	if h, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("the archive holds %+v, %v", h, err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := Write(ctx, io.Discard, Spec{Entries: []report.Entry{{Path: "/", Type: report.Directory}}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
