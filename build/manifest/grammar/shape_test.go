package grammar

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

func parse(t *testing.T, text string) *Shape {
	t.Helper()
	name, err := Parse("/^[a-z]+$/", nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(text, map[string]*Shape{"name": name})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// TestCheck is the meaning of the notation: for each shape, values that fit
// ("") and those that do not, with what is said of them.
func TestCheck(t *testing.T) {
	tests := map[string]map[string]string{
		"any":               {`null`: "", `{"a": 1}`: ""},
		"str":               {`"a"`: "", `1`: "expected a string, found an integer", `null`: "expected a string, found null"},
		"int":               {`1`: "", `1.0`: "expected an integer, found a number", `true`: "expected an integer, found a boolean"},
		"num":               {`1`: "", `1.5`: "", `"1"`: "expected a number, found a string"},
		"bool":              {`false`: "", `0`: "expected a boolean, found an integer"},
		"obj":               {`{}`: "", `[]`: "expected an object, found an array"},
		"arr":               {`[1, "a"]`: "", `{}`: "expected an array, found an object"},
		`"a"`:               {`"a"`: "", `"b"`: `expected "a", found "b"`},
		`1`:                 {`1.0`: "", `true`: "expected 1, found true"},
		`enum("ab" "cd" 3)`: {`"cd"`: "", `3`: "", `"abc"`: `"abc" is none of "ab", "cd", 3; did you mean "ab"?`, `4`: `4 is none of "ab", "cd", 3`},
		`/^a\/b$/`:          {`"a/b"`: "", `"a/b\n"`: "", `"a/bc"`: `"a/bc" does not match ^a/b\n?$`, `1`: "expected a string, found an integer"},
		`/^[\w.-]+\w\d$/`:   {`"a-é1"`: "", `"日本٣"`: "", `"a b1"`: `"a b1" does not match ^[\p{L}\p{N}_.-]+[\p{L}\p{N}_][\p{Nd}]\n?$`},
		"str 2..3":          {`"ab"`: "", `"é\ud800"`: "", `"a"`: "1 character: expected 2 to 3", `"abcd"`: "4 characters: expected 2 to 3"},
		"int 0..":           {`0`: "", `-1`: "-1: expected at least 0"},
		"num ..1":           {`0.5`: "", `1.5`: "1.5: expected at most 1"},
		"[str] 1..2":        {`["a"]`: "", `[]`: "0 items: expected 1 to 2", `["a", 1]`: "[1]: expected a string, found an integer"},
		"[any] unique":      {`[1, 2]`: "", `[{"a": 1, "b": 2}, {"b": 2, "a": 1}]`: `[1]: {"a": 1, "b": 2} stands there twice`},
		"#[str, int]":       {`["a", 1]`: "", `["a"]`: "", `[1]`: "[0]: expected a string, found an integer", `["a", 1, 2]`: "3 items: expected at most 2"},
		"{a: str, bc!: int}": {
			`{"bc": 1}`: "", `{"a": "", "bc": 1}`: "",
			`{"b": 1, "a": 2}`: `"bc" is missing` + "\n" + `unknown key "b"; did you mean "a"?` + "\na: expected a string, found an integer",
		},
		"{a!, ...}":                {`{"a": null, "b": 1}`: "", `{}`: `"a" is missing`},
		"{a, *: int}":              {`{"a": "x", "b": 1}`: "", `{"c d": "x"}`: `["c d"]: expected an integer, found a string`},
		"{/^x/: int}":              {`{"x1": 1}`: "", `{"x1": "a"}`: "x1: expected an integer, found a string", `{"y": 1}`: `"y" does not match ^x`},
		"{@name: int}":             {`{"abc": 1}`: "", `{"ABC": 1}`: `"ABC" does not match ^[a-z]+\n?$`},
		`{"a b"!: int} 1..1`:       {`{"a b": 1}`: "", `{}`: "0 keys: expected exactly 1" + "\n" + `"a b" is missing`},
		"?{a!: int}":               {`{"a": 1}`: "", `7`: "", `{}`: `"a" is missing`},
		"!/b/":                     {`"a"`: "", `1`: "", `"abc"`: `"abc" is what must not stand here`},
		"/a/ & /b/":                {`"ab"`: "", `"a"`: `"a" does not match b`, `1`: "expected a string, found an integer\nexpected a string, found an integer"},
		"str | int | [str]":        {`"a"`: "", `1`: "", `true`: "expected a string or an array or an integer, found a boolean", `[1]`: "[0]: expected a string, found an integer"},
		"/a/ | /b/":                {`"a"`: "", `"ab"`: `"ab" can be read in 2 ways; only one may fit`, `"c"`: `"c" does not match a`},
		"/a/ || /b/":               {`"ab"`: "", `"c"`: `"c" does not match a`},
		"(str | int) & !enum(1 2)": {`3`: "", `1`: "1 is what must not stand here"},
		// The key that tells the forms apart decides which one was meant.
		`{t!: "a", x!} | {t!: "b", y!, z!}`: {`{"t": "b", "y": 1, "z": 1}`: "", `{"t": "b"}`: `"y" is missing` + "\n" + `"z" is missing`, `{"t": "a"}`: `"x" is missing`},
	}
	for shape, values := range tests {
		s := parse(t, shape)
		for value, want := range values {
			v, err := pyjson.Parse([]byte(value))
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, p := range s.Check(v, nil) {
				lines = append(lines, p.Error())
			}
			if got := strings.Join(lines, "\n"); got != want {
				t.Errorf("%s of %s:\n%s\nwant:\n%s", value, shape, got, want)
			}
		}
	}
}

func TestNotationErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":               `expected a shape before ""`,
		"strong":         `expected a shape before "strong"`,
		"str str":        `expected the end before "str"`,
		"{a: str":        `expected "}" before ""`,
		"{a, a}":         `the key "a" stands twice before "}"`,
		"{1 2}":          `expected "}" before "2}"`,
		"[str":           `expected "]" before ""`,
		"#[str int]":     `expected "," before "int]"`,
		"(str | int":     `expected ")" before ""`,
		"str | int || x": `expected a shape before "| x"`,
		"/a":             `an expression that does not end before ""`,
		"/(/":            "missing closing )",
		"@nobody":        "@nobody is not defined",
		`enum("a`:        "a string that does not end",
		"{/a/ str}":      `expected ":" before "str}"`,
		"{*}":            `expected ":" before "}"`,
	} {
		_, err := Parse(text, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestPath(t *testing.T) {
	for want, path := range map[string]Path{
		"":                              nil,
		"a":                             {"a"},
		"pipelines[1].stages[30].x-y_z": {"pipelines", 1, "stages", 30, "x-y_z"},
		`sources["org.osbuild.curl"].a`: {"sources", "org.osbuild.curl", "a"},
		`["a b"]["\"]."][""].c["\n"]`:   {"a b", `"].`, "", "c", "\n"},
		"[0][1]":                        {0, 1},
	} {
		if got := path.String(); got != want {
			t.Errorf("%#v is %s, want %s", path, got, want)
		}
		got, err := ParsePath(want)
		if err != nil || !reflect.DeepEqual(got, path) {
			t.Errorf("%s is read as %#v, %v", want, got, err)
		}
	}
	for _, text := range []string{".", "a.", ".a", "a..b", "a[", "a[x]", `a["x]`, `a["x"`, "a[1", "a b", "a]"} {
		if p, err := ParsePath(text); err == nil {
			t.Errorf("%q is read as %#v", text, p)
		}
	}
	base := Path{"a", 1}
	if one, two := base.At("b"), base.At("c"); one.String() != "a[1].b" || two.String() != "a[1].c" {
		t.Errorf("paths share their end: %s, %s", one, two)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"hostname", "locale", "noop", "org.osbuild.hostname", "org.osbuild.rpm"}
	for word, want := range map[string]string{
		"hostnmae": "hostname", "loacle": "locale", "noo": "noop", "hostname": "hostname", "xyz": "", "": "",
		"org.osbuild.hostnam": "org.osbuild.hostname", "org.osbuild.rpmm": "org.osbuild.rpm", "com.example.rpm": "",
		"org.osbuild.rmp": "org.osbuild.rpm", "org.osbuild.cp": "", "org.osbuid.rpm": "org.osbuild.rpm", "lcoale": "locale",
	} {
		if got, _ := Nearest(word, names); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestLookup(t *testing.T) {
	if _, err := Lookup(Stage, "org.osbuild.hostnmae"); err == nil || err.Error() != `osbuild has no stage "org.osbuild.hostnmae"; did you mean "org.osbuild.hostname"?` {
		t.Errorf("error %v", err)
	}
	m, err := Lookup(Stage, "org.osbuild.rpm")
	if err != nil {
		t.Fatal(err)
	}
	if one, two := m.Part("options", "1"), m.Part("options", "2"); one == nil || two == nil || one == two {
		t.Error("org.osbuild.rpm takes the same options in both versions")
	}
	if m.Part("inputs", "2") == nil || m.Part("devices", "2") != nil {
		t.Error("org.osbuild.rpm takes devices, or no inputs")
	}
}

// TestFits: the quick answer is the careful one, for every shape and value of
// this test's table and for each of osbuild's modules.
func TestFits(t *testing.T) {
	table, err := readTable()
	if err != nil {
		t.Fatal(err)
	}
	values := []string{`null`, `{}`, `[]`, `""`, `"a"`, `1`, `1.5`, `true`, `{"filename": "x"}`, `{"type": "org.osbuild.fat", "name": "n", "source": "d", "target": "/"}`, `[{"id": "a"}]`, `{"items": {}}`}
	for id, module := range table.modules {
		m, err := module()
		if err != nil {
			t.Fatal(err)
		}
		for label, shape := range m.parts {
			for _, text := range values {
				v, err := pyjson.Parse([]byte(text))
				if err != nil {
					t.Fatal(err)
				}
				if quick, careful := shape.fits(v), len(shape.explain(v, nil)) == 0; quick != careful {
					t.Errorf("%v %s of %s: fits %t, explained %t", id, label, text, quick, careful)
				}
			}
		}
	}
}
