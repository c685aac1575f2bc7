package store

import "testing"

// TestRenamedDirectory: a directory of the base may be renamed where trees are
// copies, with a file in it that has a name elsewhere.
func TestRenamedDirectory(t *testing.T) {
	d := openTest(t, onTmpfs(t, ""), Copy)
	base, _ := step(t, d, EmptyTree(), "k1", edits(mkdir("d"), write("d/c", "one\n"), link("d/c", "b"), write("d/f", "")))
	base, _ = step(t, d, base, "k2", rename("d", "e"))
	want := map[string]string{"/": "directory 0755 0:0", "/e": "directory 0755 0:0", "/e/f": "file 0644 0:0 0 " + sumEmpty,
		"/b": "file 0644 0:0 4 " + sumOne + " = /b", "/e/c": "file 0644 0:0 4 " + sumOne + " = /b"}
	sameTree(t, "renamed", tree(t, d, base), want)
	base, _ = step(t, d, base, "k3", edits(expectLinks("b", 2), chmod("e/c", 0o600), expectMode("b", 0o600)))
	want["/b"], want["/e/c"] = "file 0600 0:0 4 "+sumOne+" = /b", "file 0600 0:0 4 "+sumOne+" = /b"
	sameTree(t, "changed after that", tree(t, d, base), want)
}
