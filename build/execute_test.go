package build_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/store"
)

// entriesOf is a tree as lines of "PATH MODE".
func entriesOf(t *testing.T, b *bench, tree store.Tree) string {
	t.Helper()
	entries, err := b.builder.Store.Entries(tree)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		lines = append(lines, string(e.Path)+" "+e.Mode.String())
	}
	return strings.Join(lines, "\n")
}

func TestChrootLeavesNoTrace(t *testing.T) {
	b := newBench(t, t.TempDir())
	tests := []struct{ name, before, want string }{
		{"no mount points", write("/a", "1"), "/ 0755\n/a 0644"},
		{"all of them", shell("mkdir -p dev proc run/lock sys tmp; chmod 1777 tmp"),
			"/ 0755\n/dev 0755\n/proc 0755\n/run 0755\n/run/lock 0755\n/sys 0755\n/tmp 1777"},
		{"some of them", shell("mkdir proc; chmod 555 proc"), "/ 0755\n/proc 0555"},
	}
	for _, tt := range tests {
		without, err := b.build(context.Background(), stagesOf(tt.before))
		if err != nil {
			t.Fatal(err)
		}
		with, err := b.build(context.Background(), stagesOf(tt.before, `{"type": "test.chroot"}`))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := entriesOf(t, b, with.Trees["tree"]); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
		if a, b := without.Trees["tree"].Digest, with.Trees["tree"].Digest; a != b {
			t.Errorf("%s: the step changed the digest from %s to %s", tt.name, a, b)
		}
	}
}

// helloSHA is of "hello", worldSHA of "world".
const (
	helloSHA = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	worldSHA = "sha256:486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7"
)

// withInputs reads two inline sources and another pipeline's tree.
const withInputs = `{"version": "2",
	"pipelines": [
		{"name": "other", "source-epoch": 1000000000, "stages": [{"type": "test.write", "options": {"/etc/x": "1"}}]},
		{"name": "tree", "stages": [{"type": "test.read", "inputs": {
			"files": {"type": "org.osbuild.files", "origin": "org.osbuild.source",
				"references": [{"id": "` + worldSHA + `", "options": {"metadata": {"a.b": 1}}}, {"id": "` + helloSHA + `"}]},
			"tree": {"type": "org.osbuild.tree", "origin": "org.osbuild.pipeline", "references": ["name:other"]}}}]}],
	"sources": {"org.osbuild.inline": {"items": {
		"` + helloSHA + `": {"encoding": "base64", "data": "aGVsbG8="},
		"` + worldSHA + `": {"encoding": "base64", "data": "d29ybGQ="}}}}}`

func TestInputs(t *testing.T) {
	b := newBench(t, t.TempDir())
	r, err := b.build(context.Background(), withInputs)
	if err != nil {
		t.Fatal(err)
	}
	dst := filepath.Join(t.TempDir(), "out")
	if err := b.builder.Export(context.Background(), r, "tree", dst); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dst, "read"))
	want := "world {\"metadata\":{\"a.b\":1}}\nhello {}\n/ 0755\n/etc 0755\n/etc/x 0644\n"
	if string(got) != want || err != nil {
		t.Errorf("the step read\n%s%v\nwant\n%s", got, err, want)
	}
	entries, err := b.builder.Store.Entries(r.Trees["other"])
	if err != nil || entries[0].Mtime.Unix() != 1000000000 {
		t.Errorf("mtime %v, want the pipeline's source epoch (%v)", entries[0].Mtime, err)
	}
}

// TestSourcesOnDemand: what no step will read is not fetched, and content
// that is gone is fetched again only by the step that runs.
func TestSourcesOnDemand(t *testing.T) {
	b := newBench(t, t.TempDir())
	if _, err := b.build(context.Background(), withInputs, "other"); err != nil {
		t.Fatal(err)
	}
	if path, there := b.builder.Store.Source(helloSHA); there {
		t.Errorf("%s was fetched for nobody", path)
	}
	if _, err := b.build(context.Background(), withInputs); err != nil {
		t.Fatal(err)
	}
	path, there := b.builder.Store.Source(helloSHA)
	if !there {
		t.Fatal("the source was not kept")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if r, err := b.build(context.Background(), withInputs); err != nil || ran(r) != ". ." {
		t.Errorf("ran %q, %v", ran(r), err)
	}
}

// TestSpoiledSource: content that has changed on the disk is fetched anew, and
// no step reads it as it is.
func TestSpoiledSource(t *testing.T) {
	b := newBench(t, t.TempDir())
	if _, err := b.build(context.Background(), withInputs); err != nil {
		t.Fatal(err)
	}
	path, _ := b.builder.Store.Source(helloSHA)
	if err := os.WriteFile(path, []byte("hellp"), 0o644); err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(withInputs, `{"type": "test.read", "inputs"`, `{"type": "test.read", "options": {"n": 1}, "inputs"`, 1)
	r, err := b.build(context.Background(), changed)
	if err != nil {
		t.Fatal(err)
	}
	dst := filepath.Join(t.TempDir(), "out")
	if err := b.builder.Export(context.Background(), r, "tree", dst); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dst, "read")); err != nil || !strings.Contains(string(got), "hello {") {
		t.Errorf("the step read\n%s%v", got, err)
	}
}

