package selinux

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/selinux/filecontexts"
	"github.com/assay-os/assay/inspect/selinux/policy"
	"github.com/assay-os/assay/report"
)

// configs are configurations with what libselinux reads in them.
var configs = []struct{ text, mode, policy string }{
	{"", unset, "targeted"},
	{"SELINUX=enforcing\nSELINUXTYPE=mls\n", enforcing, "mls"},
	{"# a comment\nSELINUX=permissive", permissive, "targeted"},
	{"SELINUX=disabled\nSELINUX=enforcing\n", disabled, "targeted"},
	{"SELINUX=nothing\nSELINUX=Enforcing and more\n", enforcing, "targeted"},
	{" SELINUX=enforcing\nSELINUX= \t permissive\n", permissive, "targeted"},
	{"selinux=enforcing\nselinuxtype=x\n", unset, "x"},
	{"  SELINUXTYPE=  y \t\r\nSELINUXTYPE=z\x01\n", unset, "z"},
	{"SELINUX=\"enforcing\"\nSELINUXTYPE=\"q\"\n", unset, "\"q\""},
	{"#SELINUXTYPE=a\n#SELINUX=enforcing\n", unset, "targeted"},
	{"SELINUXTYPE=a\nSELINUXTYPE=b\n", unset, "b"},
}

func TestParseConfig(t *testing.T) {
	for _, c := range configs {
		got, err := parseConfig([]byte(c.text))
		if err != nil || got.mode != c.mode || got.policy != c.policy {
			t.Errorf("%q is %q, %q, %v; want %q, %q", c.text, got.mode, got.policy, err, c.mode, c.policy)
		}
	}
}

// configProgram asks libselinux for the mode and the type.
const configProgram = `
import ctypes
lib = ctypes.CDLL("libselinux.so.1")
mode, name = ctypes.c_int(-9), ctypes.c_char_p()
known = lib.selinux_getenforcemode(ctypes.byref(mode)) == 0
lib.selinux_getpolicytype(ctypes.byref(name))
print({1: "enforcing", 0: "permissive", -1: "disabled"}[mode.value] if known else "unset", name.value.decode())
`

// TestConfigAsLibselinux asks libselinux about each configuration, which it sees
// in the place of this machine's.
func TestConfigAsLibselinux(t *testing.T) {
	t.Parallel()
	fixtures.RequireTool(t, "bwrap", "python3")
	fixtures.RequireRoot(t)
	dir := t.TempDir()
	for _, c := range configs {
		if err := os.WriteFile(filepath.Join(dir, "config"), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/etc/selinux", "--ro-bind", filepath.Join(dir, "config"), "/etc/selinux/config",
			"python3", "-c", configProgram).CombinedOutput()
		if err != nil {
			t.Fatalf("libselinux: %v\n%s", err, out)
		}
		if got := strings.TrimSpace(string(out)); got != c.mode+" "+c.policy {
			t.Errorf("%q: libselinux says %q, want %q %q", c.text, got, c.mode, c.policy)
		}
	}
}

func TestModeAtBoot(t *testing.T) {
	for _, c := range []struct{ mode, options, want string }{
		{enforcing, "ro quiet", enforcing},
		{unset, "ro", permissive},
		{enforcing, "selinux=0 enforcing=1", disabled},
		{enforcing, "enforcing=0", permissive},
		{permissive, "enforcing=1", enforcing},
		{permissive, "enforcing=1 enforcing=0", enforcing},
		{disabled, "enforcing=1 selinux=1", disabled},
		{enforcing, "security=apparmor", disabled},
		{permissive, "security=selinux selinux=1", permissive},
		{enforcing, "lsm=lockdown,yama,bpf", disabled},
		{enforcing, "lsm=lockdown,yama,selinux,bpf", enforcing},
		{unset, "enforcing=1", enforcing},
		{permissive, "enforcing=", permissive},
	} {
		arguments := kernelArguments([]report.BootEntry{{Options: "selinux=0"}, {Options: "root=x " + c.options, Default: true}})
		if got := modeAtBoot(c.mode, arguments); got != c.want {
			t.Errorf("%s with %q is %s at boot, want %s", c.mode, c.options, got, c.want)
		}
	}
	if got := kernelArguments([]report.BootEntry{{Options: "selinux=0"}, {Options: "selinux=0"}}); got != nil {
		t.Errorf("of two entries without a default one, %q are taken", got)
	}
}

func TestRulesOf(t *testing.T) {
	for version, want := range map[string]filecontexts.Rules{
		"3.4-1+b6": filecontexts.Until37, "3.7": filecontexts.Until37, "3.8-1": filecontexts.Since38, "0:3.8.1-2.fc42": filecontexts.Since38,
		"3.10-1": filecontexts.Since38, "4.0": filecontexts.Since38, "2.9-1.el8": filecontexts.Until37, "strange": filecontexts.Until37, "": filecontexts.Until37,
	} {
		if got := rulesOf([]report.Package{{Name: "bash", Version: "9.9"}, {Name: "libselinux1", Version: version}}); got != want {
			t.Errorf("libselinux %q has rules %d, want %d", version, got, want)
		}
	}
}

