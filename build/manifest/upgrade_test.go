package manifest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// v1 is a version 1 document with two packages in its source.
func v1(pipeline string) string {
	return `{"pipeline": {` + pipeline + `}, "sources": {"org.osbuild.files": {"urls": {"` + sumA + `": "http://a/", "` + sumB + `": {"url": "http://b/"}}}}}`
}

// TestUpgrade: the model stays, and so do ids as far as they can.
func TestUpgrade(t *testing.T) {
	tests := map[string]struct {
		doc string
		ids string // which steps have other ids
	}{
		"empty":   {`{}`, ""},
		"plain":   {v1(`"stages": [{"name": "a"}, {"name": "b", "options": {"x": [1.0, "\ud800é"]}}]`), ""},
		"on host": {v1(`"build": {"pipeline": {}, "runner": "org.osbuild.linux"}, "stages": [{"name": "a"}]`), ""},
		"nested": {v1(`"build": {"pipeline": {"build": {"pipeline": {"stages": [{"name": "a"}]}, "runner": "org.osbuild.linux"},
			"stages": [{"name": "b"}]}, "runner": "org.osbuild.fedora31"}, "stages": [{"name": "c"}]`), ""},
		"rpm": {v1(`"stages": [{"name": "a"}, {"name": "org.osbuild.rpm", "options": {"gpgkeys": ["k"], "packages": ["` + sumA + `", {"checksum": "` + sumB + `", "check_gpg": true}]}}, {"name": "b"}]`),
			"tree 1 org.osbuild.rpm 2/3"},
		"tar":            {v1(`"stages": [{"name": "a"}], "assembler": {"name": "org.osbuild.tar", "options": {"filename": "x.tar.gz", "compression": "gzip"}}`), ""},
		"tar by suffix":  {v1(`"stages": [{"name": "a"}], "assembler": {"name": "org.osbuild.tar", "options": {"filename": "x.tbz", "compression": "bzip2"}}`), "assembler 0 org.osbuild.tar 1/1"},
		"noop":           {v1(`"stages": [{"name": "a"}], "assembler": {"name": "org.osbuild.noop"}`), ""},
		"error, no tree": {v1(`"assembler": {"name": "org.osbuild.error", "options": {"returncode": 1}}`), "assembler 0 org.osbuild.error 1/1"},
		"container":      {v1(`"stages": [{"name": "a"}], "assembler": {"name": "org.osbuild.oci-archive", "options": {"filename": "x", "architecture": "amd64"}}`), "assembler 0 org.osbuild.oci-archive 1/1"},
		"two sources": {`{"sources": {"org.osbuild.files": {"urls": {"` + sumA + `": "http://a/"}}, "org.osbuild.curl": {"urls": {"` + sumB + `": "http://b/", "` + sumA + `": "http://c/"}},
			"org.osbuild.ostree": {"commits": {"` + strings.Repeat("a", 64) + `": {"remote": {"url": "http://d/"}}}}}}`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := mustLoad(t, tt.doc)
			text, err := Upgrade(before)
			if err != nil {
				t.Fatal(err)
			}
			after := mustLoad(t, string(text))
			if after.Version != "2" || len(after.Pipelines) != len(before.Pipelines) {
				t.Errorf("version %s, %d pipelines", after.Version, len(after.Pipelines))
			}
			var lines []string
			for _, c := range IDChanges(before, after) {
				lines = append(lines, strings.Join([]string{c.Pipeline, itoa(c.Step), c.Type, itoa(c.Changed) + "/" + itoa(c.Steps)}, " "))
			}
			if got := strings.Join(lines, "\n"); got != tt.ids {
				t.Errorf("other ids:\n%s\nwant:\n%s", got, tt.ids)
			}
			for i, p := range before.Pipelines {
				q := after.Pipelines[i]
				if p.Name != q.Name || p.Build != q.Build || p.Runner != q.Runner || len(p.Steps) != len(q.Steps) {
					t.Errorf("pipeline %+v became %+v", p, q)
				}
			}
		})
	}
}

func TestUpgradeRefuses(t *testing.T) {
	tar := func(options string) string {
		return v1(`"assembler": {"name": "org.osbuild.tar", "options": {` + options + `}}`)
	}
	tests := map[string]struct{ doc, want string }{
		"version 2":  {`{"version": "2"}`, "version: the manifest is of version 2 already"},
		"qemu":       {v1(`"assembler": {"name": "org.osbuild.qemu"}`), "pipeline.assembler: version 2 has no stage that does what the assembler org.osbuild.qemu does; use dev.assay.disk"},
		"commit":     {v1(`"assembler": {"name": "org.osbuild.ostree.commit"}`), "use org.osbuild.ostree.preptree"},
		"unknown":    {v1(`"assembler": {"name": "org.example.x"}`), "the assembler org.example.x does; write the pipeline anew"},
		"ostree":     {v1(`"stages": [{"name": "org.osbuild.ostree", "options": {"commit": "` + sumA + `"}}]`), "pipeline.stages[0]: the stage is deprecated"},
		"no package": {v1(`"stages": [{"name": "org.osbuild.rpm", "options": {"packages": []}}]`), "installs no package"},
		"suffix":     {tar(`"filename": "x.tar.gz"`), "the assembler does not compress, and the stage would take gzip"},
		"method":     {tar(`"filename": "x.tar", "compression": "lzop"`), "the stage knows lzop by the file's suffix only"},
		"option":     {v1(`"stages": [{"name": "org.osbuild.chmod", "options": {"paths": 1}}]`), "in version 2: "},
	}
	for name, tt := range tests {
		_, err := Upgrade(mustLoad(t, tt.doc))
		var problems Problems
		if !errors.As(err, &problems) || !strings.Contains(texts(problems), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// TestUpgradeReal: upstream's version 1 manifests become version 2, or the
// one step that has no other form is named.
func TestUpgradeReal(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(fixtures.Conformance(t), "manifests", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Read(data, "m")
		if err != nil || m.Version != "1" {
			continue
		}
		count++
		if _, err := Upgrade(m); err != nil && !strings.Contains(err.Error(), "pipeline.assembler: version 2 has no stage that does what the assembler org.osbuild.ostree.commit does") {
			t.Errorf("%s: %v", filepath.Base(name), err)
		}
		// Without the assembler everything else can be said.
		m.Pipelines = m.Pipelines[:len(m.Pipelines)-1]
		if _, err := Upgrade(m); err != nil {
			t.Errorf("%s without its last pipeline: %v", filepath.Base(name), err)
		}
	}
	if count == 0 {
		t.Error("there is no version 1 manifest")
	}
}
