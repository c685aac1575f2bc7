package report

import (
	"encoding"
	"maps"
	"reflect"
	"strings"
	"time"
)

// SchemaID names the JSON schema of a report.
const SchemaID = "https://assay-os.github.io/schemas/report-1.json"

// Schema is the JSON schema (draft 2020-12) of a report's JSON form, made
// from the types themselves, so that it cannot say anything else.
func Schema() map[string]any {
	s := schemaOf(reflect.TypeFor[Report]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["$id"] = SchemaID
	s["title"] = "assay report"
	return s
}

// patterns are the forms of the types that are text in JSON, and the values
// of those that have few.
func patterns() map[reflect.Type]map[string]any {
	return map[reflect.Type]map[string]any{
		reflect.TypeFor[time.Time](): {"type": "string", "format": "date-time"},
		reflect.TypeFor[Mode]():      {"type": "string", "pattern": "^[0-7]{4}$"},
		reflect.TypeFor[Raw]():       {"type": "string", "description": "bytes that are not UTF-8 are written \\xHH, a backslash is written \\\\"},
		reflect.TypeFor[Type]():      {"type": "string", "enum": []any{File, Directory, Symlink, Char, Block, FIFO, Socket}},
		reflect.TypeFor[Status]():    {"type": "string", "enum": []any{OK, Absent, Unread}},
	}
}

func schemaOf(t reflect.Type) map[string]any {
	if p, ok := patterns()[t]; ok {
		return p
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Struct:
		return objectSchema(t)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	}
	if t.Kind() == reflect.String || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return map[string]any{"type": "string"}
	}
	// An unknown kind allows nothing, so that the test on real reports fails.
	return map[string]any{"not": map[string]any{}}
}

// objectSchema lists the fields; those without omitempty are required.
func objectSchema(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		if t.Field(i).Anonymous {
			maps.Copy(properties, objectSchema(t.Field(i).Type)["properties"].(map[string]any))
			continue // none is required
		}
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		properties[name] = schemaOf(t.Field(i).Type)
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	return map[string]any{
		"type": "object", "properties": properties, "required": required, "additionalProperties": false,
	}
}
