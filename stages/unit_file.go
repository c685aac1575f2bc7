package stages

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// unitText writes the sections of a unit file, as systemd.syntax(7) defines
// it and in the form that upstream's configparser gives: each section ends
// with an empty line, "True" and "False" are truth values, and a line that is
// there already is not repeated.
//
// config is a struct of pointers to sections, a section a struct of *string,
// *bool, *int, []string and environment; the order of the fields is the order
// of the lines, and their json names are the keys.
func unitText(config any) string {
	var b strings.Builder
	for name, section := range fields(config) {
		b.WriteString("[" + name + "]\n")
		var lines []string
		for key, value := range fields(section.Elem().Interface()) {
			for _, v := range unitValues(value.Interface()) {
				if line := key + "=" + v + "\n"; !slices.Contains(lines, line) {
					lines = append(lines, line)
				}
			}
		}
		b.WriteString(strings.Join(lines, "") + "\n")
	}
	return b.String()
}

// fields yields the names and values of those fields that are not nil.
func fields(v any) func(yield func(string, reflect.Value) bool) {
	return func(yield func(string, reflect.Value) bool) {
		value := reflect.ValueOf(v)
		for i := range value.NumField() {
			name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
			if f := value.Field(i); !f.IsNil() && !yield(name, f) {
				return
			}
		}
	}
}

func unitValues(value any) []string {
	switch v := value.(type) {
	case []string:
		return v
	case environment:
		return v
	case *string:
		return []string{*v}
	case *bool:
		if *v {
			return []string{"True"}
		}
		return []string{"False"}
	case *int:
		return []string{fmt.Sprint(*v)}
	default:
		return nil
	}
}

// An environment is the values of Environment=: a text that is taken as it
// is, or a list of keys and values, each written in quotes.
type environment []string

// UnmarshalJSON reads either form.
func (e *environment) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*e = environment{text}
		return nil
	}
	var pairs []struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	if err := json.Unmarshal(data, &pairs); err != nil {
		return err
	}
	*e = environment{}
	for _, p := range pairs {
		*e = append(*e, `"`+p.Key+"="+p.Value+`"`)
	}
	return nil
}
