package step_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/step"
)

const schema = `{
  "type": "object", "additionalProperties": false, "required": ["users"],
  "properties": {
    "users": {
      "type": "object", "additionalProperties": false, "$comment": "a user's name",
      "patternProperties": {"^[a-z_.]+$": {
        "type": "object", "additionalProperties": false,
        "properties": {
          "uid": {"type": "integer", "minimum": 0, "maximum": 10},
          "group": {"oneOf": [{"type": "string", "pattern": "^g"}, {"type": "integer"}]},
          "shell": {"enum": ["/bin/sh", "/bin/bash"]},
          "home": {"type": "string", "minLength": 2, "pattern": "^/", "$comment": "an absolute path"},
          "keys": {"type": "array", "maxItems": 1, "uniqueItems": true, "items": {"type": "string"}}
        }}}
    },
    "mount": {
      "type": "object",
      "oneOf": [{"required": ["uuid"]}, {"required": ["label"]}]
    },
    "level": {"type": ["integer", "boolean"]}
  }
}`

func TestValidate(t *testing.T) {
	d := step.Definition{Name: "org.osbuild.test", Schema: json.RawMessage(schema)}
	tests := []struct {
		options string
		want    []string
	}{
		{`{"users": {}}`, nil},
		{`{"users": {"bob": {"uid": 3, "group": "g", "home": "/root", "keys": ["a"]}}, "mount": {"uuid": "1"}, "level": true}`, nil},
		{``, []string{"options.users: is missing"}},
		{`null`, []string{"options.users: is missing"}},
		{`[]`, []string{"options: is an array, not an object"}},
		{`{"users": {}, "user": 1}`, []string{`options.user: is no known option; did you mean "users"?`}},
		{`{"users": {}, "zzz": 1}`, []string{"options.zzz: is no known option; known are level, mount, users"}},
		{`{"users": {"Bob": {}}}`, []string{"options.users.Bob: is not a user's name"}},
		{`{"users": {"bob": {"uid": "3"}}}`, []string{"options.users.bob.uid: is a string, not an integer"}},
		{`{"users": {"bob": {"uid": -1}}}`, []string{"options.users.bob.uid: -1 is less than 0"}},
		{`{"users": {"bob": {"uid": 11}}}`, []string{"options.users.bob.uid: 11 is more than 10"}},
		{`{"users": {"a.b": {"group": []}}}`, []string{`options.users["a.b"].group: is an array, not a string or an integer`}},
		{`{"users": {"bob": {"group": "x"}}}`, []string{`options.users.bob.group: "x" is not of the form ^g`}},
		{`{"users": {"bob": {"shell": "/bin/bahs"}}}`, []string{`options.users.bob.shell: is "/bin/bahs", not one of /bin/sh, /bin/bash; did you mean "/bin/bash"?`}},
		{`{"users": {"bob": {"home": "root"}}}`, []string{`options.users.bob.home: "root" is not an absolute path`}},
		{`{"users": {"bob": {"home": "/"}}}`, []string{"options.users.bob.home: has 1 characters, and must have at least 2"}},
		{`{"users": {"bob": {"keys": ["a", 1]}}}`, []string{
			"options.users.bob.keys: has 2 items, and may have at most 1", "options.users.bob.keys[1]: is a number, not a string",
		}},
		{`{"users": {}, "mount": {}}`, []string{"options.mount: needs one of uuid, label"}},
		{`{"users": {}, "mount": {"uuid": "1", "label": "2"}}`, []string{"options.mount: has uuid and label, of which only one may be given"}},
		{`{"users": {}, "level": "x"}`, []string{"options.level: is a string, not a boolean or an integer"}},
		{`{"users"`, []string{"options: is no JSON: unexpected EOF"}},
	}
	for _, test := range tests {
		var got []string
		for _, p := range d.Validate(json.RawMessage(test.options)) {
			got = append(got, p.String())
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", test.options, got, test.want)
		}
	}
}

func TestValidateBrokenSchema(t *testing.T) {
	d := step.Definition{Name: "x", Schema: json.RawMessage(`{"type": 3}`)}
	if got := d.Validate(nil); len(got) != 1 || !strings.Contains(got[0].Message, "schema of x") {
		t.Errorf("got %v", got)
	}
}

// FuzzValidate: no options, however broken, make validation panic, and
// what is refused always has a place below "options".
func FuzzValidate(f *testing.F) {
	for _, seed := range []string{`{"users":{"a":{"group":{}}}}`, `{"mount":3,"level":[]}`, `{"users":{"a":{"keys":["x","x"]}}}`, `{"~1/":0}`} {
		f.Add([]byte(seed))
	}
	d := step.Definition{Name: "org.osbuild.test", Schema: json.RawMessage(schema)}
	f.Fuzz(func(t *testing.T, options []byte) {
		for _, p := range d.Validate(options) {
			if !strings.HasPrefix(p.Path, "options") || p.Message == "" {
				t.Errorf("%q: %v", options, p)
			}
		}
	})
}

func TestOptions(t *testing.T) {
	type inner struct {
		Size int `json:"size"`
	}
	type options struct {
		Name  string           `json:"name"`
		Items map[string]inner `json:"items"`
		Flag  *bool            `json:"flag"`
	}
	tests := []struct {
		options, reason string
	}{
		{`{"name": "a", "items": {"x": {"size": 3}}, "flag": false}`, ""},
		{``, ""},
		{`{"name": "a"} {}`, "options: data after the end of the object"},
		{`{"nam": "a"}`, `options: json: unknown field "nam"`},
		{`{"name": 3}`, "options.name: is a number, which does not fit here"},
		{`{"items": {"x": {"size": 1.5}}}`, "options.items.size: is a number 1.5, which does not fit here"},
	}
	for _, test := range tests {
		_, err := step.Options[options](&step.Context{Options: json.RawMessage(test.options)})
		var option *step.OptionError
		if test.reason == "" && err != nil || test.reason != "" && (!errors.As(err, &option) || option.Error() != test.reason) {
			t.Errorf("%s: %v, want %q", test.options, err, test.reason)
		}
	}
}

func TestOptionPath(t *testing.T) {
	err := step.BadOption(step.At("paths", 0, "from", "/etc/x y"), "is %s", "wrong")
	if want := `options.paths[0].from["/etc/x y"]: is wrong`; err.Error() != want {
		t.Errorf("got %s, want %s", err, want)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"org.osbuild.hostname", "org.osbuild.locale", "uid", "gid"}
	tests := map[string]string{
		"org.osbuild.hostnam": "org.osbuild.hostname", "org.osbuild.lcoale": "org.osbuild.locale", "udi": "uid",
		"": "", "completely-else": "", "org.osbuild.hostname": "org.osbuild.hostname",
	}
	for name, want := range tests {
		if got := step.Nearest(name, known); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
