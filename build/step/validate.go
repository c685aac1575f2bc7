package step

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A Problem is one thing that is wrong with the options of a step.
type Problem struct {
	// Path starts with "options", as [OptionPath] writes it.
	Path    string `json:"path"`
	Message string `json:"message"`
}

func (p Problem) String() string { return p.Path + ": " + p.Message }

// Validate holds options to the definition's schema, and then to its Check, and returns every problem
// in a fixed order; none means that they are valid. Absent options are an
// empty object. Who validates many options of one definition takes a
// [Definition.Validator].
func (d *Definition) Validate(options json.RawMessage) []Problem { return d.Validator()(options) }

// Validator is Validate with the schema compiled once, which takes longer than
// the use of it. It may be used concurrently.
func (d *Definition) Validator() func(options json.RawMessage) []Problem {
	schema, err := d.compile()
	if err != nil {
		return func(json.RawMessage) []Problem { return []Problem{{OptionPath(), err.Error()}} }
	}
	return func(options json.RawMessage) []Problem { return d.validate(schema, options) }
}

func (d *Definition) validate(schema *jsonschema.Schema, options json.RawMessage) []Problem {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(orEmpty(options)))
	if err != nil {
		return []Problem{{OptionPath(), fmt.Sprintf("is no JSON: %v", err)}}
	}
	err = schema.Validate(value)
	var failure *jsonschema.ValidationError
	if err == nil && d.Check != nil {
		return d.Check(orEmpty(options))
	}
	if err == nil {
		return nil
	}
	if !errors.As(err, &failure) {
		return []Problem{{OptionPath(), err.Error()}}
	}
	e := explainer{schema: d.Schema, options: value}
	return compact(e.explain(failure))
}

// compile checks the schema itself.
func (d *Definition) compile() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.Schema))
	if err != nil {
		return nil, fmt.Errorf("read schema of %s: %w", d.Name, err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	const url = "schema:options"
	if err := c.AddResource(url, doc); err != nil {
		return nil, fmt.Errorf("read schema of %s: %w", d.Name, err)
	}
	schema, err := c.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("compile schema of %s: %w", d.Name, err)
	}
	return schema, nil
}

// compact sorts problems by their place and drops what is said twice.
func compact(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if a.Path != b.Path {
			return bytes.Compare([]byte(a.Path), []byte(b.Path))
		}
		return bytes.Compare([]byte(a.Message), []byte(b.Message))
	})
	return slices.Compact(problems)
}

// place turns a JSON pointer's tokens into keys and indices: only the value
// itself tells "0" the key from 0 the index.
func place(value any, tokens []string) []any {
	list := make([]any, 0, len(tokens))
	for _, token := range tokens {
		switch v := value.(type) {
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return list
			}
			list, value = append(list, i), v[i]
		case map[string]any:
			list, value = append(list, token), v[token]
		default:
			list = append(list, token)
		}
	}
	return list
}
