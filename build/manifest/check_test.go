package manifest

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

func texts(problems Problems) string {
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.Error())
	}
	return strings.Join(lines, "\n")
}

func mustLoad(t testing.TB, doc string) *Manifest {
	t.Helper()
	v, err := pyjson.Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	m, problems := Load(v)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCheck(t *testing.T) {
	at := "pipelines[0].stages[0]"
	noop := `{"type": "org.osbuild.noop", "origin": "org.osbuild.source", "references": {"` + sumA + `": 1}}`
	tests := map[string]struct{ doc, want string }{
		"well":              {stage(`"inputs": {"i": ` + noop + `}`), ""},
		"NaN":               {stage(`"options": {"a": [NaN]}`), at + ": the options hold NaN, Infinity or a number beyond a double's range; JSON has none of them"},
		"too large":         {stage(`"options": {"a": 1e999}`), at + ": the options hold NaN, Infinity or a number beyond a double's range; JSON has none of them"},
		"NaN in a string":   {stage(`"options": {"a": "NaN"}`), ""},
		"input that climbs": {stage(`"inputs": {"a/../../b": ` + noop + `}`), at + `.inputs["a/../../b"]: the input name "a/../../b" cannot be a directory's`},
		"pipeline's name":   {v2(`{"name": ".."}`), `pipelines[0]: the pipeline name ".." cannot be a directory's`},
		"no reference": {stage(`"inputs": {"i": {"type": "org.osbuild.noop", "origin": "org.osbuild.source", "references": {}}}`),
			at + ".inputs.i: the input refers to nothing"},
		"no pipeline": {stage(`"inputs": {"i": {"type": "org.osbuild.tree", "origin": "org.osbuild.pipeline", "references": ["os"]}}`),
			at + `.inputs.i: the input refers to no pipeline; one is written "name:PIPELINE"`},
		"v1 content": {`{"pipeline": {"stages": [{"name": "org.osbuild.rpm", "options": {"packages": ["` + sumA + `"]}}]}}`,
			`pipeline.stages[0].options.packages: no source has "` + sumA + `"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := texts(Check(mustLoad(t, tt.doc))); got != tt.want {
				t.Errorf("problems:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	known := []Known{
		{Name: "org.osbuild.hostname", Check: func(options json.RawMessage) Problems {
			if string(options) == "{}" {
				return Problems{{Path: Path{"users", "bob", "uid"}, Message: "is wrong"}, {Message: "is empty"}}
			}
			return nil
		}},
		{Name: "org.osbuild.noop"},
		{Name: "org.osbuild.both"},
		{Name: "org.osbuild.both", Assembler: true},
		{Name: "org.osbuild.rawfs", Assembler: true},
	}
	tests := map[string]struct{ doc, want string }{
		"well": {v2(`{"name": "p", "stages": [{"type": "org.osbuild.hostname", "options": {"hostname": "a"}}, {"type": "org.osbuild.noop"}]}`), ""},
		"options": {v2(`{"name": "p", "stages": [{"type": "org.osbuild.noop"}, {"type": "org.osbuild.hostname"}]}`),
			"pipelines[0].stages[1].options.users.bob.uid: is wrong\npipelines[0].stages[1].options: is empty"},
		"typing error": {v2(`{"name": "p", "stages": [{"type": "org.osbuild.hostnmae"}]}`),
			`pipelines[0].stages[0]: unknown stage "org.osbuild.hostnmae"; did you mean "org.osbuild.hostname"?`},
		"nothing near": {v2(`{"name": "p", "stages": [{"type": "com.example.something"}]}`), `pipelines[0].stages[0]: unknown stage "com.example.something"`},
		"osbuild's":    {v2(`{"name": "p", "stages": [{"type": "org.osbuild.zipl"}]}`), `pipelines[0].stages[0]: the stage "org.osbuild.zipl" is osbuild's; assay does not have it yet`},
		"v1":           {`{"pipeline": {"stages": [{"name": "org.osbuild.both"}], "assembler": {"name": "org.osbuild.both"}}}`, ""},
		"no assembler": {`{"pipeline": {"stages": [{"name": "org.osbuild.rawfs"}], "assembler": {"name": "org.osbuild.noop"}}}`,
			"pipeline.stages[0]: there is no stage \"org.osbuild.rawfs\", only the assembler of that name\n" +
				"pipeline.assembler: there is no assembler \"org.osbuild.noop\", only the stage of that name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := texts(Validate(mustLoad(t, tt.doc), known)); got != tt.want {
				t.Errorf("problems:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestCheckOptions(t *testing.T) {
	at := "pipelines[0].stages[0]"
	one := func(name, more string) string {
		return v2(`{"name": "p", "stages": [{"type": "org.osbuild.` + name + `", ` + more + `}]}`)
	}
	tests := map[string]struct{ doc, want string }{
		"unknown stage":               {one("nobody.knows", `"options": {"x": 1}`), ""},
		"well":                        {one("hostname", `"options": {"hostname": "a"}`), ""},
		"missing":                     {one("hostname", `"options": {}`), at + `.options: "hostname" is missing`},
		"no options":                  {v2(`{"name": "p", "stages": [{"type": "org.osbuild.hostname"}]}`), ""},
		"unknown":                     {one("hostname", `"options": {"hostname": "a", "hostnmae": "b"}`), at + `.options: unknown key "hostnmae"; did you mean "hostname"?`},
		"kind":                        {one("users", `"options": {"users": {"bob": {"uid": "1"}}}`), at + `.options.users.bob.uid: expected a number, found a string`},
		"takes none":                  {one("hostname", `"options": {"hostname": "a"}, "inputs": {}`), at + `: org.osbuild.hostname takes no inputs`},
		"the form that the key tells": {one("vagrant", `"options": {"provider": "virtualbox"}`), at + `.options: "virtualbox" is missing`},
		"absolute path":               {one("mkdir", `"options": {"paths": [{"path": "/a/../b"}]}`), at + `.options.paths[0].path: "/a/../b" is what must not stand here`},
		"v1": {`{"pipeline": {"build": {"pipeline": {"stages": [{"name": "org.osbuild.hostname", "options": {}}]}, "runner": "org.osbuild.linux"}, "assembler": {"name": "org.osbuild.rawfs", "options": {"filename": 1}}}}`,
			"pipeline.build.pipeline.stages[0].options: \"hostname\" is missing\n" +
				"pipeline.assembler.options: \"root_fs_uuid\" is missing\npipeline.assembler.options: \"size\" is missing\n" +
				"pipeline.assembler.options.filename: expected a string, found an integer"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			doc, err := pyjson.Parse([]byte(tt.doc))
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(CheckOptions(doc)); got != tt.want {
				t.Errorf("problems:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestGraph(t *testing.T) {
	m := mustLoad(t, v2(`{"name": "b\"1", "stages": [{"type": "x", "inputs": {"i": {"type": "org.osbuild.files", "origin": "org.osbuild.source", "references": ["`+sumA+`", "`+sumB+`"]}}}]},
		{"name": "os", "build": "name:b\"1", "stages": [{"type": "x"}, {"type": "y",
			"inputs": {"t": {"type": "org.osbuild.tree", "origin": "org.osbuild.pipeline", "references": ["name:b\"1"]}, "u": {"type": "org.osbuild.tree", "origin": "org.osbuild.pipeline", "references": ["name:b\"1"]}}}]}`))
	g := NewGraph(m)
	if got, want := g.DOT(), `digraph manifest {
  rankdir=LR;
  node [shape=box];
  n0 [label="b\"1\n1 step"];
  n1 [label="os\n2 steps"];
  n2 [label="org.osbuild.curl\n2 items", style=dashed];
  n2 -> n0 [label="i"];
  n0 -> n1 [label="build", style=dashed];
  n0 -> n1 [label="t, u"];
}
`; got != want {
		t.Errorf("DOT:\n%swant:\n%s", got, want)
	}
	if got, want := g.Mermaid(), `flowchart LR
  n0["b#quot;1<br>1 step"]
  n1["os<br>2 steps"]
  n2[("org.osbuild.curl<br>2 items")]
  n2 -->|"i"| n0
  n0 -.->|"build"| n1
  n0 -->|"t, u"| n1
`; got != want {
		t.Errorf("Mermaid:\n%swant:\n%s", got, want)
	}
}

// TestRecordedVerdicts holds the options of every stage and assembler to what
// osbuild said of them: one that it takes and one that it refuses for each, in
// each version that has it.
func TestRecordedVerdicts(t *testing.T) {
	data, err := os.ReadFile("testdata/options.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Cases []struct {
			Valid    bool
			Manifest json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &recorded); err != nil {
		t.Fatal(err)
	}
	if len(recorded.Cases) < 300 {
		t.Fatalf("%d verdicts are recorded", len(recorded.Cases))
	}
	for _, tt := range recorded.Cases {
		doc, err := pyjson.Parse(tt.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		_, problems := Load(doc)
		problems = append(problems, CheckOptions(doc)...)
		if valid := len(problems) == 0; valid != tt.Valid {
			t.Errorf("%s\nis valid: %t; osbuild: %t\n%s", tt.Manifest, valid, tt.Valid, texts(problems))
		}
	}
}
