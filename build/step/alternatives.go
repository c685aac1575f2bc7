package step

import (
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// alternatives is said where a value fits none of the forms of anyOf or
// oneOf: what is wrong with the one form that it has the type of, else what
// it would need to be.
func (e explainer) alternatives(v *jsonschema.ValidationError) []Problem {
	if types := e.types(v); types != nil {
		return []Problem{{e.path(v), fmt.Sprintf("is %s, not %s", article(e.got(v)), articles(types))}}
	}
	if names := e.missing(v); names != nil {
		return []Problem{{e.path(v), "needs one of " + strings.Join(names, ", ")}}
	}
	var forms [][]Problem
	for _, branch := range v.Causes {
		if !e.wrongType(v, branch) {
			forms = append(forms, compact(e.explain(branch)))
		}
	}
	if len(forms) == 1 {
		return forms[0]
	}
	return []Problem{{e.path(v), e.neither(forms)}}
}

// neither joins what is wrong with each of several forms.
func (e explainer) neither(forms [][]Problem) string {
	var reasons []string
	for _, form := range forms {
		for _, p := range form {
			if !slices.Contains(reasons, p.Message) {
				reasons = append(reasons, p.Message)
			}
		}
	}
	return strings.Join(reasons, "; and ")
}

// types are the types that the forms want, when that is all that is wrong with each.
func (e explainer) types(v *jsonschema.ValidationError) []string {
	var types []string
	for _, branch := range v.Causes {
		k, ok := only(branch).ErrorKind.(*kind.Type)
		if !ok || !e.wrongType(v, branch) {
			return nil
		}
		types = append(types, k.Want...)
	}
	return types
}

func (e explainer) got(v *jsonschema.ValidationError) string {
	if k, ok := only(v.Causes[0]).ErrorKind.(*kind.Type); ok {
		return k.Got
	}
	return "value"
}

// wrongType says whether a form fails because the value itself has another type.
func (e explainer) wrongType(v, branch *jsonschema.ValidationError) bool {
	leaf := only(branch)
	_, ok := leaf.ErrorKind.(*kind.Type)
	return ok && len(leaf.InstanceLocation) == len(v.InstanceLocation)
}

// missing are the keys of which the forms want one each, when that is all that is wrong.
func (e explainer) missing(v *jsonschema.ValidationError) []string {
	var names []string
	for _, branch := range v.Causes {
		k, ok := only(branch).ErrorKind.(*kind.Required)
		if !ok || len(k.Missing) != 1 {
			return nil
		}
		names = append(names, k.Missing[0])
	}
	return names
}

// only follows a verdict to its one cause, as far as it has just one.
func only(v *jsonschema.ValidationError) *jsonschema.ValidationError {
	for len(v.Causes) == 1 {
		v = v.Causes[0]
	}
	return v
}

// ambiguous is said where a value fits several forms of oneOf.
func (e explainer) ambiguous(v *jsonschema.ValidationError, matched []int) string {
	forms, _ := e.node(v)["oneOf"].([]any)
	var names []string
	for _, i := range matched {
		if i < len(forms) {
			form, _ := forms[i].(map[string]any)
			required, _ := form["required"].([]any)
			for _, name := range required {
				names = append(names, fmt.Sprint(name))
			}
		}
	}
	if len(names) == 0 {
		return "fits more than one of the allowed forms"
	}
	return "has " + strings.Join(slices.Compact(names), " and ") + ", of which only one may be given"
}

func enum(k *kind.Enum) string {
	var known []string
	for _, want := range k.Want {
		known = append(known, fmt.Sprint(want))
	}
	said := fmt.Sprintf("is %s, not one of %s", quote(k.Got), strings.Join(known, ", "))
	if near := Nearest(fmt.Sprint(k.Got), known); near != "" {
		said += fmt.Sprintf("; did you mean %q?", near)
	}
	return said
}

func quote(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}

// article is a JSON type's name as one says it.
func article(jsonType string) string {
	switch jsonType {
	case "array", "object", "integer":
		return "an " + jsonType
	case "null":
		return "null"
	default:
		return "a " + jsonType
	}
}

func articles(types []string) string {
	var list []string
	for _, t := range types {
		list = append(list, article(t))
	}
	return strings.Join(list, " or ")
}
