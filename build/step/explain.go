package step

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// An explainer says in plain words what a schema's verdict means.
//
// Where a value does not match a pattern, the words are the "$comment" that
// stands beside the pattern in the schema: "a name of letters and digits". A
// value that the schema marks "writeOnly" (a secret) is not repeated.
type explainer struct {
	schema  json.RawMessage
	options any
}

func (e explainer) explain(v *jsonschema.ValidationError) []Problem {
	switch k := v.ErrorKind.(type) {
	case *kind.AnyOf:
		return e.alternatives(v)
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			return []Problem{{e.path(v), e.ambiguous(v, k.Subschemas)}}
		}
		return e.alternatives(v)
	case *kind.Required:
		return e.each(v, k.Missing, func(string) string { return "is missing" })
	case *kind.AdditionalProperties:
		return e.each(v, k.Properties, func(name string) string { return e.unknown(v, name) })
	case *kind.PropertyNames:
		return e.each(v, []string{k.Property}, func(string) string { return "is not " + cmp.Or(e.text(v, "$comment"), "a name that is allowed here") })
	case *kind.DependentRequired:
		return e.each(v, k.Missing, func(string) string { return fmt.Sprintf("is missing, and %s needs it", k.Prop) })
	}
	if len(v.Causes) == 0 {
		return []Problem{{e.path(v), e.leaf(v)}}
	}
	var problems []Problem
	for _, cause := range v.Causes {
		problems = append(problems, e.explain(cause)...)
	}
	return problems
}

func (e explainer) path(v *jsonschema.ValidationError) string {
	return OptionPath(place(e.options, v.InstanceLocation)...)
}

func (e explainer) each(v *jsonschema.ValidationError, names []string, say func(string) string) []Problem {
	var problems []Problem
	for _, name := range names {
		problems = append(problems, Problem{OptionPath(append(place(e.options, v.InstanceLocation), name)...), say(name)})
	}
	return problems
}

func (e explainer) leaf(v *jsonschema.ValidationError) string {
	switch k := v.ErrorKind.(type) {
	case *kind.Type:
		return fmt.Sprintf("is %s, not %s", article(k.Got), articles(k.Want))
	case *kind.Enum:
		return enum(k)
	case *kind.Const:
		return fmt.Sprintf("is %v, not %v", quote(k.Got), quote(k.Want))
	case *kind.Pattern:
		words := e.text(v, "$comment")
		if secret, _ := e.node(v)["writeOnly"].(bool); secret {
			return "is not " + cmp.Or(words, "of the form that it must have")
		}
		if words != "" {
			return fmt.Sprintf("%q is not %s", k.Got, words)
		}
		return fmt.Sprintf("%q is not of the form %s", k.Got, k.Want)
	case *kind.Minimum:
		return fmt.Sprintf("%s is less than %s", k.Got.RatString(), k.Want.RatString())
	case *kind.Maximum:
		return fmt.Sprintf("%s is more than %s", k.Got.RatString(), k.Want.RatString())
	case *kind.MinLength:
		if k.Got == 0 {
			return "is empty"
		}
		return fmt.Sprintf("has %d characters, and must have at least %d", k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("has %d characters, and may have at most %d", k.Got, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("has %d items, and must have at least %d", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has %d items, and may have at most %d", k.Got, k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("has %d keys, and must have at least %d", k.Got, k.Want)
	case *kind.UniqueItems:
		return fmt.Sprintf("holds the same item twice, at [%d] and [%d]", k.Duplicates[0], k.Duplicates[1])
	case *kind.Not:
		return cmp.Or(prefixed("is not ", e.text(v, "$comment")), "is not allowed in this combination")
	}
	return v.ErrorKind.LocalizedString(message.NewPrinter(language.English))
}

// unknown is said of a key that the schema does not have.
func (e explainer) unknown(v *jsonschema.ValidationError, name string) string {
	node := e.node(v)
	known := keys(node["properties"])
	patterns := keys(node["patternProperties"])
	switch near := Nearest(name, known); {
	case near != "":
		return fmt.Sprintf("is no known option; did you mean %q?", near)
	case len(known) > 0:
		return "is no known option; known are " + strings.Join(known, ", ")
	case len(patterns) > 0 && e.text(v, "$comment") != "":
		return "is not " + e.text(v, "$comment")
	case len(patterns) > 0:
		return "is not of the form " + strings.Join(patterns, " or ")
	default:
		return "is no known option; this step takes none"
	}
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func keys(object any) []string {
	m, _ := object.(map[string]any)
	return slices.Sorted(maps.Keys(m))
}

// text is a string that stands beside the keyword which v reports.
func (e explainer) text(v *jsonschema.ValidationError, key string) string {
	text, _ := e.node(v)[key].(string)
	return text
}

// node is the object of the schema that holds the keyword which v reports.
func (e explainer) node(v *jsonschema.ValidationError) map[string]any {
	var doc any
	if json.Unmarshal(e.schema, &doc) != nil {
		return nil
	}
	_, fragment, _ := strings.Cut(v.SchemaURL, "#")
	pointer, err := url.PathUnescape(fragment)
	if err != nil {
		return nil
	}
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch node := doc.(type) {
		case map[string]any:
			if token != "" {
				doc = node[token]
			}
		case []any:
			if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(node) {
				doc = node[i]
			}
		}
	}
	node, _ := doc.(map[string]any)
	return node
}
