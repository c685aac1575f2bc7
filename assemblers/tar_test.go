package assemblers

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/assay-os/assay/assemblers/treetest"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

// withoutSockets is what a tar can hold.
func withoutSockets(entries []report.Entry) []report.Entry {
	var out []report.Entry
	for _, e := range entries {
		if e.Type != report.Socket {
			out = append(out, e)
		}
	}
	return out
}

// unpacked is what GNU tar makes of an archive.
func unpacked(t *testing.T, archive string, args ...string) []report.Entry {
	t.Helper()
	dir := t.TempDir()
	args = append([]string{"-C", dir, "--numeric-owner", "-p", "--xattrs", "--xattrs-include=*", "--acls", "-xf", archive}, args...)
	treetest.Run(t, "tar", args...)
	return treetest.Scan(t, dir)
}

func TestTar(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "tar", "xz", "gzip", "zstd", "bzip2")
	tests := []struct {
		name    string
		kind    step.Kind
		options string
	}{
		{"stage", step.Stage, `{"filename": "/root.tar"}`},
		{"by suffix", step.Stage, `{"filename": "root.tar.zst"}`},
		{"assembler", step.Assembler, `{"filename": "root.tar", "compression": "bzip2"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var o tarOptions
			if err := json.Unmarshal([]byte(tt.options), &o); err != nil {
				t.Fatal(err)
			}
			source, _, want := twoTrees(t)
			j := job{kind: tt.kind, name: "org.osbuild.tar", options: tt.options, source: source, entries: want}
			archive := j.mustRun(t, o.Filename)
			for _, d := range treetest.Diff(withoutSockets(want), unpacked(t, archive)) {
				t.Error(d)
			}
		})
	}
}

func TestTarRepeats(t *testing.T) {
	fixtures.RequireTool(t, "xz")
	sameTwice(t, job{kind: step.Stage, name: "org.osbuild.tar", options: `{"filename": "root.tar.xz"}`}, "root.tar.xz")
}

func TestTarNames(t *testing.T) {
	fixtures.RequireTool(t, "tar")
	source, _, entries := twoTrees(t)
	tests := []struct{ options, first, last string }{
		{`{"filename": "a.tar"}`, "./", "./var/"},
		{`{"filename": "a.tar", "root-node": "omit"}`, "bin", "var/"},
		{`{"filename": "a.tar", "paths": ["var", "./usr/bin/"]}`, "var/", "usr/bin/wall"},
		{`{"filename": "a.tar", "acls": false, "selinux": false, "xattrs": false, "paths": ["usr"]}`, "usr/", "usr/three"},
	}
	for _, tt := range tests {
		j := job{kind: step.Stage, name: "org.osbuild.tar", options: tt.options, source: source, entries: entries}
		names := strings.Split(strings.TrimSpace(treetest.Run(t, "tar", "-tf", j.mustRun(t, "a.tar"))), "\n")
		if first, last := names[0], names[len(names)-1]; first != tt.first || last != tt.last {
			t.Errorf("%s: from %s to %s, want from %s to %s", tt.options, first, last, tt.first, tt.last)
		}
	}
}

func TestTarHoldsFilesToTheRecord(t *testing.T) {
	source, _, entries := twoTrees(t)
	for i := range entries {
		if entries[i].Path == "/usr/bin/passwd" {
			entries[i].SHA256 = strings.Repeat("0", 64)
		}
	}
	j := job{kind: step.Stage, name: "org.osbuild.tar", options: `{"filename": "a.tar.gz"}`, source: source, entries: entries}
	_, err := j.run(t)
	if err == nil || !strings.Contains(err.Error(), "/usr/bin/passwd: its content is not what was recorded") {
		t.Errorf("a changed file was packed: %v", err)
	}
}

func TestTarOptions(t *testing.T) {
	tests := map[string]string{
		`{"filename": "a", "format": "v7"}`:                      "options.format: v7 is not supported yet",
		`{"filename": "a", "sparse": true}`:                      "options.sparse: true is not supported yet",
		`{"filename": "a", "transform": "s/a/b/"}`:               "options.transform: renaming",
		`{"filename": "a", "paths": ["../etc"]}`:                 `options.paths[0]: "../etc" is no path inside`,
		`{"filename": "a", "paths": [], "root-node": "include"}`: "options",
		`{"filename": ""}`:                                       "options.filename",
	}
	d := definition(t, step.Stage, "org.osbuild.tar")
	for options, want := range tests {
		var got []string
		for _, p := range d.Validate(json.RawMessage(options)) {
			got = append(got, p.String())
		}
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s: got %q, want %q in it", options, got, want)
		}
	}
}
