package policy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

const debianPolicy = "/etc/selinux/default/policy/policy.33"

func debian(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(debianPolicy)
	if err != nil {
		fixtures.Missing(t, "selinux-policy-default is not installed")
	}
	return data
}

// checked gives the statements that checkpolicy(8) makes of the policy again.
func checked(t *testing.T, file string) string {
	t.Helper()
	fixtures.RequireTool(t, "checkpolicy")
	out := filepath.Join(t.TempDir(), "out.cil")
	if text, err := exec.Command("checkpolicy", "-b", "-M", file, "-C", "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("checkpolicy: %v\n%s", err, text)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// statements gives the first word after each statement of the kind, sorted.
func statements(text, kind string) []string {
	var list []string
	for _, m := range regexp.MustCompile(`(?m)^\(`+kind+` ([^\n]*?)\)$`).FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	slices.Sort(list)
	return list
}

// TestDebian holds what is read to what checkpolicy makes of the same policy.
func TestDebian(t *testing.T) {
	p, err := Read(bytes.NewReader(debian(t)))
	if err != nil {
		t.Fatal(err)
	}
	text := checked(t, debianPolicy)
	var booleans []string
	for _, b := range p.Booleans {
		booleans = append(booleans, b.Name+" "+map[bool]string{true: "true", false: "false"}[b.Default])
	}
	slices.Sort(booleans)
	for _, c := range []struct {
		kind string
		got  []string
	}{
		{"boolean", booleans}, {"type", p.Types}, {"user", p.Users}, {"role", p.Roles}, {"policycap", p.Capabilities},
		{"typepermissive", p.Permissive}, {"sensitivity", p.Sensitivities}, {"category", p.Categories},
		{"handleunknown", []string{p.HandleUnknown}}, {"mls", []string{map[bool]string{true: "true", false: "false"}[p.MLS]}},
	} {
		want := statements(text, c.kind)
		if c.kind == "type" {
			want = slices.Concat(want, statements(text, "typealias"))
			slices.Sort(want)
		}
		if !slices.Equal(c.got, want) {
			t.Errorf("%s: %d %.200q, checkpolicy has %d %.200q", c.kind, len(c.got), c.got, len(want), want)
		}
	}
	if p.Version != 33 || p.Target != "SE Linux" || len(p.Booleans) < 200 {
		t.Errorf("version %d for %s with %d booleans", p.Version, p.Target, len(p.Booleans))
	}
}

// TestSmall reads policies that checkpolicy compiles from a few lines, in each
// version that it writes.
func TestSmall(t *testing.T) {
	fixtures.RequireTool(t, "checkpolicy")
	dir := t.TempDir()
	source := filepath.Join(dir, "policy.conf")
	if err := os.WriteFile(source, []byte(smallPolicy), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"24", "26", "27", "28", "29", "30", "31", "32", "33"} {
		out := filepath.Join(dir, "policy."+version)
		if text, err := exec.Command("checkpolicy", "-M", "-U", "reject", "-c", version, "-o", out, source).CombinedOutput(); err != nil {
			t.Fatalf("checkpolicy -c %s: %v\n%s", version, err, text)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Read(bytes.NewReader(data))
		if err != nil {
			t.Errorf("version %s: %v", version, err)
			continue
		}
		if got := strings.Join(slices.Concat(p.Types, p.Permissive, p.Users, p.Roles, p.Capabilities, p.Sensitivities, p.Categories), " "); got !=
			"a_alias_t a_t b_t b_t u_u object_r r_r open_perms s0 c0 c1" {
			t.Errorf("version %s: names %q", version, got)
		}
		if !slices.Equal(p.Booleans, []Boolean{{"off", false}, {"on", true}}) || p.HandleUnknown != "reject" || !p.MLS {
			t.Errorf("version %s: %+v", version, p)
		}
	}
}

const smallPolicy = `
class file
class process
sid kernel
common things { create }
class file inherits things { read write }
class process { transition }
sensitivity s0;
dominance { s0 }
category c0;
category c1;
level s0:c0.c1;
mlsconstrain file { read } ( l1 dom l2 or t1 == b_t );
policycap open_perms;
attribute domain;
type a_t, domain;
type b_t, domain;
typealias a_t alias a_alias_t;
permissive b_t;
bool on true;
bool off false;
role r_r;
role r_r types { a_t b_t };
if (on) { allow a_t b_t:file read; }
allow a_t b_t:file write;
user u_u roles { r_r } level s0 range s0 - s0:c0.c1;
constrain file { write } ( u1 == u2 or t2 == { a_t b_t } );
sid kernel u_u:r_r:a_t:s0
`

// TestBroken cuts a policy at each byte of its tables, and spoils its header.
func TestBroken(t *testing.T) {
	data := debian(t)
	p, err := Read(bytes.NewReader(data[:4096]))
	if p == nil || !errors.Is(err, errTruncated) || p.Version != 33 {
		t.Errorf("a policy cut after its header: %+v, %v", p, err)
	}
	for n := range 600 {
		if _, err := Read(bytes.NewReader(data[:n])); err == nil {
			t.Fatalf("%d bytes of a policy are read without an error", n)
		}
	}
	for _, c := range []struct {
		name string
		at   int
		to   uint32
		want string
	}{
		{"magic", 0, 0xf97cff8d, "magic"},
		{"identifier", 4, 1 << 30, "name of"},
		{"version", 16, 99, "version 99"},
		{"tables", 24, 7, "7 symbol tables"},
		{"bitmap", 32, 32, "bitmap"},
		{"bits", 36, 1 << 30, "bitmap"},
	} {
		spoilt := slices.Clone(data)
		binary.LittleEndian.PutUint32(spoilt[c.at:], c.to)
		if _, err := Read(bytes.NewReader(spoilt)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// FuzzRead reads what may be no policy.
func FuzzRead(f *testing.F) {
	if data, err := os.ReadFile(debianPolicy); err == nil {
		f.Add(data[:2000])
	}
	f.Add([]byte("\x8c\xff\x7c\xf9\x08\x00\x00\x00SE Linux\x21\x00\x00\x00\x05\x00\x00\x00\x08\x00\x00\x00\x09\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Read(bytes.NewReader(data))
		if p == nil && err == nil {
			t.Fatal("neither a policy nor an error")
		}
		if p != nil && len(p.Types) > len(data) {
			t.Fatalf("%d types from %d bytes", len(p.Types), len(data))
		}
	})
}