// TestOneFetch: what several steps read is fetched once, all of it before the
// first of them runs.
func TestOneFetch(t *testing.T) {
	b := newBench(t, t.TempDir())
	read := `{"type": "test.read", "options": {"n": %s}, "inputs": {"files": {"type": "org.osbuild.files", "origin": "org.osbuild.source", "references": [%s]}}}`
	step := func(n string, sums ...string) string {
		return strings.Replace(strings.Replace(read, "%s", n, 1), "%s", `"`+strings.Join(sums, `", "`)+`"`, 1)
	}
	document := strings.Replace(withInputs, `"stages": [{"type": "test.read"`,
		`"stages": [`+step("1", helloSHA)+", "+step("2", helloSHA, worldSHA)+`, {"type": "test.read"`, 1)
	if _, err := b.build(context.Background(), document); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range b.events.list {
		if e.Kind == build.FetchStarted || e.Kind == build.StepStarted {
			kinds = append(kinds, string(e.Kind))
		}
		if e.Kind == build.FetchFinished && (e.Items != 2 || e.DoneItems != 2 || e.Bytes != 10) {
			t.Errorf("fetched %d of %d items, %d bytes", e.DoneItems, e.Items, e.Bytes)
		}
	}
	want := "fetch-started step-started step-started step-started step-started"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFailures(t *testing.T) {
	b := newBench(t, t.TempDir())
	tests := []struct{ name, stage, message, tail string }{
		{"error", write("/x", "error"), "pipelines[0].stages[1] (test.write): told to fail; its tree, arguments and log are in ", "one line of output\n"},
		{"panic", `{"type": "test.panic"}`, "the step panicked, which is a bug of it: oh", "panic: oh\ngoroutine"},
		{"tool", shell("echo some output; exit 3"), "exit status 3: some output", "some output\n"},
	}
	for _, tt := range tests {
		_, err := b.build(context.Background(), stagesOf(write("/a", "1"), tt.stage))
		var failed *build.StepError
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), tt.message) || !strings.HasPrefix(failed.Tail, tt.tail) {
			t.Errorf("%s: got %v\nwith output %q", tt.name, err, failed.Tail)
			continue
		}
		log, err := os.ReadFile(filepath.Join(failed.Kept, "files", "log"))
		if string(log) != failed.Tail || err != nil {
			t.Errorf("%s: the kept log is %q, %v", tt.name, log, err)
		}
	}
}

func TestHostDependence(t *testing.T) {
	b := newBench(t, t.TempDir())
	inner := `{"version": "2", "pipelines": [
		{"name": "build", "stages": [{"type": "test.write", "options": {"/usr/x": "1"}}%s]},
		{"name": "tree", "build": "name:build", "stages": [{"type": "test.write", "options": {"/a": "1"}}]}]}`
	tests := []struct {
		name, manifest string
		want           bool
	}{
		{"no build pipeline", stagesOf(write("/a", "1")), true},
		{"native build pipeline", strings.ReplaceAll(inner, "%s", ""), false},
		{"build pipeline made by the host's tools", strings.ReplaceAll(inner, "%s", ", "+shell("true")), true},
	}
	for _, tt := range tests {
		r, err := b.build(context.Background(), tt.manifest)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		data, err := json.Marshal(r.Document(nil))
		marked := strings.Contains(string(data), `"host_dependent":true`)
		if r.HostDependent != tt.want || marked != tt.want || err != nil {
			t.Errorf("%s: host-dependent %v, in the result %v, want %v", tt.name, r.HostDependent, marked, tt.want)
		}
	}
}

// TestBuildRootIsTheTree: a step in a build pipeline's tree finds its files
// and not the host's.
func TestBuildRootIsTheTree(t *testing.T) {
	b := newBench(t, t.TempDir())
	busy := shell("mkdir -p usr/bin usr/lib usr/lib64 etc; cp -a /usr/lib/x86_64-linux-gnu/libc.so.6 usr/lib/; cp /lib64/ld-linux-x86-64.so.2 usr/lib64/; " +
		"cp /usr/bin/sh /usr/bin/ls /usr/bin/cat usr/bin/; cp /usr/lib/x86_64-linux-gnu/libselinux.so.1 /usr/lib/x86_64-linux-gnu/libpcre2-8.so.0 usr/lib/; " +
		"ln -s usr/bin usr/lib usr/lib64 .; echo own > etc/own")
	document := `{"version": "2", "pipelines": [
		{"name": "build", "stages": [` + busy + `]},
		{"name": "tree", "build": "name:build", "stages": [` + shell("ls /etc /usr/bin > list; cat /etc/own > own; ls /etc/passwd || echo none > passwd") + `]}]}`
	r, err := b.build(context.Background(), document)
	if err != nil {
		t.Fatal(err)
	}
	dst := filepath.Join(t.TempDir(), "out")
	if err := b.builder.Export(context.Background(), r, "tree", dst); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"list": "/etc:\nown\n\n/usr/bin:\ncat\nls\nsh\n", "own": "own\n", "passwd": "none\n"} {
		if got, err := os.ReadFile(filepath.Join(dst, name)); string(got) != want || err != nil {
			t.Errorf("%s is %q, %v; want %q", name, got, err, want)
		}
	}
}
