package diff

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/assay-os/assay/report"
	"github.com/assay-os/assay/report/ci"
)

// hostile is a result with names that are markup in every format.
func hostile() *Result {
	a, b := sample(), sample()
	b.Files[1].Mode = 0o755
	b.Files[1].Path = "/usr/bin/<b>`|\x1b[31m\n\xff</b>"
	b.Users[0].Gecos = "]]> <script> | ` ``` \" & *bold*"
	b.Users[0].Home = "/\u009b2J\u202e\u200b\x7f\U000e0041"
	b.Disk.Format = "qcow2"
	b.Sections["boot"] = report.Section{Status: report.Unread, Reason: "a | <broken> `menu`"}
	return Compare(a, b)
}

func render(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	for _, c := range out.String() {
		if report.Hidden(c) && c != '\n' {
			t.Fatalf("a control character %U in %q", c, out.String())
		}
	}
	return out.String()
}

func TestMarkdown(t *testing.T) {
	got := render(t, hostile().Markdown)
	for _, want := range []string{
		"### Verdict: different\n", "| b | `no digest: not everything was read` |",
		"- b, section boot: a \\| \\<broken\\> \\`menu\\`\n",
		"#### 3 changes that no rule explains",
		"| added | `` /usr/bin/<b>`\\|\\u{1b}[31m\\u{a}\\xff</b> `` | file 0755 1:2 | files of no package |",
		"gecos `g` → ```` ]]> <script> \\| ` ``` \" & *bold* ````",
		"<details><summary>1 change is explained by rules</summary>", "| `container` | 1 |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	for _, line := range strings.Split(got, "\n") {
		cells := strings.Count(line, "|") - strings.Count(line, "\\|")
		if strings.HasPrefix(line, "|") && cells != 3 && cells != 4 && cells != 5 {
			t.Errorf("%d borders of cells in %s", cells, line)
		}
	}
}

// A comment has a bound: the rest is counted.
func TestMarkdownIsShort(t *testing.T) {
	a, b := sample(), sample()
	for i := range 60 {
		b.Packages = append(b.Packages, report.Package{Name: strings.Repeat("p", i+1), Manager: "dpkg", Arch: "all"})
	}
	if got := render(t, Compare(a, b).Markdown); !strings.Contains(got, "\n… and 10 more.\n") || strings.Count(got, "| added |") != maxMarkdown {
		t.Errorf("got\n%s", got)
	}
}

func TestJUnit(t *testing.T) {
	for name, c := range map[string]struct {
		result                    *Result
		required                  Verdict
		tests, failures, problems int
	}{
		"different":  {hostile(), Equivalent, 5, 4, 1},
		"identical":  {Compare(sample(), sample()), Identical, 1, 0, 0},
		"equivalent": {Compare(sample(), with(func(r *report.Report) { r.Disk.Digest = "x" })), Equivalent, 1, 0, 0},
		"not enough": {Compare(sample(), with(func(r *report.Report) { r.Disk.Digest = "x" })), Identical, 1, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := render(t, func(w io.Writer) error { return c.result.JUnit(w, c.required) })
			var suite ci.Suite
			if err := xml.Unmarshal([]byte(got), &suite); err != nil {
				t.Fatal(err)
			}
			if suite.Tests != c.tests || suite.Failures != c.failures || suite.Errors != c.problems || len(suite.Cases) != c.tests {
				t.Errorf("%d tests, %d failures, %d errors:\n%s", suite.Tests, suite.Failures, suite.Errors, got)
			}
		})
	}
}

func with(change func(*report.Report)) *report.Report {
	r := sample()
	change(r)
	return r
}

func TestSARIF(t *testing.T) {
	got := render(t, hostile().SARIF)
	var log struct {
		Runs []struct {
			Results []struct {
				Level string `json:"level"`
			} `json:"results"`
		} `json:"runs"`
	}
	if err := json.Unmarshal([]byte(got), &log); err != nil {
		t.Fatal(err)
	}
	levels := map[string]int{}
	for _, r := range log.Runs[0].Results {
		levels[r.Level]++
	}
	if levels["error"] != 3 || levels["warning"] != 1 || levels["note"] != 1 {
		t.Errorf("levels %v", levels)
	}
	if !strings.Contains(got, `"uri": "usr/bin/%3Cb%3E%60%7C%1B%5B31m%0A%FF%3C/b%3E"`) {
		t.Errorf("the path is no URI in\n%s", got)
	}
}

func TestJSONL(t *testing.T) {
	r := hostile()
	lines := strings.Split(strings.TrimSuffix(render(t, r.JSONL), "\n"), "\n")
	if len(lines) != 1+len(r.Changes) {
		t.Fatalf("%d lines of %d changes", len(lines), len(r.Changes))
	}
	var head Result
	var last Change
	if err := json.Unmarshal([]byte(lines[0]), &head); err != nil || head.Verdict != Different {
		t.Errorf("%v: %s", err, lines[0])
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Section == "" {
		t.Errorf("%v: %s", err, lines[len(lines)-1])
	}
}

// The data of the page is the result, and no name of an image ends its element.
func TestHTML(t *testing.T) {
	r := hostile()
	got := render(t, func(w io.Writer) error { return r.HTML(w, nil) })
	if strings.Count(got, "<script") != 2 || strings.Count(got, "</script>") != 2 {
		t.Errorf("got\n%s", got)
	}
	_, data, _ := strings.Cut(got, `id="data">`)
	data, _, _ = strings.Cut(data, "</script>")
	var back Result
	if err := json.Unmarshal([]byte(data), &back); err != nil {
		t.Fatal(err)
	}
	if back.Verdict != r.Verdict || len(back.Changes) != len(r.Changes) || back.Changes[0].Path != r.Changes[0].Path {
		t.Errorf("got %+v", back)
	}
	if strings.Contains(got, "http://") || strings.Contains(got, "https://") {
		t.Error("the page names an address")
	}
}

// The script shows each hidden character that has no place in a text as an escape.
func TestHTMLEscapes(t *testing.T) {
	_, marks, _ := strings.Cut(page, "const marks = /")
	marks, _, _ = strings.Cut(marks, "/gu;")
	expr := regexp.MustCompile(regexp.MustCompile(`\\u([0-9a-f]{4})`).ReplaceAllString(marks, `\x{$1}`))
	for c := rune(0); c <= utf8.MaxRune; c++ {
		if utf8.ValidRune(c) && expr.MatchString(string(c)) != (report.Hidden(c) && c != '\t' && c != '\n') {
			t.Errorf("%U: hidden %v, for the page %v", c, report.Hidden(c), !report.Hidden(c))
		}
	}
	if strings.Contains(page, "innerHTML") {
		t.Error("the page shows text as markup")
	}
}
