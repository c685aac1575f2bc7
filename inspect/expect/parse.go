package expect

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Parse reads a document in TOML. A key that it does not know is an error with its
// place, since an expectation that is misspelt would never be checked; a document
// that expects nothing is one, too, since it would pass every image.
func Parse(data []byte) (*Expectation, error) {
	var e Expectation
	d := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return nil, inWords(err)
	}
	if reflect.ValueOf(e).IsZero() {
		return nil, errors.New("it expects nothing: it may have " + strings.Join(keys(reflect.TypeFor[Expectation](), nil), ", "))
	}
	return &e, e.validate()
}

// inWords says where the document is wrong, and what would be right.
func inWords(err error) error {
	var strict *toml.StrictMissingError
	var at *toml.DecodeError
	switch {
	case errors.As(err, &strict):
		first := strict.Errors[0]
		line, _ := first.Position()
		key := first.Key()
		known := keys(reflect.TypeFor[Expectation](), key[:len(key)-1])
		return fmt.Errorf("line %d: %s is nothing that can be expected; what can be is %s", line, strings.Join(key, "."), strings.Join(known, ", "))
	case errors.As(err, &at):
		line, column := at.Position()
		return fmt.Errorf("line %d, column %d: %s", line, column, mismatch(strings.TrimPrefix(err.Error(), "toml: ")))
	}
	return err
}

// keys are those of the document's table at a path.
func keys(t reflect.Type, path []string) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Map {
		if t.Kind() == reflect.Map && len(path) > 0 {
			path = path[1:]
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var out []string
	for f := range t.Fields() {
		name := f.Tag.Get("toml")
		if len(path) > 0 && name == path[0] {
			return keys(f.Type, path[1:])
		}
		out = append(out, name)
	}
	return out
}

// mismatch tells of a value of the wrong type in the words of TOML, not of Go.
func mismatch(text string) string {
	m := regexp.MustCompile(`^cannot decode TOML (\S+) into .* of type (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		return text
	}
	want := map[string]string{
		"[]string": `a list of texts, like ["a", "b"]`, "string": `a text, like "a"`, "int": "a number without quotes", "bool": "true or false",
	}[m[2]]
	if want == "" {
		want = "another type of value"
	}
	return fmt.Sprintf("a TOML %s, where %s is wanted", m[1], want)
}
