package diff

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// derivedRule is the rule of all derived sections.
func derivedRule() Rule {
	return Rule{Rule: report.Rule{Name: "derived", Version: 1,
		Reason: "it tells in words what stands in files that are compared themselves",
		Source: "docs/verdicts.md"}}
}

// derivedSections are the sections that the report embeds by theme. What they
// tell is read from files of the same report, so that they explain changes of these
// and make none: no digest covers them, and one that could not be read leaves
// no doubt.
func derivedSections() []section {
	var out []section
	t := reflect.TypeFor[report.Report]()
	for i := range t.NumField() {
		if !t.Field(i).Anonymous {
			continue
		}
		for j := range t.Field(i).Type.NumField() {
			out = append(out, section{
				name: derivedName(t.Field(i).Type.Field(j)), scope: Tree, derived: true,
				records: func(r *report.Report) []record {
					return derivedRecords(reflect.ValueOf(r).Elem().Field(i).Field(j))
				},
			})
		}
	}
	return out
}

// derivedName is the name of the section in a field of the report.
func derivedName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return strings.ReplaceAll(name, "_", "-")
}

// isDerived tells whether a section of that name is derived.
func isDerived(name string) bool {
	return slices.ContainsFunc(derivedSections(), func(s section) bool { return s.name == name })
}

// derivedRecords takes a section's value apart: a list's elements by their
// first field, a map's by their keys, anything else whole.
func derivedRecords(v reflect.Value) []record {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Slice:
		values := make([]any, v.Len())
		for i := range values {
			values[i] = v.Index(i).Interface()
		}
		return list(values, derivedKey)
	case reflect.Map:
		m := map[string]string{}
		for _, k := range v.MapKeys() {
			m[k.String()] = encoded(v.MapIndex(k).Interface())
		}
		return keyed(m)
	case reflect.Struct:
		fields := fieldsOf(v.Interface())
		if len(fields) == 0 {
			return nil
		}
		return []record{{"", fields}}
	}
	if v.IsZero() {
		return nil
	}
	return []record{{"", []field{{"value", encoded(v.Interface())}}}}
}

// derivedKey is an element's first field; a text is its own key.
func derivedKey(v any) string {
	x := reflect.ValueOf(v)
	if x.Kind() == reflect.Struct {
		return encoded(x.Field(0).Interface())
	}
	return encoded(v)
}

// encoded is a value's JSON, a text without its quotes.
func encoded(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return plain(data)
}

// explain names the rule of a derived section's changes, which holds where the
// files are compared.
func (s section) explain(changes []Change, a, b *report.Report) {
	if !s.derived || a.Sections["files"].Status == report.Unread || b.Sections["files"].Status == report.Unread {
		return
	}
	rule := derivedRule()
	for i := range changes {
		if changes[i].Rule == "" {
			changes[i].Rule, changes[i].Reason = rule.Name, rule.Reason
		}
	}
}
