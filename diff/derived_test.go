package diff

import (
	"reflect"
	"testing"

	"github.com/assay-os/assay/report"
)

// TestDerived fills every derived section on one side: each must be told,
// explained by the rule, and none may change the digest.
func TestDerived(t *testing.T) {
	if len(derivedSections()) == 0 {
		t.Fatal("no derived section found")
	}
	for _, s := range derivedSections() {
		a, b := sample(), sample()
		a.Sections[s.name], b.Sections[s.name] = report.Section{Status: report.OK}, report.Section{Status: report.OK}
		fillSection(t, b, s.name)
		r := Compare(a, b)
		checkDigest(t, s.name, r)
		if r.Verdict == Different || r.Verdict == Inconclusive || len(r.Changes) == 0 || r.Changes[0].Section != s.name || r.Changes[0].Rule != "derived" {
			t.Errorf("%s: %s, %+v", s.name, r.Verdict, r.Changes)
		}
		b.Sections[s.name] = report.Section{Status: report.Unread, Reason: "x"}
		if r := Compare(a, b); r.Verdict != Equivalent && r.Verdict != Identical || len(r.Unread) != 0 {
			t.Errorf("%s unread: %s, %+v", s.name, r.Verdict, r.Unread)
		}
		b.Sections["files"] = report.Section{Status: report.Unread, Reason: "x"}
		b.Sections[s.name] = report.Section{Status: report.OK}
		if r := Compare(a, b); r.Verdict != Different {
			t.Errorf("%s where files are not compared: %s", s.name, r.Verdict)
		}
	}
}

// fillSection gives every field of the section a value.
func fillSection(t *testing.T, r *report.Report, name string) {
	t.Helper()
	v := reflect.ValueOf(r).Elem()
	for i := range v.NumField() {
		if !v.Type().Field(i).Anonymous {
			continue
		}
		for j := range v.Field(i).NumField() {
			if derivedName(v.Field(i).Type().Field(j)) == name {
				fillValue(v.Field(i).Field(j))
			}
		}
	}
}

func fillValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillValue(v.Index(0))
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(v.Field(i))
		}
	case reflect.Map:
		x := reflect.New(v.Type().Elem()).Elem()
		fillValue(x)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), x)
	default:
		mutate(v)
	}
}
