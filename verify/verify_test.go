package verify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/diff"
)

func TestProbeCompare(t *testing.T) {
	base := Probe{Umask: "0022", Hostname: "a", Directory: "/a", Locale: "C", TimeZone: "UTC", Environment: "e", CPUs: 2, Clock: 1_700_000_000}
	for name, test := range map[string]struct {
		change func(*Probe)
		took   string
	}{
		"nothing":     {func(*Probe) {}, ""},
		"umask":       {func(p *Probe) { p.Umask = "0077" }, "umask"},
		"locale":      {func(p *Probe) { p.Locale = "de_DE.UTF-8" }, "locale"},
		"time zone":   {func(p *Probe) { p.TimeZone = "Asia/Kathmandu" }, "time zone"},
		"host name":   {func(p *Probe) { p.Hostname = "b" }, "host name"},
		"directory":   {func(p *Probe) { p.Directory = "/b" }, "working directory"},
		"environment": {func(p *Probe) { p.Environment = "f" }, "user environment"},
		"processors":  {func(p *Probe) { p.CPUs = 1 }, "processors"},
		"clock":       {func(p *Probe) { p.Clock += 5 * 365 * 24 * 3600 }, "clock"},
		"minutes on":  {func(p *Probe) { p.Clock += 600 }, ""},
		"no clock":    {func(p *Probe) { p.Clock = 0 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			other := base
			test.change(&other)
			var took []string
			for _, v := range base.Compare(other) {
				if v.Took {
					took = append(took, v.Name)
				} else if v.Cause == "" {
					t.Errorf("%s did not take effect, and no cause is given", v.Name)
				}
			}
			if got := strings.Join(took, ","); got != test.took {
				t.Errorf("took effect: %q, want %q", got, test.took)
			}
		})
	}
}

func TestVariedIsFixedAndUnlikePlain(t *testing.T) {
	a, b := Varied(2, "/x"), Varied(2, "/x")
	if a.Hostname != b.Hostname || !a.Clock.Equal(b.Clock) || strings.Join(a.Variables, " ") != strings.Join(b.Variables, " ") {
		t.Errorf("run 2 varies from call to call: %+v, %+v", a, b)
	}
	if p := Varied(1, "/x"); p.Hostname != "" || !p.Clock.IsZero() || p.Umask != -1 {
		t.Errorf("run 1 is not plain: %+v", p)
	}
	if c := Varied(3, "/x"); c.Clock.Equal(a.Clock) || c.Hostname == a.Hostname {
		t.Errorf("run 3 is like run 2: %+v", c)
	}
}

func TestWorse(t *testing.T) {
	order := []diff.Verdict{diff.Identical, diff.Equivalent, diff.Inconclusive, diff.Different}
	for i, a := range order {
		for j, b := range order {
			if got := worse(a, b); got != order[max(i, j)] {
				t.Errorf("worse(%s, %s) = %s", a, b, got)
			}
		}
	}
}

const document = `{"version": "2", "pipelines": [
	{"name": "os", "stages": [{"type": "org.osbuild.noop"}]},
	{"name": "image", "stages": [{"type": "dev.assay.disk", "inputs": {"tree": {"type": "org.osbuild.tree", "origin": "org.osbuild.pipeline", "references": ["name:os"]}}}]},
	{"name": "qcow2", "stages": [{"type": "org.osbuild.qemu", "inputs": {"image": {"type": "org.osbuild.files", "origin": "org.osbuild.pipeline", "references": {"name:image": {"file": "disk.raw"}}}}}]}],
	"sources": {"org.osbuild.inline": {"items": {"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824": {"encoding": "base64", "data": "aGVsbG8="}}}}}`

func TestPacked(t *testing.T) {
	m, err := manifest.Read([]byte(document), "test")
	if err != nil {
		t.Fatal(err)
	}
	for export, want := range map[string]string{"qcow2": "os", "image": "os", "os": "", "none": ""} {
		if got := packed(m, export); got != want {
			t.Errorf("packed(%s) = %q, want %q", export, got, want)
		}
	}
}

