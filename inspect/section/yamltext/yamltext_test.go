package yamltext_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/section/yamltext"
)

func TestLeaves(t *testing.T) {
	leaves, err := yamltext.Leaves([]byte("#cloud-config\na: 1\nb:\n  c: [x, 'y z']\n  d: {}\n  e: []\nz: &q {k: ~}\ny: *q\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range leaves {
		got = append(got, l.Key()+"="+l.Value)
	}
	want := "a=1 b.c[0]=x b.c[1]=y z b.d={} b.e=[] z.k=~ y.k=~"
	if strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
}

func TestHostile(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x]\n")
	for i := range 40 {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 9), ","))
	}
	for name, c := range map[string]struct{ text, words string }{
		"aliases": {bomb.String(), "more than"},
		"deep":    {strings.Repeat("[", 100) + strings.Repeat("]", 100), "levels"},
		"cycle":   {"a: &a [*a]\n", "levels"},
		"broken":  {"a: [\n", "read YAML"},
		"tab":     {"\ta: 1", "read YAML"},
	} {
		if _, err := yamltext.Leaves([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if leaves, err := yamltext.Leaves(nil); err != nil || leaves != nil {
		t.Errorf("nothing: %v %v", leaves, err)
	}
}

func FuzzLeaves(f *testing.F) {
	f.Add([]byte("a: &a [1, *a]\n"))
	f.Add([]byte("? a\n: !!binary x\n"))
	f.Fuzz(func(_ *testing.T, data []byte) { yamltext.Leaves(data) })
}
