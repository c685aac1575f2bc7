package manifest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// lines writes changes as "KIND PART PLACE PATH OLD NEW".
func lines(changes []Change) string {
	var list []string
	for _, c := range changes {
		list = append(list, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s %s", c.Kind, c.Part, c.Place(), c.Path, c.Old, c.New)), " "))
	}
	return strings.Join(list, "\n")
}

// TestCompare: from one manifest to another with one thing changed.
func TestCompare(t *testing.T) {
	base := v2(`{"name": "b", "runner": "org.osbuild.linux", "stages": [{"type": "x"}]}, {"name": "p", "build": "name:b", "stages": [{"type": "a", "options": {"l": ["1", "2"], "o": {"k": 1}}},
		{"type": "mkdir", "options": {"p": "one"}}, {"type": "mkdir", "options": {"p": "two"}}, {"type": "c",
		"inputs": {"i": {"type": "org.osbuild.noop", "origin": "org.osbuild.source", "references": ["` + sumA + `", "` + sumB + `"]}},
		"devices": {"d": {"type": "org.osbuild.loopback", "options": {"filename": "f"}}},
		"mounts": [{"name": "m", "type": "org.osbuild.xfs", "source": "d", "target": "/"}, {"name": "n", "type": "org.osbuild.xfs", "source": "d", "target": "/n"}]}]}`)
	tests := map[string]struct{ from, to, want string }{
		"nothing":         {``, ``, ``},
		"layout":          {`"k": 1`, ` "k" :  1 `, ``},
		"option":          {`"k": 1`, `"k": 2`, "changed option p stage 0 a options.o.k 1 2"},
		"option, form":    {`{"k": 1}`, `[1]`, `changed option p stage 0 a options.o {"k": 1} [1]`},
		"option, null":    {`{"k": 1}`, `{"k": null}`, `changed option p stage 0 a options.o.k 1 null`},
		"item in a list":  {`["1", "2"]`, `["1", "3"]`, `changed option p stage 0 a options.l[1] "2" "3"`},
		"item put in":     {`["1", "2"]`, `["0", "1", "2"]`, `added option p stage 0 a options.l[0] "0"`},
		"item left out":   {`["1", "2"]`, `["2"]`, `removed option p stage 0 a options.l[0] "1"`},
		"stage put in":    {`{"type": "mkdir", "options": {"p": "one"}}`, `{"type": "mkdir", "options": {"p": "zero"}}, {"type": "mkdir", "options": {"p": "one"}}`, "added stage p stage 1 mkdir"},
		"stage left out":  {`{"type": "mkdir", "options": {"p": "one"}}, `, ``, "removed stage p stage 1 mkdir"},
		"stage's type":    {`{"type": "x"}`, `{"type": "y"}`, "removed stage b stage 0 x\nadded stage b stage 0 y"},
		"stages swapped":  {`"one"}}, {"type": "mkdir", "options": {"p": "two"}}`, `"two"}}, {"type": "mkdir", "options": {"p": "one"}}`, "removed stage p stage 1 mkdir\nadded stage p stage 2 mkdir"},
		"input's type":    {`"i": {"type": "org.osbuild.noop"`, `"i": {"type": "org.osbuild.files"`, `changed input p stage 3 c inputs.i.type "org.osbuild.noop" "org.osbuild.files"`},
		"input's name":    {`"i": {"type"`, `"j": {"type"`, `removed input p stage 3 c inputs.i {"options": {}, "origin": "org.osbuild.source", "references": {"` + sumA + `": {}, "` + sumB + `": {}}, "type": "org.osbuild.noop"} added input p stage 3 c inputs.j {"options": {}, "origin": "org.osbuild.source", "references": {"` + sumA + `": {}, "` + sumB + `": {}}, "type": "org.osbuild.noop"}`},
		"reference":       {`["` + sumA + `", "` + sumB + `"]`, `["` + sumA + `"]`, `removed input p stage 3 c inputs.i.references["` + sumB + `"] {}`},
		"references":      {`["` + sumA + `", "` + sumB + `"]`, `["` + sumB + `", "` + sumA + `"]`, `moved input p stage 3 c inputs.i.references ["` + sumA + `", "` + sumB + `"] ["` + sumB + `", "` + sumA + `"]`},
		"device's option": {`"filename": "f"`, `"filename": "g"`, `changed device p stage 3 c devices.d.options.filename "f" "g"`},
		"mount's target":  {`"target": "/n"`, `"target": "/o"`, `changed mount p stage 3 c mounts.n.target "/n" "/o"`},
		"mount's name":    {`"name": "m"`, `"name": "z"`, `removed mount p stage 3 c mounts.m {"options": {}, "source": "d", "target": "/", "type": "org.osbuild.xfs"} added mount p stage 3 c mounts.z {"options": {}, "source": "d", "target": "/", "type": "org.osbuild.xfs"}`},
		"runner":          {`"org.osbuild.linux"`, `"org.osbuild.arch"`, `changed pipeline b runner "org.osbuild.linux" "org.osbuild.arch"`},
		"build":           {`"build": "name:b", `, ``, `removed pipeline p build "b"`},
		"epoch":           {`"name": "p", `, `"name": "p", "source-epoch": 7, `, `added pipeline p source-epoch 7`},
		"source's URL":    {`"http://a/"`, `"http://z/"`, `changed source sources["org.osbuild.curl"].items["` + sumA + `"] "http://a/" "http://z/"`},
		"metadata":        {`"version": "2"`, `"version": "2", "metadata": {"exports": [{"name": "p"}]}`, `added metadata metadata {"exports": [{"name": "p"}]}`},
		"pipeline's name": {`"name": "p"`, `"name": "q"`, "removed pipeline p\nremoved stage p stage 0 a\nremoved stage p stage 1 mkdir\nremoved stage p stage 2 mkdir\nremoved stage p stage 3 c\n" +
			"added pipeline q\nadded stage q stage 0 a\nadded stage q stage 1 mkdir\nadded stage q stage 2 mkdir\nadded stage q stage 3 c"},
	}
	for name, tt := range tests {
		if tt.from != "" && strings.Count(base, tt.from) != 1 {
			t.Fatalf("%s: %s stands %d times in the document", name, tt.from, strings.Count(base, tt.from))
		}
		other := strings.Replace(base, tt.from, tt.to, 1)
		got := lines(Compare(mustLoad(t, base), mustLoad(t, other)))
		if strings.ReplaceAll(got, "\n", " ") != strings.ReplaceAll(tt.want, "\n", " ") {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, tt.want)
		}
	}
}

