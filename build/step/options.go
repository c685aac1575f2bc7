package step

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Options decodes the options of a step. Unknown keys and trailing data are
// refused, absent options (null included) are an empty object. What it
// refuses is an [OptionError]; its place lacks the keys of maps, which
// encoding/json does not tell. [Definition.Validate] comes before and is exact.
//
// T's fields carry json tags; a pointer tells an absent option from a zero one.
func Options[T any](c *Context) (T, error) {
	var options T
	d := json.NewDecoder(bytes.NewReader(orEmpty(c.Options)))
	d.DisallowUnknownFields()
	err := d.Decode(&options)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		path := OptionPath()
		if wrong.Field != "" {
			path += "." + wrong.Field
		}
		return options, &OptionError{path, fmt.Sprintf("is a %s, which does not fit here", wrong.Value)}
	}
	if err != nil {
		return options, &OptionError{OptionPath(), err.Error()}
	}
	if _, err := d.Token(); err != io.EOF {
		return options, &OptionError{OptionPath(), "data after the end of the object"}
	}
	return options, nil
}

// orEmpty is the options object that absent options stand for.
func orEmpty(options json.RawMessage) json.RawMessage {
	if text := bytes.TrimSpace(options); len(text) == 0 || string(text) == "null" {
		return json.RawMessage("{}")
	}
	return options
}

// An OptionError is an option that a step cannot use, found by the step
// itself: a group that does not exist in the tree, a path that is no file.
type OptionError struct {
	// Path starts with "options", as [OptionPath] writes it.
	Path string
	// Reason is one clause that follows "PATH: ".
	Reason string
}

func (e *OptionError) Error() string { return e.Path + ": " + e.Reason }

// BadOption makes an [OptionError]; its place is given as for [OptionPath].
func BadOption(place []any, format string, args ...any) error {
	return &OptionError{OptionPath(place...), fmt.Sprintf(format, args...)}
}

// At is a place for [BadOption]: keys (strings) and indices (ints).
func At(place ...any) []any { return place }

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// OptionPath writes the place of an option: "options.users.bob.uid",
// "options.paths[0].from", and with what is no plain word in quotes,
// `options.items["/etc/hosts"].mode`. A place is keys (strings) and indices (ints).
func OptionPath(place ...any) string {
	var b strings.Builder
	b.WriteString("options")
	for _, p := range place {
		switch p := p.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", p)
		case string:
			if plainKey.MatchString(p) {
				b.WriteString("." + p)
			} else {
				b.WriteString("[" + strconv.Quote(p) + "]")
			}
		}
	}
	return b.String()
}
