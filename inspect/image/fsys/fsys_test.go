package fsys_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// capability makes the attribute: revision with the effective bit, pairs of
// permitted and inheritable words, the root's id.
func capability(words ...uint32) []byte {
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

func TestCapabilityTextAgreesWithLibcap(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "getcap")
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	const effective, v2, v3 = 1, 0x02000000, 0x03000000
	for _, value := range [][]byte{
		capability(v2|effective, 1<<13, 0, 0, 0),
		capability(v2, 1<<13, 0, 0, 0),
		capability(v2, 0, 1<<10, 0, 1<<2),
		capability(v2|effective, 1<<10|1<<13, 1<<13, 1<<6, 0),
		capability(v2|effective, 0xffffffff, 0, 0x1ff, 0),
		capability(v2|effective, 0xfffffffe, 0, 0x1ff, 0),
		capability(v2, 0xffffffff, 0xffffffff, 0x1ff, 0x1ff),
		capability(v2|effective, 0xffff0000, 0xff, 0x1ff, 0),
		capability(v3|effective, 1<<21, 0, 0, 0, 100000),
		capability(v3, 1<<0, 1<<0, 1<<8, 0, 70001),
	} {
		if err := unix.Setxattr(path, "security.capability", value, 0); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("getcap", "-n", path).CombinedOutput()
		if err != nil {
			t.Fatalf("getcap: %v: %s", err, out)
		}
		want := strings.TrimSpace(strings.TrimPrefix(string(out), path))
		got, err := fsys.CapabilityText(value)
		if err != nil || got != want {
			t.Errorf("%x: %q, %v; getcap says %q", value, got, err, want)
		}
	}
}

func TestCapabilityTextRefuses(t *testing.T) {
	for _, value := range [][]byte{nil, {1, 2}, capability(0x02000000), capability(0x04000000, 0, 0, 0, 0), bytes.Repeat([]byte{2}, 24)} {
		if text, err := fsys.CapabilityText(value); err == nil {
			t.Errorf("%x is %q", value, text)
		}
	}
	if text, err := fsys.CapabilityText(capability(0x01000001, 1<<7, 0)); err != nil || text != "cap_setuid=ep" {
		t.Errorf("version 1: %q, %v", text, err)
	}
}

func TestSetXattrsDecodes(t *testing.T) {
	var n fsys.Node
	n.SetXattrs(map[string]report.Raw{
		"security.selinux":    "system_u:object_r:bin_t:s0\x00",
		"security.capability": report.Raw(capability(0x02000001, 1<<13, 0, 0, 0)),
	})
	if n.SELinux != "system_u:object_r:bin_t:s0" || n.Capabilities != "cap_net_raw=ep" || len(n.Xattrs) != 2 {
		t.Errorf("%+v", n)
	}
}

func TestACLTextAgreesWithGetfacl(t *testing.T) {
	fixtures.RequireTool(t, "setfacl")
	fixtures.RequireTool(t, "getfacl")
	path := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(path, 0o751); err != nil {
		t.Fatal(err)
	}
	for _, rule := range []string{"u:4294967294:rwx,g:0:--x,u:7:r", "d:u::rx,d:g::-,d:o::x,d:u:1234567:rwx,d:m::r"} {
		if out, err := exec.Command("setfacl", "-m", rule, path).CombinedOutput(); err != nil {
			t.Fatalf("setfacl: %v: %s", err, out)
		}
	}
	for attr, flag := range map[string]string{"system.posix_acl_access": "-a", "system.posix_acl_default": "-d"} {
		out, err := exec.Command("getfacl", "-ncE", flag, path).Output()
		if err != nil {
			t.Fatalf("getfacl: %v", err)
		}
		want := strings.ReplaceAll(strings.TrimSpace(strings.ReplaceAll(string(out), "default:", "")), "\n", ",")
		value := make([]byte, 1024)
		n, err := unix.Getxattr(path, attr, value)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fsys.ACLText(value[:n]); err != nil || got != want {
			t.Errorf("%s: %q, %v; getfacl says %q", attr, got, err, want)
		}
	}
}

func TestACLTextRefuses(t *testing.T) {
	for _, value := range []string{"", "\x02\x00\x00", "\x01\x00\x00\x00", "\x02\x00\x00\x00\x01", "\x02\x00\x00\x00\x03\x00\x07\x00\xff\xff\xff\xff", "\x02\x00\x00\x00\x01\x00\x08\x00\xff\xff\xff\xff"} {
		if text, err := fsys.ACLText([]byte(value)); err == nil {
			t.Errorf("%q is %q", value, text)
		}
	}
}

func TestReasonsAreOneLine(t *testing.T) {
	first := errors.New("first")
	var n fsys.Node
	n.Fail(nil)
	if n.Err != nil {
		t.Error(n.Err)
	}
	n.Fail(first)
	n.Fail(fmt.Errorf("second"))
	if n.Err.Error() != "first; second" || !errors.Is(n.Err, first) {
		t.Error(n.Err)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{"a": true, "...": true, "a\n\xff": true, "": false, ".": false, "..": false, "a/b": false, "a\x00": false} {
		if fsys.ValidName(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
	if fsys.Join("/", "a") != "/a" || fsys.Join("/a", "b") != "/a/b" {
		t.Error("join")
	}
}