func TestCompareOrder(t *testing.T) {
	a := mustLoad(t, `{"version": "2", "pipelines": [{"name": "a"}, {"name": "b"}]}`)
	b := mustLoad(t, `{"version": "2", "pipelines": [{"name": "b"}, {"name": "a"}]}`)
	if got, want := lines(Compare(a, b)), `moved pipeline pipelines ["a", "b"] ["b", "a"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestAlign: however many steps are put in anywhere, they are what is added,
// and as many, also beyond what a table can hold.
func TestAlign(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 10, 300, 5000} {
		var before, after []*Step
		added := 0
		for i := range n {
			s := &Step{Type: "t", Options: []byte(`{"n": ` + itoa(i/2) + `}`)}
			before = append(before, s)
			if random.IntN(5) == 0 {
				after = append(after, &Step{Type: "t", Options: []byte(`{"new": ` + itoa(i) + `}`)})
				added++
			}
			same := *s
			after = append(after, &same)
		}
		fresh, together := 0, 0
		lastA, lastB := -1, -1
		for _, p := range align(before, after) {
			if p.a >= 0 && p.a != lastA+1 || p.b >= 0 && p.b != lastB+1 {
				t.Fatalf("%d steps: the pair %v comes after %d and %d", n, p, lastA, lastB)
			}
			lastA, lastB = max(lastA, p.a), max(lastB, p.b)
			switch {
			case p.a < 0:
				fresh++
			case p.b >= 0:
				together++
			}
		}
		if lastA != n-1 || lastB != len(after)-1 || together+fresh != len(after) {
			t.Errorf("%d steps: %d of %d, %d of %d are in pairs", n, lastA+1, n, lastB+1, len(after))
		}
		if n <= 300 && fresh != added {
			t.Errorf("%d steps: %d of them new, want %d", n, fresh, added)
		}
	}
}

// TestCompareReal: a manifest of upstream's is as itself, and two are
// different, whichever comes first.
func TestCompareReal(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(fixtures.Conformance(t), "manifests", "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatal(err)
	}
	var last *Manifest
	for i := 0; i < len(names); i += 7 {
		name := names[i]
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Read(data, "m")
		if err != nil {
			continue
		}
		if changes := Compare(m, m); len(changes) > 0 {
			t.Errorf("%s against itself: %s", filepath.Base(name), lines(changes))
		}
		if last != nil {
			there, back := Compare(last, m), Compare(m, last)
			if len(there) == 0 || len(back) == 0 {
				t.Errorf("%s: %d changes there, %d back", filepath.Base(name), len(there), len(back))
			}
		}
		last = m
	}
}