// TestReuse: stored evidence holds for just what it was made from.
func TestReuse(t *testing.T) {
	m, err := manifest.Read([]byte(document), "test")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	o := Options{Manifest: []byte(document), Plan: &build.Plan{Manifest: m, Exports: []string{"image"}}, Dir: dir, Binary: "b1"}
	if got, why, err := Reuse(t.Context(), o); got != nil || err != nil || why != "nothing was proved yet" {
		t.Fatalf("no evidence: %v, %q, %v", got, why, err)
	}
	storeEvidence(t, o, dir)
	if got, why, err := Reuse(t.Context(), o); got == nil || !got.Stored || err != nil {
		t.Fatalf("not taken: %q, %v", why, err)
	}
	other := o
	other.Binary = "b2"
	wantVoid(t, other, "the program differs from what was proved")
	other = o
	other.Manifest = append([]byte(document), '\n')
	wantVoid(t, other, "the manifest differs from what was proved")
	m2, err := manifest.Read([]byte(strings.Replace(document, "sha256:2cf24", "sha256:2cf25", 1)), "test")
	if err != nil {
		t.Fatal(err)
	}
	other = o
	other.Plan = &build.Plan{Manifest: m2, Exports: []string{"image"}}
	wantVoid(t, other, "the set of sources differs from what was proved")
	write(t, filepath.Join(dir, "run-1", "disk.raw"), "tampered")
	wantVoid(t, o, "artifact of run 1: run-1/disk.raw is not what was proved")
}

func storeEvidence(t *testing.T, o Options, dir string) {
	t.Helper()
	write(t, filepath.Join(dir, "run-1", "disk.raw"), "content")
	sum, size, err := hashFile(filepath.Join(dir, "run-1", "disk.raw"))
	if err != nil {
		t.Fatal(err)
	}
	manifestSum, sourcesSum := Identity(o.Manifest, o.Plan)
	e := Evidence{
		Version: EvidenceVersion, ProvedAt: time.Unix(0, 0).UTC(), Manifest: manifestSum, Binary: o.Binary, Sources: sourcesSum,
		Export: "image", Verdict: diff.Identical, Runs: []Run{{Artifact: "run-1/disk.raw", Size: size, SHA256: sum}},
	}
	if err := os.Mkdir(filepath.Join(dir, "evidence"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := saveJSON(filepath.Join(dir, "evidence"), evidenceFile, e); err != nil {
		t.Fatal(err)
	}
}

func wantVoid(t *testing.T, o Options, reason string) {
	t.Helper()
	if got, why, err := Reuse(t.Context(), o); got != nil || why != reason || err != nil {
		t.Errorf("got %v, %q, %v; want void because %q", got, why, err, reason)
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestText(t *testing.T) {
	o := Outcome{Stored: true, Evidence: Evidence{
		ProvedAt: time.Unix(0, 0).UTC(), Manifest: strings.Repeat("a", 64), Binary: strings.Repeat("b", 64), Export: "image", Verdict: diff.Identical,
		Runs:       []Run{{SHA256: "x", Digest: "fd1:x", BuildSeconds: 60, InspectSeconds: 1.5}, {SHA256: "x"}},
		Variations: [][]Variation{{{Name: "clock", Took: true}, {Name: "umask", Cause: "both runs saw the same"}}},
		Tree:       &TreeProof{Pipeline: "os", Entries: 7, Verdict: diff.Identical},
	}}
	var out strings.Builder
	if err := o.Text(&out); err != nil {
		t.Fatal(err)
	}
	want := `stored proof: proved at 1970-01-01T00:00:00Z, manifest aaaaaaaaaaaa, binary bbbbbbbbbbbb
identical: 2 builds of image, nothing reused between them but the pinned sources
  run 1  sha256 x
         digest fd1:x  (built in 60 s, inspected in 1.5 s)
  run 2  sha256 x
         digest none: not everything was read  (built in 0 s, inspected in 0.0 s)
  run 2 varied (1): clock
  run 2 not varied: umask (both runs saw the same)
  image against the packed tree "os": identical, 7 entries
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
}

func TestPrefixed(t *testing.T) {
	var out strings.Builder
	p := newPrefixed(&out, "run 1: ")
	for _, piece := range []string{"a", "b\nc\n", "d"} {
		if _, err := p.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.flush(); err != nil || out.String() != "run 1: ab\nrun 1: c\nrun 1: d\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}
