package section_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/section"
)

func TestEachContinued(t *testing.T) {
	got := ""
	err := section.EachContinued([]byte("a\\\n b\nc\\\\\nd\\\n\ne\\"), "|", func(n int, line string) error {
		got += fmt.Sprintf("%d %s|", n, line)
		return nil
	})
	if want := `1 a| b|3 c\\|4 d||6 e|`; err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	long := strings.Repeat(strings.Repeat("x", 60000)+"\\\n", 20)
	for text, want := range map[string]string{long: "line 18", "a\\\n\x00": "line 2", "a\\\nb": "line 2: no"} {
		err := section.EachContinued([]byte(text), "", func(int, string) error { return fmt.Errorf("no") })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
}

func TestIncludes(t *testing.T) {
	var in section.Includes
	for i := range section.MaxIncludeDepth {
		if err := in.Enter(fmt.Sprint(i), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := in.Enter("deep", 1); err == nil {
		t.Error("no bound on the depth")
	}
	in.Leave()
	if err := in.Enter("3", 1); err == nil || !strings.Contains(err.Error(), "3 includes itself") {
		t.Errorf("a cycle: %v", err)
	}
	for i := range section.MaxIncludes {
		if err := in.Enter(fmt.Sprint("x", i), 1); err != nil {
			return
		}
		in.Leave()
	}
	t.Error("no bound on the number")
}

func TestProblemsBounded(t *testing.T) {
	var list []string
	var in section.Includes
	for range section.MaxIncludes + 200 {
		if err := in.Ask(); err != nil {
			list = section.AddProblem(list, err.Error())
		}
	}
	if n := len(list); n != section.MaxProblems+1 || list[n-1] != "and there are more" {
		t.Errorf("%d problems: %q", n, list[n-1])
	}
}

func TestIncludesSize(t *testing.T) {
	var in section.Includes
	if err := in.Enter("a", section.MaxTable); err != nil {
		t.Fatal(err)
	}
	in.Leave()
	if err := in.Enter("a", 1); err == nil {
		t.Error("no bound on the bytes")
	}
}
