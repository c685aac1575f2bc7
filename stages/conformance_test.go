package stages_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/stages"
)

// TestRealOptions: the options of every native stage in every manifest of
// upstream's are taken, and enough of them are there.
func TestRealOptions(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(fixtures.Conformance(t), "manifests", "*.json"))
	if err != nil || len(files) < 100 {
		t.Fatal(len(files), err)
	}
	known := map[string]step.Definition{}
	for _, d := range stages.All() {
		known[d.Name] = d
	}
	seen := map[string]int{}
	for _, file := range files {
		if strings.HasSuffix(file, ".mpp.json") {
			continue // the input of a preprocessor, not a manifest
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var document any
		if err := json.Unmarshal(text, &document); err != nil {
			continue // some are broken on purpose
		}
		visitSteps(document, func(name string, options any) {
			d, ok := known[name]
			if !ok {
				return
			}
			seen[name]++
			raw, err := json.Marshal(options)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range d.Validate(raw) {
				t.Errorf("%s: %s: %s", filepath.Base(file), name, p)
			}
		})
	}
	for _, name := range []string{"org.osbuild.users", "org.osbuild.copy", "org.osbuild.systemd", "org.osbuild.fstab", "org.osbuild.chmod"} {
		if seen[name] < 20 {
			t.Errorf("%s is seen %d times only", name, seen[name])
		}
	}
}

// visitSteps finds every stage of a document, of either version.
func visitSteps(node any, visit func(name string, options any)) {
	switch v := node.(type) {
	case []any:
		for _, child := range v {
			visitSteps(child, visit)
		}
	case map[string]any:
		if list, ok := v["stages"].([]any); ok {
			for _, s := range list {
				stage, _ := s.(map[string]any)
				for _, key := range []string{"type", "name"} {
					if name, ok := stage[key].(string); ok {
						visit(name, stage["options"])
					}
				}
			}
		}
		for _, child := range v {
			visitSteps(child, visit)
		}
	}
}
