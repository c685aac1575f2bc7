package build

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/manifest/pyjson"
	"github.com/assay-os/assay/fixtures"
)

// everything has each kind of leaf that a step can have.
const everything = `{"version": "2", "pipelines": [
	{"name": "root", "runner": "org.osbuild.linux", "stages": [{"type": "org.osbuild.noop", "options": {}}]},
	{"name": "data", "stages": [{"type": "org.osbuild.noop"}]},
	{"name": "tree", "build": "name:root", "source-epoch": 7, "stages": [{"type": "org.osbuild.copy",
		"options": {"text": "a", "number": 1, "float": 1.5, "flag": false, "nothing": null, "list": [1, "b", {}], "empty": [], "deep": {"er": {"leaf": "c"}}},
		"inputs": {
			"files": {"type": "org.osbuild.files", "origin": "org.osbuild.source",
				"references": [{"id": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "options": {"metadata": {"rpm.check_gpg": true}}}, {"id": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}]},
			"more": {"type": "org.osbuild.files", "origin": "org.osbuild.source", "references": ["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]},
			"other": {"type": "org.osbuild.files", "origin": "org.osbuild.source", "references": {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": {}, "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb": {"metadata": {"a.b": 1}}}},
			"tree": {"type": "org.osbuild.tree", "origin": "org.osbuild.pipeline", "references": ["name:data"]},
			"file": {"type": "org.osbuild.files", "origin": "org.osbuild.pipeline", "references": {"name:data": {"file": "/x"}}}},
		"devices": {
			"disk": {"type": "org.osbuild.loopback", "options": {"filename": "disk.img", "start": 1, "size": 2, "sector-size": 512, "partscan": true}},
			"luks": {"type": "org.osbuild.luks2", "parent": "disk", "options": {"passphrase": "p"}},
			"lv": {"type": "org.osbuild.lvm2.lv", "parent": "luks", "options": {"volume": "v"}}},
		"mounts": [
			{"name": "/", "type": "org.osbuild.ext4", "source": "lv", "target": "/", "options": {"readonly": true}},
			{"name": "boot", "type": "org.osbuild.fat", "source": "disk", "target": "/boot", "partition": 2}]}]}],
	"sources": {"org.osbuild.curl": {"items": {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": "http://x/a", "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb": {"url": "http://x/b", "secrets": {"name": "s"}}}}}}`

// everythingV1 is the same for version 1.
const everythingV1 = `{"pipeline": {
	"build": {"pipeline": {"stages": [{"name": "org.osbuild.noop", "options": {"a": 1}}]}, "runner": "org.osbuild.linux"},
	"stages": [{"name": "org.osbuild.rpm", "options": {"packages": ["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", {"checksum": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "check_gpg": true}]}},
		{"name": "org.osbuild.ostree", "options": {"commit": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", "ref": "r"}}],
	"assembler": {"name": "org.osbuild.tar", "options": {"filename": "x"}}},
	"sources": {"org.osbuild.files": {"urls": {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": "http://x/a", "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb": {"url": "http://x/b"}}}, "org.osbuild.ostree": {"commits": {"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc": {"remote": {"url": "http://x"}}}}}}`

// samples are the steps of our own examples, and of upstream's manifests where
// they are at hand, each once.
func samples(t *testing.T) []*sample {
	t.Helper()
	c := &collector{t: t, seen: map[string]bool{}}
	for name, data := range documents(t) {
		if _, accepted := load(t, data); accepted {
			c.document(name, data)
		}
	}
	slices.SortFunc(c.list, func(a, b *sample) int { return strings.Compare(a.where, b.where) })
	return c.list
}

// documents are manifests by name.
func documents(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../fixtures/bundles/*.json")
	if err != nil || files == nil {
		t.Fatal(files, err)
	}
	if dir := os.Getenv("ASSAY_CONFORMANCE"); dir != "" {
		more, err := filepath.Glob(filepath.Join(fixtures.Conformance(t), "manifests", "*.json"))
		if err != nil || more == nil {
			t.Fatal(more, err)
		}
		files = append(files, more...)
	}
	documents := map[string][]byte{"everything": []byte(everything), "version 1": []byte(everythingV1)}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		documents[filepath.Base(file)] = data
	}
	return documents
}

type collector struct {
	t    *testing.T
	seen map[string]bool
	list []*sample
}

func decode(t *testing.T, data []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func (c *collector) document(name string, data []byte) {
	doc := decode(c.t, data)
	for i, p := range array(doc["pipelines"]) {
		for j, s := range array(object(p)["stages"]) {
			c.add(sampleV2(fmt.Sprintf("%s: pipelines[%d].stages[%d]", name, i, j), object(s)))
		}
	}
	where := name + ": pipeline"
	for p := object(doc["pipeline"]); p != nil; p = object(object(p["build"])["pipeline"]) {
		for j, s := range array(p["stages"]) {
			c.add(sampleV1(fmt.Sprintf("%s.stages[%d]", where, j), object(s), false))
		}
		if asm := object(p["assembler"]); asm != nil && where == name+": pipeline" {
			c.add(sampleV1(where+".assembler", asm, true))
		}
		where += ".build.pipeline"
	}
}

func (c *collector) add(s *sample) {
	long := 8
	if os.Getenv("ASSAY_FULL") == "1" {
		long = 64
	}
	shortened(s.step, long)
	if id := s.pipeline + text(s.step); !c.seen[id] {
		c.seen[id] = true
		c.list = append(c.list, s)
	}
}

// shortened cuts long lists, which hold the same again and again, to both ends,
// in place. [TestEveryReferenceCounts] sees to the rest of the longest.
func shortened(v any, long int) any {
	switch x := v.(type) {
	case map[string]any:
		for name, value := range x {
			x[name] = shortened(value, long)
		}
		names := slices.Sorted(maps.Keys(x))
		for i := long / 2; i < len(names)-1 && len(names) > 4*long; i++ {
			delete(x, names[i])
		}
	case []any:
		for i := range x {
			x[i] = shortened(x[i], long)
		}
		if len(x) > long {
			return append(x[:long/2:long/2], x[len(x)-1])
		}
	}
	return v
}

func array(v any) []any {
	list, _ := v.([]any)
	return list
}

func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

// load reads a document; false where osbuild would refuse it.
func load(t *testing.T, data []byte) (*manifest.Manifest, bool) {
	t.Helper()
	v, err := pyjson.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	m, problems := manifest.Load(v)
	return m, len(problems) == 0
}

func manifests(t *testing.T) map[string]*manifest.Manifest {
	t.Helper()
	list := map[string]*manifest.Manifest{}
	for name, data := range documents(t) {
		if m, ok := load(t, data); ok {
			list[name] = m
		} else if !strings.HasSuffix(name, ".json") {
			t.Fatalf("the example %q is refused", name)
		}
	}
	return list
}
