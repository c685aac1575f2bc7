package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/build/store"
	"github.com/assay-os/assay/fixtures"
)

// assay runs the program and returns its exit code, stdout and stderr.
func assay(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// smallStore has one layer with one file, and one source.
func smallStore(t *testing.T) (dir string, layer *store.Layer) {
	t.Helper()
	fixtures.RequireRoot(t)
	dir = t.TempDir()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	release, err := s.Hold(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	w, err := s.Begin(t.Context(), store.EmptyTree())
	if err != nil {
		t.Fatal(err)
	}
	// A tree without a base is a plain directory.
	if err := os.WriteFile(filepath.Join(w.View().Dir, "hostname"), []byte("a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	layer, err = w.Commit(t.Context(), store.Commit{Key: "cafe0123", Type: "org.osbuild.hostname", StepID: "feed", Epoch: time.Unix(1579910400, 0)})
	if err != nil {
		t.Fatal(err)
	}
	err = s.AddSource(t.Context(), "md5:b1946ac92492d2347c6235b4d2611184", func(w io.Writer) error {
		_, err := io.WriteString(w, "hello\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir, layer
}

func wantOutput(t *testing.T, code, wantCode int, stdout string, parts ...string) {
	t.Helper()
	if code != wantCode {
		t.Errorf("exit code %d, want %d", code, wantCode)
	}
	for _, p := range parts {
		if !strings.Contains(stdout, p) {
			t.Errorf("stdout has no %q:\n%s", p, stdout)
		}
	}
}

func TestStoreList(t *testing.T) {
	dir, layer := smallStore(t)
	code, out, _ := assay("store", "ls", "--store", dir)
	wantOutput(t, code, 0, out, layer.ID+"  org.osbuild.hostname  2        0", "cafe0123", "\n1 layers, ", "\n1 sources, ")
	code, out, _ = assay("store", "ls", "--store", dir, "--format", "json")
	var l store.Listing
	if err := json.Unmarshal([]byte(out), &l); err != nil || code != 0 || len(l.Layers) != 1 || l.Layers[0].ID != layer.ID || l.Sources.Count != 1 {
		t.Errorf("exit code %d, %v: %s", code, err, out)
	}
}

func TestStoreShow(t *testing.T) {
	dir, layer := smallStore(t)
	code, out, _ := assay("store", "show", "--store", dir, "feed")
	wantOutput(t, code, 0, out, layer.ID, layer.Digest, "changed  /hostname ", "file 0644 0:0")
	code, _, stderr := assay("store", "show", "--store", dir, "beef")
	wantOutput(t, code, exitUsage, stderr, "no such layer; assay store ls lists them")
}

func TestStoreVerify(t *testing.T) {
	dir, layer := smallStore(t)
	code, out, _ := assay("store", "verify", "--store", dir)
	wantOutput(t, code, 0, out, "0 problems\n")
	if err := os.WriteFile(filepath.Join(dir, "layers", layer.ID, "data", "hostname"), []byte("b\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := assay("store", "verify", "--store", dir)
	wantOutput(t, code, exitUnmet, out, "layer "+layer.ID+": /hostname: its content has SHA-256", "1 problems\n")
	if stderr != "" {
		t.Errorf("stderr has %q", stderr)
	}
	code, out, _ = assay("store", "verify", "--repair", "--store", dir, "--format", "json")
	wantOutput(t, code, exitUnmet, out, `"removed": true`)
	code, out, _ = assay("store", "verify", "--store", dir)
	wantOutput(t, code, 0, out, "0 problems\n")
}

func TestStoreCollect(t *testing.T) {
	dir, layer := smallStore(t)
	code, out, _ := assay("store", "gc", "--store", dir)
	wantOutput(t, code, 0, out, "removed 0, 0B; 2 stay, ")
	code, out, _ = assay("store", "gc", "--store", dir, "--max-size", "0", "--dry-run")
	wantOutput(t, code, 0, out, "would remove  layer "+layer.ID, "would remove 2, ")
	code, out, _ = assay("store", "gc", "--store", dir, "--max-size", "0")
	wantOutput(t, code, 0, out, "removed 2, ", "; 0 stay, 0B")
}

func TestStoreCollectWaits(t *testing.T) {
	dir, _ := smallStore(t)
	s, err := store.Open(dir, store.Options{Holder: "build x.json"})
	if err != nil {
		t.Fatal(err)
	}
	release, err := s.Hold(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	stderr := &onWrite{do: release}
	code := run([]string{"store", "gc", "--store", dir}, strings.NewReader(""), io.Discard, stderr)
	wantOutput(t, code, 0, stderr.String(), "waiting: process ", "(build x.json) uses the store "+dir)
}

// An onWrite does something at the first write.
type onWrite struct {
	bytes.Buffer
	do func()
}

func (w *onWrite) Write(p []byte) (int, error) {
	if w.Len() == 0 {
		w.do()
	}
	return w.Buffer.Write(p)
}

func TestParseSize(t *testing.T) {
	for in, want := range map[string]int64{"": -1, "0": 0, "512": 512, "3K": 3072, "20G": 20 << 30, "1T": 1 << 40} {
		if got, err := parseSize(in); got != want || err != nil {
			t.Errorf("%q: %d, %v", in, got, err)
		}
	}
	for _, in := range []string{"-1", "K", "1KK", "1.5G", "1 G", "9999999999999999999", "5000000T"} {
		if got, err := parseSize(in); err == nil {
			t.Errorf("%q: %d", in, got)
		}
	}
}
