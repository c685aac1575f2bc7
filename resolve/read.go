package resolve

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/assay-os/assay/build/step"
)

// blueprintLimit bounds a blueprint: with whole files in it, a generous one is
// some hundred kilobytes.
const blueprintLimit = 16 << 20

// A Problem is one thing that is wrong with a blueprint. Line is 0 where the
// problem has no line of its own.
type Problem struct {
	Line    int
	Path    string
	Message string
}

// Problems is every problem of a blueprint, in a fixed order. It is the error
// type of [Read].
type Problems struct {
	Name string
	List []Problem
}

func (p *Problems) Error() string {
	var b strings.Builder
	for i, x := range p.List {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(p.Name)
		if x.Line > 0 {
			fmt.Fprintf(&b, ":%d", x.Line)
		}
		b.WriteString(": ")
		if x.Path != "" {
			b.WriteString(x.Path + ": ")
		}
		b.WriteString(x.Message)
	}
	return b.String()
}

// Read reads a blueprint in TOML. Name stands in errors. A key that is not
// carried here is refused, for an image without it is not the one asked for.
func Read(name string, data []byte) (*Blueprint, error) {
	if len(data) > blueprintLimit {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, blueprintLimit)
	}
	var b Blueprint
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return nil, &Problems{name, syntaxProblems(err)}
	}
	if list := check(&b); len(list) > 0 {
		return nil, &Problems{name, list}
	}
	return &b, nil
}

func syntaxProblems(err error) []Problem {
	var strict *toml.StrictMissingError
	var syntax *toml.DecodeError
	switch {
	case errors.As(err, &strict):
		var list []Problem
		for _, e := range strict.Errors {
			line, _ := e.Position()
			list = append(list, unknownKey(e.Key(), line))
		}
		return list
	case errors.As(err, &syntax):
		line, column := syntax.Position()
		message := strings.TrimPrefix(syntax.Error(), "toml: ")
		return []Problem{{line, strings.Join(syntax.Key(), "."), fmt.Sprintf("%s (column %d)", message, column)}}
	default:
		return []Problem{{Message: err.Error()}}
	}
}

// foreign are keys of osbuild's blueprint that are not carried here.
var foreign = map[string]bool{
	"enabled_modules": true, "groups": true, "containers": true,
	"customizations.firewall": true, "customizations.partitioning_mode": true, "customizations.disk": true,
	"customizations.repositories": true, "customizations.rpm": true, "customizations.dnf": true,
	"customizations.cacerts": true, "customizations.fips": true, "customizations.openscap": true,
	"customizations.rhsm": true, "customizations.fdo": true, "customizations.ignition": true,
	"customizations.installation_device": true, "customizations.installer": true, "customizations.iso": true,
	"customizations.containers-storage": true, "customizations.sshd": true, "customizations.firstboot": true,
	"customizations.kernel.name": true, "customizations.timezone.ntpservers": true,
	"customizations.user.expiredate": true, "customizations.user.force_password_reset": true,
	"customizations.files.uri": true,
}

func unknownKey(key []string, line int) Problem {
	path := strings.Join(key, ".")
	for n := len(key); n > 0; n-- {
		if known := strings.Join(key[:n], "."); foreign[known] {
			return Problem{line, path, fmt.Sprintf("osbuild's %s is not supported", known)}
		}
	}
	message := "unknown key"
	if near := nearestKey(key); near != "" {
		message += fmt.Sprintf("; did you mean %q?", near)
	}
	return Problem{line, path, message}
}

// nearestKey is the key of the same table that is most like the last part of
// key; where the table itself is unknown, like that.
func nearestKey(key []string) string {
	t := reflect.TypeFor[Blueprint]()
	for i, part := range key {
		for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return ""
		}
		next, names := fields(t, part)
		if next == nil || i == len(key)-1 {
			return step.Nearest(part, names)
		}
		t = next
	}
	return ""
}

// fields lists the keys of a table's type and the type that key has.
func fields(t reflect.Type, key string) (match reflect.Type, names []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("toml")
		names = append(names, tag)
		if tag == key {
			match = f.Type
		}
	}
	return match, names
}
