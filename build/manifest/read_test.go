package manifest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// v2 is a version 2 document around pipelines; its source has a and b.
func v2(pipelines string) string {
	return `{"version": "2", "sources": {"org.osbuild.curl": {"items": {"` + sumA + `": "http://a/", "` + sumB + `": {"url": "http://b/"}}}}, "pipelines": [` + pipelines + `]}`
}

var (
	sumA = "sha256:" + strings.Repeat("a", 64)
	sumB = "sha256:" + strings.Repeat("b", 64)
)

// stage is a pipeline of one stage, which has more than its type.
func stage(more string) string {
	return v2(`{"name": "p", "stages": [{"type": "org.osbuild.x", ` + more + `}]}`)
}

func TestProblems(t *testing.T) {
	at := "pipelines[0].stages[0]"
	input := func(in string) string { return stage(`"inputs": {"i": ` + in + `}`) }
	loop := `{"type": "org.osbuild.loopback", "options": {"filename": "f"}`
	tests := map[string]struct {
		doc  string
		want []string // none: it is well
	}{
		"empty":             {`{}`, nil},
		"empty v2":          {`{"version": "2"}`, nil},
		"no object":         {`[]`, []string{"a manifest is an object, not an array"}},
		"unknown version":   {`{"version": "3"}`, []string{`version: version "3" is not known; it is "2", and version 1 documents have no such key`}},
		"version 1 by name": {`{"version": "1"}`, []string{`version: version "1" is not known; it is "2", and version 1 documents have no such key`}},
		"version is number": {`{"version": 2}`, []string{`version: version 2 is not known; it is "2", and version 1 documents have no such key`}},
		"unknown key":       {`{"version": "2", "piplines": []}`, []string{`unknown key "piplines"; did you mean "pipelines"?`}},
		"many at once": {v2(`{"name": 7, "runer": "x"}, {"stages": {}}, 5`), []string{
			`pipelines[0]: unknown key "runer"; did you mean "runner"?`, `pipelines[0].name: expected a string, found an integer`,
			`pipelines[1]: "name" is missing`, `pipelines[1].stages: expected an array, found an object`,
			`pipelines[2]: expected an object, found an integer`,
		}},
		"metadata": {`{"version": "2", "metadata": {"exports": [{}], "generators": [{"name": "x", "version": 1}], "x": 1}}`, []string{
			`metadata: unknown key "x"`, `metadata.exports[0]: "name" is missing`, `metadata.generators[0].version: expected a string, found an integer`,
		}},
		"same name twice": {v2(`{"name": "p"}, {"name": "p"}`), []string{`pipelines[1].name: there is a pipeline "p" already`}},
		"unknown build":   {v2(`{"name": "os"}, {"name": "q", "build": "name:od"}`), []string{`pipelines[1].build: there is no pipeline "od"; did you mean "os"?`}},
		"build, no name":  {v2(`{"name": "p"}, {"name": "q", "build": "p"}`), []string{`pipelines[1].build: "p" names no pipeline; write "name:PIPELINE"`}},
		"build stands later": {v2(`{"name": "q", "build": "name:p"}, {"name": "p"}`), []string{
			`pipelines[0].build: pipeline "p" stands later; move it before "q", which uses it`,
		}},
		"itself": {v2(`{"name": "p", "build": "name:p"}`), []string{`pipelines[0].build: the pipelines use each other: p → p`}},
		"cycle": {v2(`{"name": "p", "build": "name:r"}, {"name": "q", "build": "name:p"}, {"name": "r", "build": "name:q"}`), []string{
			`pipelines[0].build: the pipelines use each other: p → r → q → p`,
		}},
		"runner":            {v2(`{"name": "p", "runner": "org.osbuild.fedoro40"}`), []string{`pipelines[0].runner: osbuild has no runner "org.osbuild.fedoro40"; did you mean "org.osbuild.fedora"?`}},
		"old runner":        {v2(`{"name": "p", "runner": "org.osbuild.fedora29"}`), []string{`pipelines[0].runner: osbuild has no runner "org.osbuild.fedora29"; the oldest of its kind is org.osbuild.fedora30`}},
		"runners":           {v2(`{"name": "p", "runner": "org.osbuild.debian12"}, {"name": "q", "runner": "org.osbuild.arch"}`), nil},
		"epoch":             {v2(`{"name": "p", "source-epoch": 1.0}`), []string{`pipelines[0].source-epoch: expected an integer, found a number`}},
		"huge epoch":        {v2(`{"name": "p", "source-epoch": 99999999999999999999}`), []string{`pipelines[0].source-epoch: 99999999999999999999 seconds are beyond what a file system can hold`}},
		"no type":           {v2(`{"name": "p", "stages": [{}]}`), []string{at + `: "type" is missing`}},
		"options":           {stage(`"options": []`), []string{at + `.options: expected an object, found an array`}},
		"input":             {input(`{"type": "org.osbuild.files", "origin": "org.osbuild.source", "references": ["` + sumA + `"]}`), nil},
		"no references":     {input(`{"type": "org.osbuild.files", "origin": "org.osbuild.source"}`), []string{at + `.inputs.i: "references" is missing`}},
		"references is nul": {input(`{"type": "org.osbuild.noop", "origin": "org.osbuild.source", "references": null}`), []string{at + `.inputs.i.references: expected an array or an object, found null`}},
		"mixed references": {input(`{"type": "org.osbuild.noop", "origin": "org.osbuild.source", "references": ["` + sumA + `", {"id": "` + sumB + `"}]}`), []string{
			at + `.inputs.i.references[1]: expected a string as the first reference is, found an object`,
		}},
		"no content": {input(`{"type": "org.osbuild.files", "origin": "org.osbuild.source", "references": ["sha256:c"]}`), []string{at + `.inputs.i.references: no source has "sha256:c"`}},
		"unknown origin": {input(`{"type": "org.osbuild.noop", "origin": "x", "references": ["y"]}`), []string{
			at + `.inputs.i.origin: "x" is neither "org.osbuild.source" nor "org.osbuild.pipeline"`,
		}},
		"tree from a source": {input(`{"type": "org.osbuild.tree", "origin": "org.osbuild.source", "references": ["` + sumA + `"]}`), []string{
			at + `.inputs.i.origin: expected "org.osbuild.pipeline", found "org.osbuild.source"`,
		}},
		"tree of itself": {input(`{"type": "org.osbuild.tree", "origin": "org.osbuild.pipeline", "references": ["name:p"]}`), []string{
			at + `.inputs.i.references: the pipelines use each other: p → p`,
		}},
		"unknown input":   {input(`{"type": "org.osbuild.file", "origin": "org.osbuild.source", "references": ["` + sumA + `"]}`), []string{at + `.inputs.i: osbuild has no input "org.osbuild.file"; did you mean "org.osbuild.files"?`}},
		"key for mpp":     {input(`{"type": "org.osbuild.files", "origin": "org.osbuild.source", "references": ["` + sumA + `"], "mpp-x": 1}`), []string{at + `.inputs.i: unknown key "mpp-x"`}},
		"input's name":    {stage(`"inputs": {"1": {"type": "org.osbuild.noop", "origin": "org.osbuild.source", "references": ["` + sumA + `"]}}`), []string{at + `.inputs: the input's name "1" does not start with a letter`}},
		"inputs no map":   {stage(`"inputs": []`), []string{at + `.inputs: expected an object, found an array`}},
		"unknown device":  {stage(`"devices": {"d": {"type": "org.osbuild.loop"}}`), []string{at + `.devices.d: osbuild has no device "org.osbuild.loop"`}},
		"device options":  {stage(`"devices": {"d": {"type": "org.osbuild.loopback", "options": {"filname": "x"}}}`), []string{at + `.devices.d.options: "filename" is missing`, at + `.devices.d.options: unknown key "filname"; did you mean "filename"?`}},
		"no parent":       {stage(`"devices": {"d": ` + loop + `, "parent": "e"}}`), []string{at + `.devices.d.parent: there is no device "e"; did you mean "d"?`}},
		"parents":         {stage(`"devices": {"d": ` + loop + `, "parent": "e"}, "e": ` + loop + `}}`), nil},
		"cyclic parents":  {stage(`"devices": {"d": ` + loop + `, "parent": "e"}, "e": ` + loop + `, "parent": "d"}}`), []string{at + `.devices: the devices d and e are each other's parents, or lie on such`}},
		"own parent":      {stage(`"devices": {"d": ` + loop + `, "parent": "d"}}`), []string{at + `.devices.d.parent: the device is its own parent`}},
		"no device":       {stage(`"mounts": [{"name": "m", "type": "org.osbuild.ext4", "source": "d", "target": "/"}]`), []string{at + `.mounts[0].source: there is no device "d"`}},
		"mount's keys":    {stage(`"mounts": [{"name": "m", "type": "org.osbuild.ext4"}]`), []string{at + `.mounts[0]: "source" is missing`, at + `.mounts[0]: "target" is missing`}},
		"half partition":  {stage(`"devices": {"d": ` + loop + `}}, "mounts": [{"name": "m", "type": "org.osbuild.ext4", "source": "d", "target": "/", "partition": 1.5}]`), []string{at + `.mounts[0].partition: 1.5 is no partition's number`}},
		"same mount":      {stage(`"devices": {"d": ` + loop + `}}, "mounts": [{"name": "m", "type": "org.osbuild.ext4", "source": "d", "target": "/"}, {"name": "m", "type": "org.osbuild.ext4", "source": "d", "target": "/a"}]`), []string{at + `.mounts[1].name: there is a mount "m" already`}},
		"unknown source":  {`{"version": "2", "sources": {"org.osbuild.crul": {"items": {}}}}`, []string{`sources["org.osbuild.crul"]: osbuild has no source "org.osbuild.crul"; did you mean "org.osbuild.curl"?`}},
		"source's item":   {`{"version": "2", "sources": {"org.osbuild.curl": {"items": {"x": "http://a/"}}}}`, []string{`sources["org.osbuild.curl"].items: "x" does not match (md5|sha1|sha256|sha384|sha512):[0-9a-f]{32,128}`}},
		"source's items":  {`{"version": "2", "sources": {"org.osbuild.inline": {}}}`, []string{`sources["org.osbuild.inline"]: "items" is missing`}},
		"v1":              {`{"pipeline": {"stages": [{"name": "org.osbuild.x"}], "assembler": {"name": "org.osbuild.y"}}}`, nil},
		"v1 keys":         {`{"pipeline": {"stages": [{"type": "org.osbuild.x"}]}}`, []string{`pipeline.stages[0]: unknown key "type"`, `pipeline.stages[0]: "name" is missing`}},
		"v1 build":        {`{"pipeline": {"build": {"pipeline": {"build": {}, "stages": [5]}}}}`, []string{`pipeline.build: "runner" is missing`, `pipeline.build.pipeline.build: "runner" is missing`, `pipeline.build.pipeline.build: "pipeline" is missing`, `pipeline.build.pipeline.stages[0]: expected an object, found an integer`}},
		"v1 rpm":          {`{"pipeline": {"stages": [{"name": "org.osbuild.rpm"}]}}`, []string{`pipeline.stages[0].options: org.osbuild.rpm needs "packages", an array`}},
		"v1 rpm packages": {`{"pipeline": {"stages": [{"name": "org.osbuild.rpm", "options": {"packages": [1, {}]}}]}}`, []string{`pipeline.stages[0].options.packages[0]: expected a string or an object, found an integer`, `pipeline.stages[0].options.packages[1]: "checksum", a string, is missing`}},
		"v1 ostree":       {`{"pipeline": {"stages": [{"name": "org.osbuild.ostree", "options": {}}]}}`, []string{`pipeline.stages[0].options: org.osbuild.ostree needs "commit", a string`}},
		"v1 source":       {`{"sources": {"org.osbuild.inline": {"items": {}}}}`, []string{`sources["org.osbuild.inline"]: version 1 has no source "org.osbuild.inline"; it has org.osbuild.files, org.osbuild.curl and org.osbuild.ostree`}},
		"v1 urls":         {`{"sources": {"org.osbuild.files": {}}}`, []string{`sources["org.osbuild.files"]: "urls" is missing`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Read([]byte(tt.doc), "m.json")
			var problems Problems
			if err != nil && !errors.As(err, &problems) {
				t.Fatal(err)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.Error())
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("problems:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	_, err := Read([]byte("{\n  \"version\" \"2\"}"), "m.json")
	var syntax *pyjson.SyntaxError
	if !errors.As(err, &syntax) || err.Error() != `m.json:2:13: expected ':' after the key, found '"'` {
		t.Errorf("error %v", err)
	}
	_, err = Read([]byte(v2(`{"name": "a/b"}`)), "m.json")
	if err == nil || err.Error() != `m.json: pipelines[0]: the pipeline name "a/b" cannot be a directory's` {
		t.Errorf("error %v", err)
	}
	_, err = Read([]byte(v2(`{}, {}, {}`)), "m.json")
	if err == nil || err.Error() != `m.json: pipelines[0]: "name" is missing (and 2 more problems)` {
		t.Errorf("error %v", err)
	}
}

// TestModel reads one document of each version with everything in it.
func TestModel(t *testing.T) {
	tree := `"inputs": {"tree": {"type": "org.osbuild.tree", "origin": "org.osbuild.pipeline", "references": ["name:os"]}}`
	devices := `"devices": {"lv": {"type": "org.osbuild.lvm2.lv", "parent": "disk", "options": {"volume": "root"}}, "disk": {"type": "org.osbuild.loopback", "options": {"filename": "disk.img"}}}`
	mounts := `"mounts": [{"name": "root", "type": "org.osbuild.ext4", "source": "lv", "target": "/", "partition": 2.0}, {"name": "boot", "type": "org.osbuild.fat", "source": "disk", "target": "/boot", "partition": 1, "options": {"uid": 0}}]`
	doc := v2(`{"name": "build", "runner": "org.osbuild.linux", "stages": [{"type": "a"}]},
		{"name": "os", "build": "name:build", "source-epoch": 7, "stages": [{"type": "b", "options": {"z": 1, "a": "é"},
			"inputs": {"f": {"type": "org.osbuild.files", "origin": "org.osbuild.source", "references": [{"id": "` + sumB + `", "options": {"metadata": {}}}, {"id": "` + sumA + `"}]}}}]},
		{"name": "image", "build": "name:build", "stages": [{"type": "c", ` + tree + `, ` + devices + `, ` + mounts + `}]}`)
	v1 := `{"pipeline": {"build": {"pipeline": {"build": {"pipeline": {}, "runner": "org.osbuild.linux"}, "stages": [{"name": "a"}], "assembler": {"name": "ignored"}}, "runner": "org.osbuild.rhel82"},
		"stages": [{"name": "org.osbuild.rpm", "options": {"packages": ["` + sumA + `", {"checksum": "` + sumB + `", "check_gpg": true}]}}], "assembler": {"name": "org.osbuild.qemu"}},
		"sources": {"org.osbuild.files": {"urls": {"` + sumA + `": "http://a/"}}}}`
	tests := map[string]struct {
		doc  string
		want string
	}{
		"v2": {doc, `
source org.osbuild.curl [sha256:aaaa… = "http://a/", sha256:bbbb… = {"url": "http://b/"}]
pipeline build at pipelines[0], runner org.osbuild.linux
  a {} at pipelines[0].stages[0]
pipeline os at pipelines[1], build build, epoch 7
  b {"a": "\u00e9", "z": 1} at pipelines[1].stages[0]
    input f org.osbuild.files from org.osbuild.source [sha256:bbbb… {"metadata": {}}, sha256:aaaa… {}]
pipeline image at pipelines[2], build build
  c {} at pipelines[2].stages[0]
    input tree org.osbuild.tree from org.osbuild.pipeline [name:os {}]
    device disk org.osbuild.loopback {"filename": "disk.img"}
    device lv org.osbuild.lvm2.lv {"volume": "root"} on disk
    mount root org.osbuild.ext4 {} lv:2 /
    mount boot org.osbuild.fat {"uid": 0} disk:1 /boot
`},
		"v1": {v1, `
source org.osbuild.curl [sha256:aaaa… = "http://a/"]
pipeline build at pipeline.build.pipeline, runner org.osbuild.rhel82
  a {} at pipeline.build.pipeline.stages[0]
pipeline tree at pipeline, build build
  org.osbuild.rpm {"packages": ["sha256:aaaa…", {"check_gpg": true, "checksum": "sha256:bbbb…"}]} at pipeline.stages[0]
    input packages org.osbuild.files from org.osbuild.source [sha256:aaaa… {}, sha256:bbbb… {"metadata": {"rpm.check_gpg": true}}]
pipeline assembler at pipeline.assembler, build build
  assembler org.osbuild.qemu {} at pipeline.assembler
    input tree org.osbuild.tree from org.osbuild.pipeline [name:tree {}]
`},
		"empty build": {v2(`{"name": "build"}, {"name": "os", "build": "name:build"}`), `
source org.osbuild.curl [sha256:aaaa… = "http://a/", sha256:bbbb… = {"url": "http://b/"}]
pipeline build at pipelines[0]
pipeline os at pipelines[1]
`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := mustLoad(t, tt.doc)
			short := strings.NewReplacer(strings.Repeat("a", 64), "aaaa…", strings.Repeat("b", 64), "bbbb…")
			if got := "\n" + short.Replace(describe(m)); got != tt.want {
				t.Errorf("model:%s\nwant:%s", got, tt.want)
			}
		})
	}
}

// describe is a model on a few lines, without ids.
func describe(m *Manifest) string {
	var b strings.Builder
	for _, s := range m.Sources {
		var items []string
		for _, x := range s.Items {
			items = append(items, fmt.Sprintf("%s = %s", x.ID, x.Value))
		}
		fmt.Fprintf(&b, "source %s [%s]\n", s.Type, strings.Join(items, ", "))
	}
	for _, p := range m.Pipelines {
		fmt.Fprintf(&b, "pipeline %s at %s", p.Name, p.Path)
		if p.Build != "" {
			fmt.Fprintf(&b, ", build %s", p.Build)
		}
		if p.Runner != "" {
			fmt.Fprintf(&b, ", runner %s", p.Runner)
		}
		if p.SourceEpoch != nil {
			fmt.Fprintf(&b, ", epoch %d", *p.SourceEpoch)
		}
		b.WriteString("\n")
		for _, s := range p.Steps {
			describeStep(&b, s)
		}
	}
	return b.String()
}

func describeStep(b *strings.Builder, s *Step) {
	name := s.Type
	if s.Assembler {
		name = "assembler " + name
	}
	fmt.Fprintf(b, "  %s %s at %s\n", name, s.Options, s.Path)
	for _, in := range s.Inputs {
		var refs []string
		for _, r := range in.References {
			refs = append(refs, r.ID+" "+string(r.Options))
		}
		fmt.Fprintf(b, "    input %s %s from %s [%s]\n", in.Name, in.Type, in.Origin, strings.Join(refs, ", "))
	}
	for _, d := range s.Devices {
		fmt.Fprintf(b, "    device %s %s %s", d.Name, d.Type, d.Options)
		if d.Parent != "" {
			fmt.Fprintf(b, " on %s", d.Parent)
		}
		b.WriteString("\n")
	}
	for _, m := range s.Mounts {
		fmt.Fprintf(b, "    mount %s %s %s %s:%d %s\n", m.Name, m.Type, m.Options, m.Source, *m.Partition, m.Target)
	}
}

// TestBounds: documents that are all wrong end soon, and say that they do.
func TestBounds(t *testing.T) {
	repeat := func(n int, format string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(format, i, i+1)
		}
		return strings.Join(items, ", ")
	}
	tests := map[string]struct {
		doc         string
		count       int
		first, last string
	}{
		"problems": {v2(`{"name": "p", "stages": [` + strings.Repeat("0,", 20000) + `0]}`), 10000,
			"pipelines[0].stages[0]: expected an object, found an integer", "pipelines[0].stages[9999]: expected an object, found an integer"},
		"pipelines": {v2(repeat(10001, `{"name": "p%d", "build": "name:p%d"}`)), 1,
			"pipelines: 10001 are too many; at most 10000 can be", "pipelines: 10001 are too many; at most 10000 can be"},
		"uses": {v2(repeat(10000, `{"name": "p%d", "build": "name:p%d"}`)), 10000,
			`pipelines[0].build: pipeline "p1" stands later; move it before "p0", which uses it`, `pipelines[9999].build: pipeline "p10000" does not stand before this one`},
		"devices": {stage(`"devices": {` + repeat(1001, `"d%d": {"type": "org.osbuild.loopback", "parent": "d%d"}`) + `}`), 1,
			"pipelines[0].stages[0].devices: 1001 are too many; at most 1000 can be", "pipelines[0].stages[0].devices: 1001 are too many; at most 1000 can be"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Read([]byte(tt.doc), "m.json")
			var problems Problems
			if !errors.As(err, &problems) || len(problems) != tt.count {
				t.Fatalf("%d problems, want %d: %v", len(problems), tt.count, err)
			}
			if first, last := problems[0].Error(), problems[tt.count-1].Error(); first != tt.first || last != tt.last {
				t.Errorf("from %q to %q", first, last)
			}
		})
	}
}
