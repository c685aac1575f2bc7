package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/resolve"
)

// TestResolveWrites: the manifest goes where it is told to, and what was chosen to
// the other output, so that neither gets into the other.
func TestResolveWrites(t *testing.T) {
	result := &resolve.Result{
		Manifest: []byte("{}\n"),
		Choices:  []resolve.Choice{{What: "linux-image-amd64", Value: "6.1.1", Why: "asked for"}},
	}
	const explained = "linux-image-amd64  6.1.1  asked for\n"
	for _, test := range []struct {
		output, stdout, stderr string
		explain                bool
	}{
		{"-", "{}\n", "", false},
		{"-", "{}\n", explained, true},
		{filepath.Join(t.TempDir(), "m.json"), "", "", false},
		{filepath.Join(t.TempDir(), "m.json"), explained, "", true},
	} {
		c := newResolve()
		var stdout, stderr bytes.Buffer
		c.SetOut(&stdout)
		c.SetErr(&stderr)
		r := resolveCommand{output: test.output, explain: test.explain}
		if err := r.write(c, result); err != nil {
			t.Error(err)
		}
		if stdout.String() != test.stdout || stderr.String() != test.stderr {
			t.Errorf("%+v: stdout %q, stderr %q", test, stdout.String(), stderr.String())
		}
		if test.output == "-" {
			continue
		}
		info, err := os.Stat(test.output)
		if err != nil || info.Mode() != 0o644 || info.Size() != 3 {
			t.Errorf("%v, %v", info, err)
		}
	}
}
