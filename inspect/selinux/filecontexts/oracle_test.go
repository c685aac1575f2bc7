package filecontexts

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

// lookupProgram asks libselinux itself, many paths at once: its arguments are the library
// and the file of contexts, its input MODE NUL PATH NUL and so on.
const lookupProgram = `
import ctypes, sys
lib = ctypes.CDLL(sys.argv[1], use_errno=True)
class Option(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("value", ctypes.c_char_p)]
lib.selabel_open.restype = ctypes.c_void_p
lib.selabel_lookup_raw.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_char_p, ctypes.c_int]
handle = lib.selabel_open(0, (Option * 1)(Option(3, sys.argv[2].encode())), 1)
if not handle:
    sys.exit("selabel_open: error %d" % ctypes.get_errno())
context = ctypes.c_char_p()
data = sys.stdin.buffer.read().split(b"\0")
for i in range(0, len(data) - 1, 2):
    found = lib.selabel_lookup_raw(handle, ctypes.byref(context), data[i + 1], int(data[i], 8)) == 0
    sys.stdout.buffer.write((context.value if found else b"") + b"\n")
`

type query struct {
	path string
	kind report.Type
}

var modes = map[report.Type]uint32{
	"": 0, report.Block: 0o060000, report.Char: 0o020000, report.Directory: 0o040000, report.FIFO: 0o010000,
	report.Symlink: 0o120000, report.Socket: 0o140000, report.File: 0o100000,
}

// allTypes are the types of files, and none of them.
var allTypes = []report.Type{"", report.Block, report.Char, report.Directory, report.FIFO, report.Symlink, report.Socket, report.File}

// everyType asks for each path as each type.
func everyType(paths []string) []query {
	var list []query
	for _, path := range paths {
		for _, t := range allTypes {
			list = append(list, query{path, t})
		}
	}
	return list
}

// askLibrary gives what libselinux says to each query; "" where it has no label.
func askLibrary(t testing.TB, library, contexts string, queries []query) []string {
	t.Helper()
	fixtures.RequireTool(t, "python3", "matchpathcon")
	var in bytes.Buffer
	for _, q := range queries {
		fmt.Fprintf(&in, "%o\x00%s\x00", modes[q.kind], q.path)
	}
	cmd := exec.Command("python3", "-c", lookupProgram, library, contexts)
	cmd.Stdin = &in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ask libselinux about %s: %v\n%s", contexts, err, &stderr)
	}
	answers := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(answers) != len(queries) {
		t.Fatalf("libselinux gave %d answers to %d queries\n%s", len(answers), len(queries), &stderr)
	}
	return answers
}

// load reads a policy's files that stand beside the file contexts.
func load(t testing.TB, contexts string, rules Rules) *Set {
	t.Helper()
	read := func(suffix string) []byte {
		text, err := os.ReadFile(contexts + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return text
	}
	set, err := Parse(Files{
		Base: read(""), Homedirs: read(".homedirs"), Local: read(".local"), Subs: read(".subs"), SubsDist: read(".subs_dist"),
	}, rules)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// compare holds the set to libselinux.
func compare(t *testing.T, set *Set, library, contexts string, queries []query) {
	t.Helper()
	want := askLibrary(t, library, contexts, queries)
	m, wrong, labelled := set.Matcher(), 0, 0
	for i, q := range queries {
		got, err := m.Lookup(q.path, q.kind)
		if err != nil {
			t.Fatalf("%q as %q: %v", q.path, q.kind, err)
		}
		if got.Context != "" {
			labelled++
		}
		if got.Context == want[i] {
			continue
		}
		if wrong++; wrong <= 20 {
			t.Errorf("%q as %q is %q by %+v, libselinux says %q", q.path, q.kind, got.Context, got.Spec, want[i])
		}
	}
	t.Logf("%d queries, %d with a label, %d wrong; %d lines, %d work, %d MB", len(queries), labelled, wrong, len(set.Specs()), m.budget.work, m.budget.memory>>20)
	if labelled < len(queries)/10 {
		t.Errorf("only %d of %d queries have a label: the test is too weak", labelled, len(queries))
	}
}

// realPaths are the paths of this machine, one of each stride.
func realPaths(t testing.TB, stride int) []string {
	t.Helper()
	var list []string
	n := 0
	for _, root := range []string{"/usr", "/etc", "/var", "/root"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if n++; n%stride == 0 {
				list = append(list, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// inventedPaths are paths that hit each line of the set, and near misses.
func inventedPaths(set *Set, variants, stride int) []string {
	var list []string
	for i, s := range set.Specs() {
		if i%stride != 0 {
			continue
		}
		for _, path := range matching(s.Regex, variants) {
			list = append(list, path, path+"/below", path+"x")
		}
		list = append(list, "/usr/lib"+s.stem+"/x", "//usr//lib64/./"+s.stem+"/")
	}
	return list
}

// TestDebian holds the look-up to libselinux on Debian's policy: paths of this
// machine and invented ones for its lines, as every type of file.
func TestDebian(t *testing.T) {
	requirePolicy(t)
	set := load(t, debianPolicy, Until37)
	if problems := set.Problems(); len(problems) > 0 {
		t.Errorf("problems in Debian's policy: %v", problems)
	}
	stride := 800
	if full() {
		stride = 1
	}
	queries := everyType(append(inventedPaths(set, 3, 1+stride/10), realPaths(t, stride)...))
	compare(t, set, "libselinux.so.1", debianPolicy, queries)
	if library := newerLibrary(); library != "" {
		compare(t, load(t, debianPolicy, Since38), library, debianPolicy, queries)
	}
}

func requirePolicy(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(debianPolicy); err != nil {
		fixtures.Missing(t, "selinux-policy-default is not installed")
	}
}

func full() bool { return os.Getenv("ASSAY_FULL") == "1" }
