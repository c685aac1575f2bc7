package inspect

import (
	"reflect"

	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/report"
)

// hideSecrets takes what may be a secret out of all that the sections tell, whichever file
// it comes from. Sections hide what they know to be one; a text of no known form (a command,
// a kernel's command line, a reason) goes through here alone. Paths stay as they
// are, and so do hashes that were asked for. Nothing is lost to a comparison:
// the files themselves are compared.
func hideSecrets(r *report.Report, hashes bool) {
	shadow, gshadow, nsswitch := r.Shadow, r.Gshadow, r.Nsswitch
	if r.Nsswitch = nil; hashes { // "passwd" is the name of a database there
		r.Shadow, r.Gshadow = nil, nil
	}
	v := reflect.ValueOf(r).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Anonymous {
			hideIn(v.Field(i))
		}
	}
	r.Shadow, r.Gshadow, r.Nsswitch = shadow, gshadow, nsswitch
	hideIn(reflect.ValueOf(r.Boot))
	hideIn(reflect.ValueOf(r.Fstab))
	for name, state := range r.Sections {
		state.Reason = secret.Text(state.Reason)
		r.Sections[name] = state
	}
}

// hideIn hides secrets in a value that can be set, or in what a slice refers to.
func hideIn(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			hideIn(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			hideIn(v.Index(i))
		}
	case reflect.Map:
		hideInMap(v)
	case reflect.Struct:
		if s, ok := v.Addr().Interface().(*report.Setting); ok {
			s.Value = hidden(s.Key, s.Value)
			return
		}
		for i := range v.NumField() {
			hideIn(v.Field(i))
		}
	case reflect.String:
		if isPath(v.Type()) {
			return
		}
		if text := secret.Text(v.String()); text != v.String() {
			v.SetString(text)
		}
	}
}

// hideInMap hides secrets in a map's values, by the names of their keys where they are texts.
func hideInMap(v reflect.Value) {
	if isPath(v.Type().Elem()) {
		return
	}
	for _, key := range v.MapKeys() {
		value := reflect.New(v.Type().Elem()).Elem()
		value.Set(v.MapIndex(key))
		if value.Kind() == reflect.String {
			value.SetString(hidden(key.String(), value.String()))
		} else {
			hideIn(value)
		}
		v.SetMapIndex(key, value)
	}
}

func isPath(t reflect.Type) bool { return t == reflect.TypeFor[report.Raw]() }

// hidden is a value as it may be shown, by its name.
func hidden(name, value string) string {
	if secret.Named(name) && !secret.IsSwitch(value) && !secret.IsPlace(name, value) {
		return secret.Present
	}
	return secret.Text(value)
}
