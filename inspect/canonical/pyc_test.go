package canonical_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/canonical"
	"github.com/assay-os/assay/report"
)

const module = `
"""A module with what a compiler can order as it likes."""
import os
NAMES = {"a", "b", "c", "d", "e", "f"}
def f(x, *, y=1.5, z=10**30):
    if x in {"alpha", "beta", "gamma", "delta", "epsilon"}:
        return [i for i in range(x) if i in (1, 2, "alpha")]
    return os.path.join(b"x".decode(), "alpha", f"{y}")
class C:
    def m(self): return lambda: (self, None, True, ..., 1j)
`

// compile has Python compile the source with a seed for its hashes, in a
// directory where the source has the time.
func compile(t *testing.T, source, seed, mode string, mtime int64) []byte {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{"m.py": source})
	if err := os.Chtimes(filepath.Join(dir, "m.py"), time.Unix(mtime, 0), time.Unix(mtime, 0)); err != nil {
		t.Fatal(err)
	}
	run(t, dir, nil, "env", "PYTHONHASHSEED="+seed, python(t), "-c",
		"import py_compile; py_compile.compile('m.py', 'm.pyc', '/usr/lib/python3/m.py', invalidation_mode=py_compile.PycInvalidationMode."+mode+")")
	data, err := os.ReadFile(filepath.Join(dir, "m.pyc"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// python is the distribution's interpreter where there is one.
func python(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("/usr/bin/python3"); err == nil {
		return "/usr/bin/python3"
	}
	fixtures.RequireTool(t, "python3")
	return "python3"
}

const compiled = "/usr/lib/python3/__pycache__/m.cpython-311.pyc"

// beside gives a rule the source of a compiled module.
func beside(mtime, size int64) func(string) *report.Entry {
	return func(name string) *report.Entry {
		if name != "../m.py" {
			return nil
		}
		return &report.Entry{Type: report.File, Mtime: time.Unix(mtime, 0), Size: size}
	}
}

func TestPyc(t *testing.T) {
	a := compile(t, module, "1", "TIMESTAMP", 1000)
	changed := strings.Replace(module, "10**30", "10**31", 1)
	form := func(data []byte, lookup func(string) *report.Entry) string {
		t.Helper()
		c, err := try(compiled, data, lookup)
		if err != nil || c == nil || c.Rule != "pyc" {
			t.Fatalf("%v, %v", c, err)
		}
		return c.Digest
	}
	size := int64(len(module))
	valid := form(a, beside(1000, size))
	for seed := range 6 {
		b := compile(t, module, string(rune('2'+seed)), "TIMESTAMP", 2000)
		if got := form(b, beside(2000, size)); got != valid {
			t.Errorf("seed %d, another time in header and source: digests differ", seed)
		}
	}
	for what, got := range map[string]string{
		"stale by time":   form(a, beside(1001, size)),
		"stale by size":   form(a, beside(1000, size+1)),
		"without source":  form(a, func(string) *report.Entry { return nil }),
		"by hash":         form(compile(t, module, "1", "CHECKED_HASH", 1000), beside(1000, size)),
		"by hash, blind":  form(compile(t, module, "1", "UNCHECKED_HASH", 1000), beside(1000, size)),
		"a constant":      form(compile(t, changed, "1", "TIMESTAMP", 1000), beside(1000, size)),
		"an empty source": form(compile(t, "", "1", "TIMESTAMP", 1000), beside(1000, 0)),
	} {
		if got == valid {
			t.Errorf("%s: equal digests", what)
		}
	}
	h := compile(t, module, "1", "CHECKED_HASH", 1)
	same(t, "what refers to what", compiled, h, rewrite(t, h))
}

// rewrite has Python read a module and write it again: the code is the same,
// but other objects of it are shared.
func rewrite(t *testing.T, data []byte) []byte {
	t.Helper()
	return run(t, "", data, python(t), "-c",
		"import sys, marshal; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(d[:16] + marshal.dumps(marshal.loads(d[16:])))")
}

// TestPycMutations flips every byte of a module: no form may stay the same
// but where only sharing or unused bits change, and nothing may panic.
func TestPycMutations(t *testing.T) {
	data := compile(t, "X = ('a', 1, 2.5)\n", "1", "CHECKED_HASH", 1)
	base := apply(t, compiled, data).Digest
	for i := range data {
		for _, bit := range []byte{1, 2, 4, 8, 16, 32, 64} {
			bad := append([]byte{}, data...)
			bad[i] ^= bit
			c, err := try(compiled, bad, nil)
			if err == nil && c != nil && c.Digest == base && !sameKind(data[i], bad[i]) {
				t.Errorf("byte %d: %#x instead of %#x gives the same form", i, bad[i], data[i])
			}
		}
	}
	if binary.LittleEndian.Uint16(data) == 0 {
		t.Error("no magic")
	}
}

// sameKind tells whether two bytes can be the types of one string object.
func sameKind(a, b byte) bool {
	const strings4, strings1 = "uaAt", "zZ"
	a, b = a&0x7f, b&0x7f
	return strings.IndexByte(strings4, a) >= 0 && strings.IndexByte(strings4, b) >= 0 ||
		strings.IndexByte(strings1, a) >= 0 && strings.IndexByte(strings1, b) >= 0
}

// TestPycLatin: bytes beyond ASCII are another text in an ASCII string, which
// CPython reads as Latin-1, than in a Unicode string.
func TestPycLatin(t *testing.T) {
	const header = "\xa7\x0d\r\n\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	if c, err := try("/x.pyc", []byte(header+"u\x02\x00\x00\x00\xc3\xa9"), nil); c == nil || err != nil {
		t.Errorf("a Unicode string: %v", err)
	}
	for _, text := range []string{"a\x02\x00\x00\x00\xc3\xa9", "Z\x02\xc3\xa9"} {
		if c, err := try("/x.pyc", []byte(header+text), nil); c != nil || !errors.Is(err, canonical.ErrMalformed) {
			t.Errorf("%q: %v, %v; want ErrMalformed", text, c, err)
		}
	}
}
