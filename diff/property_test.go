package diff

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/assay-os/assay/report"
)

// A mutation is one leaf of the report's types and a function that changes it.
type mutation struct {
	path  string
	apply func(*report.Report)
}

// volatile are the leaves that may change without a change of the verdict to
// different; docs/verdicts.md gives the reason for each.
var volatile = map[string]string{
	".SchemaVersion":            "the form of the document, not of the subject",
	".Subject.Kind":             "what holds a tree is not seen from inside; the scope tells disks from trees",
	".Subject.Format":           "rule container",
	".Disk.Format":              "rule container",
	".Disk.FormatVersion":       "rule container",
	".Disk.BootCode":            "explains, the region of the boot code is compared",
	".Disk.Digest":              "rule block-placement",
	".Container.Digest":         "rule image-history",
	".Container.ConfigDigest":   "rule image-history",
	".Container.Names[0]":       "rule image-history",
	".Container.Names[dropped]": "rule image-history",
	".Container.Layers":         "rule image-history",
	".Container.History":        "rule image-history",
	".Container.Created":        "rule image-history",
	".Container.Author":         "rule image-history",
	".Files[0].Mtime":           "rule mtime",
	".Files[1].Mtime":           "rule mtime",
	".Files[0].Package":         "explains, is no fact of the inode",
	".Files[1].Package":         "explains, is no fact of the inode",
	".Files[0].User":            "explains, the tables of users are compared",
	".Files[1].User":            "explains, the tables of users are compared",
	".Files[0].Group":           "explains, the tables of groups are compared",
	".Files[1].Group":           "explains, the tables of groups are compared",
	".Files[0].Holes":           "how a file is stored is no fact of its content",
	".Files[1].Holes":           "how a file is stored is no fact of its content",
	".Sections[].Reason":        "explains the status",
}

// TestEveryFactCounts changes every leaf of every type of the report, one at a
// time: the comparison must say different, or the leaf is volatile. A new
// field without either fails here.
func TestEveryFactCounts(t *testing.T) {
	muts := mutations(t)
	if len(muts) < 60 {
		t.Fatalf("only %d leaves found", len(muts))
	}
	for _, m := range muts {
		b := sample()
		m.apply(b)
		got := Compare(sample(), b)
		checkDigest(t, m.path, got)
		_, free := volatile[m.path]
		switch changed := got.Verdict == Different || got.Verdict == Inconclusive; {
		case !changed && !free:
			t.Errorf("%s: changed unnoticed, verdict %s", m.path, got.Verdict)
		case changed && free:
			t.Errorf("%s: listed as volatile, verdict %s", m.path, got.Verdict)
		}
	}
}

// checkDigest holds the law: equal digests exactly where the verdict is
// identical or equivalent.
func checkDigest(t *testing.T, what string, r *Result) {
	t.Helper()
	same := r.DigestA != "" && r.DigestA == r.DigestB
	if good := r.Verdict == Identical || r.Verdict == Equivalent; good != same {
		t.Errorf("%s: verdict %s, but digests %q and %q", what, r.Verdict, r.DigestA, r.DigestB)
	}
}

