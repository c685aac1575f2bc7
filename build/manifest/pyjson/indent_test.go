package pyjson

import "testing"

func TestIndent(t *testing.T) {
	v, err := Parse([]byte(`{"b": [1.0, "é\ud800", [], {}], "a": {"z": null, "y": true}, "c": []}`))
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "b": [
    1.0,
    "\u00e9\ud800",
    [],
    {}
  ],
  "a": {
    "z": null,
    "y": true
  },
  "c": []
}
`
	if got := string(v.Indent()); got != want {
		t.Errorf("got\n%s", got)
	}
	again, err := Parse(v.Indent())
	if err != nil || again.String() != v.String() {
		t.Errorf("read back as %s, %v", again, err)
	}
}