func TestDifference(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"u:r:t:s0", "u:r:t:s0", ""},
		{"u:r:t:s0", "u:r:x:s0", "type"},
		{"u:x:t:s0", "u:r:t:s0", "role"},
		{"x:r:t:s0", "u:r:t:s0", "user"},
		{"x:x:x:s0", "u:r:t:s0", "type"},
		{"u:r:t:s0", "u:r:t:s1", "range"},
		{"u:r:t:s0", "u:r:t", "range"},
		{"u:r:t:s0-s0", "u:r:t:s0", ""},
		{"u:r:t:s0:c0.c2", "u:r:t:s0:c0,c1,c2", ""},
		{"u:r:t:s0:c0.c2-s1:c0.c9", "u:r:t:s0:c2,c0.c1-s1:c9,c0.c8", ""},
		{"u:r:t:s0:c0.c2-s1:c0.c9", "u:r:t:s0:c0.c2-s1:c0.c8", "range"},
		{"u:r:t:s0:c0", "u:r:t:s0", "range"},
		{"u:r:t:SystemHigh", "u:r:t:s0", "range"},
		{"u:r:t:s0:c99999999999", "u:r:t:s0:c1", "range"},
		{"u:r:t:s0:c0.c2000000000", "u:r:t:s0:c0.c2000000000,c7", ""},
		{"u:r:t:s0:c5.c3", "u:r:t:s0:c3.c5", "range"},
	} {
		if got := difference(c.a, c.b); got != c.want {
			t.Errorf("%s and %s differ in %q, want %q", c.a, c.b, got, c.want)
		}
	}
}

// TestValid holds the check of contexts to libsepol's on Debian's policy. Which
// names may stand together it does not ask, so pairs that may not are left out.
func TestValid(t *testing.T) {
	t.Parallel()
	const file = "/etc/selinux/default/policy/policy.33"
	f, err := os.Open(file)
	if err != nil {
		fixtures.Missing(t, "selinux-policy-default is not installed")
	}
	defer f.Close()
	p, err := policy.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	labels := []string{
		"system_u:object_r:bin_t:s0", "system_u:object_r:bin_t", "system_u:object_r:bin_t:s1", "system_u:object_r:bin_t:s0:c0.c1023", "system_u:object_r:bin_t:s0:c1024",
		"system_u:object_r:bin_t:s0:c0,c5.c7", "system_u:object_r:bin_t:s0-s0:c3", "system_u:object_r:file_type:s0", "nobody_u:object_r:bin_t:s0", "system_u:nobody_r:bin_t:s0",
		"unconfined_u:object_r:user_home_t:s0", "nonsense", "a:b", "system_u:object_r::s0", "system_u:object_r:bin_t:", "system_u:object_r:bin_t:s0-", "system_u:object_r:bin_t:s0:",
	}
	out := fixtures.Run(t, append([]string{"python3", "-c", validProgram, file}, labels...)...)
	names := namesOf(p)
	for i, answer := range strings.Fields(out) {
		if got := names.valid(labels[i]); got != (answer == "True") {
			t.Errorf("%q is valid: %v, libsepol says %s", labels[i], got, answer)
		}
	}
	if !slices.Contains(strings.Fields(out), "True") {
		t.Errorf("libsepol finds none valid:\n%s", out)
	}
}

// validProgram asks libsepol whether contexts are valid in a policy.
const validProgram = `
import ctypes, os, sys
lib = ctypes.CDLL("libsepol.so.2")
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
lib.sepol_set_policydb_from_file.argtypes = [ctypes.c_void_p]
os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
if lib.sepol_set_policydb_from_file(libc.fopen(sys.argv[1].encode(), b"r")):
    sys.exit("the policy is not read")
for label in sys.argv[2:]:
    print(lib.sepol_check_context(label.encode()) == 0)
`

func FuzzParseConfig(f *testing.F) {
	for _, c := range configs {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseConfig(data)
		if err == nil && !slices.Contains([]string{enforcing, permissive, disabled, unset}, c.mode) {
			t.Fatalf("mode is %q", c.mode)
		}
	})
}

func FuzzDifference(f *testing.F) {
	f.Add("u:r:t:s0:c0.c2-s1:c0.c9", "u:r:t:s0:c2,c0.c1-s1:c9,c0.c8")
	f.Fuzz(func(t *testing.T, a, b string) {
		var none *names
		if !none.valid(a) || !none.valid(b) {
			return
		}
		if difference(a, b) != difference(b, a) {
			t.Fatalf("%q and %q differ in %q, but the other way in %q", a, b, difference(a, b), difference(b, a))
		}
	})
}