// mutations lists every leaf that sample fills.
func mutations(t *testing.T) []mutation {
	var out []mutation
	var visit func(path string, get func(*report.Report) reflect.Value, v reflect.Value)
	leaf := func(path string, get func(*report.Report) reflect.Value) {
		out = append(out, mutation{path, func(r *report.Report) { mutate(get(r)) }})
	}
	visit = func(path string, get func(*report.Report) reflect.Value, v reflect.Value) {
		switch {
		case v.Type() == reflect.TypeFor[time.Time]():
			leaf(path, get)
		case v.Kind() == reflect.Pointer && v.IsNil():
			if !slices.Contains([]string{".Files[0].Canonical", ".Files[1].Canonical", ".Files[0].Roles", ".Files[1].Roles"}, path) {
				t.Errorf("sample leaves %s empty", path)
			}
		case v.Kind() == reflect.Pointer:
			visit(path, func(r *report.Report) reflect.Value { return get(r).Elem() }, v.Elem())
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).Anonymous {
					continue // see TestDerived
				}
				visit(path+"."+v.Type().Field(i).Name, func(r *report.Report) reflect.Value { return get(r).Field(i) }, v.Field(i))
			}
		case v.Kind() == reflect.Slice && v.Type() != reflect.TypeFor[[]report.Rule]():
			for i := range v.Len() {
				visit(fmt.Sprintf("%s[%d]", path, i), func(r *report.Report) reflect.Value { return get(r).Index(i) }, v.Index(i))
			}
			leaf(path+"[dropped]", func(r *report.Report) reflect.Value { return get(r) })
		case v.Kind() == reflect.Map && v.Type().Elem().Kind() == reflect.Struct:
			out = append(out, mutation{path + "[].Reason", func(r *report.Report) {
				r.Sections["boot"] = report.Section{Status: report.OK, Reason: "other"}
			}}, mutation{path + "[].Status", func(r *report.Report) {
				r.Sections["boot"] = report.Section{Status: report.Unread}
			}})
		case v.Kind() == reflect.Slice: // rules are named by the entries that they canonicalised
		default:
			leaf(path, get)
		}
	}
	visit("", func(r *report.Report) reflect.Value { return reflect.ValueOf(r).Elem() }, reflect.ValueOf(sample()).Elem())
	return out
}

// mutate changes v to another value of its type.
func mutate(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "~")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(v.Uint() + 1)
	case reflect.Slice:
		v.Set(v.Slice(0, max(0, v.Len()-1)))
		if v.Len() == 0 {
			v.SetZero()
		}
	case reflect.Map:
		m := reflect.MakeMap(v.Type())
		m.SetMapIndex(reflect.ValueOf("new"), reflect.ValueOf("value").Convert(v.Type().Elem()))
		v.Set(m)
	default:
		v.Set(reflect.ValueOf(v.Interface().(time.Time).Add(time.Second)))
	}
}

// TestEquivalenceRelation draws reports that differ in a few facts and holds
// the laws of an equivalence relation and of its digest on every triple.
func TestEquivalenceRelation(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	muts := mutations(t)
	pool := make([]*report.Report, 24)
	for i := range pool {
		pool[i] = sample()
		for range rng.IntN(3) {
			safely(muts[rng.IntN(len(muts))], pool[i])
		}
	}
	for _, letter := range []string{"a", "b", "c"} {
		pool = append(pool, identified(letter, nil),
			identified(letter, func(r *report.Report, id func(int) string) { r.Fstab[0].Spec = "UUID=" + id(4) }),
			identified(letter, func(r *report.Report, _ func(int) string) { r.Fstab[0].Spec = "UUID=of another" }),
			identified(letter, func(r *report.Report, id func(int) string) { r.Disk.Partitions[0].Filesystem.UUID = id(2) }),
			identified(letter, func(r *report.Report, _ func(int) string) { r.Files[1].Roles = nil }))
	}
	same := make([][]bool, len(pool))
	for i, a := range pool {
		same[i] = make([]bool, len(pool))
		for j, b := range pool {
			got := Compare(a, b)
			checkDigest(t, fmt.Sprintf("pair %d %d", i, j), got)
			same[i][j] = got.Verdict == Identical || got.Verdict == Equivalent
		}
	}
	for i := range pool {
		if complete := len(unread("a", pool[i], Disk)) == 0; same[i][i] != complete {
			t.Errorf("report %d against itself: %v", i, same[i][i])
		}
		for j := range pool {
			if same[i][j] != same[j][i] {
				t.Errorf("not symmetric: %d %d", i, j)
			}
			for k := range pool {
				if same[i][j] && same[j][k] && !same[i][k] {
					t.Errorf("not transitive: %d %d %d", i, j, k)
				}
			}
		}
	}
}

// safely applies a mutation whose leaf an earlier one may have dropped.
func safely(m mutation, r *report.Report) {
	defer func() { _ = recover() }()
	m.apply(r)
}
