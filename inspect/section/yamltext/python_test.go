package yamltext_test

import (
	"encoding/json"
	"os/exec"
	"reflect"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section/yamltext"
)

const odd = `
a: yes
b: "yes"
c: Off
d: 0644
e: 0x1F
f: 1_000
g: 1.5
h: ~
i:
j: [1, two, {x: -3}]
k: &anchor {one: 1, two: 2}
l:
  <<: *anchor
  two: 3
m: |
  # no comment
  text
n: >
  folded
  text
o: null
p: .5
q: 08
r: 1e3
t: '0644'
u: +12
v: No
w: []
x: {}
y: 'it''s'
z: a: b
`

// TestPython compares with PyYAML, which is a package of Debian's own python3.
func TestPython(t *testing.T) {
	fixtures.RequireTool(t, "python3")
	text := odd[:len(odd)-len("z: a: b\n")]
	cmd := exec.Command("/usr/bin/python3", "-c", "import sys, json, yaml; json.dump(yaml.safe_load(sys.argv[1]), sys.stdout)", text)
	if err := exec.Command("/usr/bin/python3", "-c", "import yaml").Run(); err != nil {
		fixtures.Missing(t, "/usr/bin/python3 has no yaml")
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var want any
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	value, err := yamltext.Python([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for key, w := range want.(map[string]any) {
		if g := got.(map[string]any)[key]; !reflect.DeepEqual(g, w) {
			t.Errorf("%s: got %#v, PyYAML %#v", key, g, w)
		}
	}
	if _, err := yamltext.Python([]byte(odd)); err == nil {
		t.Error("what is no YAML was read")
	}
}
