package filecontexts

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/report"
)

// reference is the search as the manual says it, line by line, with Go's
// expressions: the last line that matches counts, those without metacharacters before
// all others.
type reference struct {
	lines []*Spec
	exprs []*regexp.Regexp
}

func referenceOf(set *Set) reference {
	r := reference{lines: set.Specs()}
	for _, s := range r.lines {
		// Go's dollar, without a flag, holds at the very end only; paths here have no newlines.
		e, err := regexp.Compile(`(?s)^` + s.Regex + `$`)
		if err != nil {
			e = nil
		}
		r.exprs = append(r.exprs, e)
	}
	return r
}

func (r reference) lookup(path string, t report.Type) string {
	first := ""
	if end := strings.IndexByte(path[1:], '/') + 1; end > 0 {
		first = path[:end]
	}
	for i := len(r.lines) - 1; i >= 0; i-- {
		s := r.lines[i]
		if r.exprs[i] == nil || s.Type != "" && t != "" && s.Type != t || s.stem != "" && s.stem != first {
			continue
		}
		if r.exprs[i].MatchString(path) {
			if s.Context == None {
				return ""
			}
			return s.Context
		}
	}
	return ""
}

// words are what random expressions are made of.
var words = []string{
	"/", "/", "a", "b", "ab", "/a", "/b", "/ab", `\.`, ".", ".*", "(/.*)?", "[^/]*", "[^/]+", "[ab]", "(a|b)", "a?", "b+", "(ab)*", "a{2}", "b{1,2}", "(/a|/b)?", ".+", "x.*?",
	"|/a", "(a*)*", "$", "^",
}

func randomText(r *rand.Rand, from []string, n int) string {
	var b strings.Builder
	for range 1 + r.IntN(n) {
		b.WriteString(from[r.IntN(len(from))])
	}
	return b.String()
}

// randomPolicy makes a policy of n lines, each with a context of its own.
func randomPolicy(r *rand.Rand, n int) string {
	var b strings.Builder
	for i := range n {
		field := ""
		if r.IntN(3) == 0 {
			field = []string{"--", "-d", "-l"}[r.IntN(3)] + " "
		}
		context := fmt.Sprintf("u:r:t%d", i)
		if r.IntN(12) == 0 {
			context = None
		}
		fmt.Fprintf(&b, "/%s %s%s\n", randomText(r, words, 6), field, context)
	}
	return b.String()
}

// TestLikeReference: all lines at once are what they are one after the other.
func TestLikeReference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	found, compared := 0, 0
	for range 400 {
		text := randomPolicy(r, 1+r.IntN(12))
		set, err := Parse(Files{Base: []byte(text)}, Until37)
		if err != nil {
			t.Fatal(err)
		}
		m, ref := set.Matcher(), referenceOf(set)
		for range 60 {
			path := "/" + randomText(r, []string{"a", "b", "ab", "/", ".", "x", "-"}, 8)
			path = set.effective(path)
			kind := []report.Type{"", report.File, report.Directory, report.Symlink}[r.IntN(4)]
			got, err := m.Lookup(path, kind)
			var doubt *DoubtError
			if errors.As(err, &doubt) {
				continue
			}
			compared++
			if want := ref.lookup(path, kind); err != nil || got.Context != want {
				t.Fatalf("%q as %q is %q, %v; line by line %q, in\n%s", path, kind, got.Context, err, want, text)
			} else if want != "" {
				found++
			}
		}
	}
	if found < 2000 || compared < 10000 {
		t.Errorf("%d of %d look-ups found a label: the test is too weak", found, compared)
	}
}

// TestForgets: a small memory changes no answer.
func TestForgets(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	set, err := Parse(Files{Base: []byte(randomPolicy(r, 60))}, Until37)
	if err != nil {
		t.Fatal(err)
	}
	one, other := set.Matcher(), set.Matcher()
	for range 3000 {
		path := "/" + randomText(r, []string{"a", "b", "ab", "/", ".", "x"}, 12)
		other.budget.memory = maxStateMemory + 1
		a, errA := one.Lookup(path, report.File)
		b, errB := other.Lookup(path, report.File)
		if a != b || (errA == nil) != (errB == nil) {
			t.Fatalf("%q: %+v, %v, and with no memory %+v, %v", path, a, errA, b, errB)
		}
	}
}

func TestParseLine(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"/a u:r:t:s0", "/a||u:r:t:s0"},
		{"\t/a \t --\v u:r:t:s0\r", "/a|file|u:r:t:s0"},
		{"/a -d u:r:t:s0 and more", "/a|directory|u:r:t:s0"},
		{"/a -b <<none>>", "/a|block|<<none>>"},
		{"/a u:r:t:s0 \x00 rest", "/a||u:r:t:s0"},
		{"# /a u:r:t:s0", ""},
		{"   ", ""},
		{"", ""},
		{"/a", "it has no context"},
		{"/a -x u:r:t:s0", `"-x" is no type of file`},
		{"/a - u:r:t:s0", `"-" is no type of file`},
		{"/é u:r:t:s0", "it has characters beyond ASCII"},
		{"/a u:r:t:é", "it has characters beyond ASCII"},
		{"/a -- u:r:t:s0 é", "/a|file|u:r:t:s0"},
	} {
		s, err := parseLine([]byte(c.line))
		got := ""
		if s != nil {
			got = fmt.Sprintf("%s|%s|%s", s.Regex, s.Type, s.Context)
		}
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q is read as %q, want %q", c.line, got, c.want)
		}
	}
}

// TestDoubts: expressions that cannot be read are told with their lines, and
// make an error of each look-up that could come to them, and of no other.
func TestDoubts(t *testing.T) {
	for _, c := range []struct {
		regex, reason   string
		doubtful, clear string
	}{
		{`/a/(?!x).*`, "group that starts with (?", "/a/y", "/b/y"},
		{`/a/(?i)x`, "group that starts with (?", "/a/y", "/ab"},
		{`/a/(x)\1`, `\1`, "/a/xx", "/a"},
		{`/a/x++`, "possessive", "/a/xx", "/b/x"},
		{`/a/x**`, "repetition of a repetition", "/a/xx", "/b/x"},
		{`/a/\bx`, `\b`, "/a/x", "/b/x"},
		{`/a/\Qx\E`, `\Q`, "/a/x", "/b/x"},
		{`/a/x{,3}`, "{,3}", "/a/x", "/b/x"},
		{`/a/[[:nothing:]]`, "[:nothing:]", "/a/x", "/b/x"},
		{`/a/[[.a.]]`, "[.a.]", "/a/x", "/b/x"},
		{`/a/$x`, "text after $", "/a/x", "/b/x"},
		{`/a/^*`, "repeated ^", "/a/x", "/b/x"},
		{`/a/(x{1000}){1000}`, "repeats too much", "/a/x", "/b/x"},
		{`/a/(*COMMIT)x`, "(*", "/a/x", "/b/x"},
		{`/a/(x`, "missing closing parenthesis", "/a/x", ""},
		{`/a/x)`, "unmatched closing parenthesis", "/a/x", ""},
		{`/a/[x`, "missing ]", "/a/x", ""},
		{`/a/*?+x`, "repetition of a repetition", "/a/x", "/b/x"},
		{`/a/(*)`, "(*", "/a/x", "/b/x"},
		{`/a/(+x)`, "repeats nothing", "/a/x", ""},
		{`/a/({2}x)`, "repetition of nothing", "/a/x", ""},
		{`/a/x{3,2}`, "out of order", "/a/x", ""},
		{`/a/x{70000}`, "out of range", "/a/x", ""},
		{`/a/[z-a]`, "out of order", "/a/x", ""},
		{`/a/[a-\d]`, "range up to", "/a/x", ""},
		{`/a/[\d-z]`, "range after", "/a/x", "/b/x"},
		{`/a/[^/`, "missing ]", "/a/x", ""},
		{`/a/` + strings.Repeat("(", 200) + strings.Repeat(")", 200), "nest deeper", "/a/x", ""},
		{`/a/` + strings.Repeat("x", 5000) + ".", "too long", "/a/x", ""},
	} {
		text := "/.* u:r:all\n" + c.regex + " u:r:t\n/later/.* u:r:later\n"
		set, err := Parse(Files{Base: []byte(text)}, Until37)
		if err != nil {
			t.Fatal(err)
		}
		problems := set.Problems()
		if len(problems) != 1 || problems[0].Line != 2 || problems[0].Fatal || !strings.Contains(problems[0].Reason, c.reason) {
			t.Errorf("%.60s: problems %.200v, want %q", c.regex, problems, c.reason)
			continue
		}
		m := set.Matcher()
		var doubt *DoubtError
		if _, err := m.Lookup(c.doubtful, report.File); !errors.As(err, &doubt) || doubt.Line != 2 {
			t.Errorf("%.60s: look-up of %s gives %v", c.regex, c.doubtful, err)
		}
		for _, path := range []string{c.clear, "/later/x"} {
			if path == "" {
				continue
			}
			if _, err := m.Lookup(path, report.File); err != nil {
				t.Errorf("%.60s: look-up of %s gives %v", c.regex, path, err)
			}
		}
	}
}

// TestFatal: lines that libselinux refuses the whole policy for.
func TestFatal(t *testing.T) {
	set, err := Parse(Files{Base: []byte("/a -- u:r:t\n/b\n"), Local: []byte("/c -q u:r:t\n"), Subs: []byte("/x /" + strings.Repeat("y", 2000) + "\n")}, Until37)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range set.Problems() {
		got = append(got, fmt.Sprintf("%v %v", p, p.Fatal))
	}
	want := `file_contexts:2: it has no context true|file_contexts.local:1: "-q" is no type of file true|file_contexts.subs:1: 2004 bytes are more than the 1022 of a line false`
	if strings.Join(got, "|") != want {
		t.Errorf("problems are\n%s\nwant\n%s", strings.Join(got, "|"), want)
	}
}

// TestHostile: a policy that is made to cost much ends early, with an error.
func TestHostile(t *testing.T) {
	start := time.Now()
	var many strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&many, "/.*a.*b.*c.*%d.*[ab]{%d}.* u:r:t\n", i, i%90+2)
	}
	set, err := Parse(Files{Base: []byte(many.String())}, Until37)
	if err != nil {
		t.Fatal(err)
	}
	m, costly := set.Matcher(), error(nil)
	r := rand.New(rand.NewPCG(5, 6))
	for n := 0; n < 1000 && costly == nil; n++ {
		_, costly = m.Lookup("/"+randomText(r, []string{"a", "b", "ab", "c", "1", "22"}, 3000), report.File)
	}
	if !errors.Is(costly, ErrCostly) {
		t.Errorf("costly look-ups give %v after a work of %d", costly, m.budget.work)
	}
	t.Logf("work of %d took %v", m.budget.work, time.Since(start))
	if _, err := Parse(Files{Base: []byte(strings.Repeat("/(a|b){900}[cd]{900} u:r:t\n", 2000))}, Until37); err == nil {
		t.Error("a policy of millions of instructions is taken")
	}
	for name, files := range map[string]Files{
		"lines":         {Base: []byte(strings.Repeat("/a u:r:t\n", MaxSpecs+1))},
		"empty lines":   {Base: []byte(strings.Repeat("/\n", 1<<20))},
		"expressions":   {Base: []byte(strings.Repeat("/a( u:r:t\n", 1<<16))},
		"substitutions": {Subs: []byte(strings.Repeat("/a /b\n", 1<<20))},
		"long lines":    {SubsDist: []byte(strings.Repeat("/a"+strings.Repeat("/b", 1000)+"\n", 2000))},
	} {
		if _, err := Parse(files, Until37); err == nil {
			t.Errorf("a policy of too many %s is taken", name)
		}
	}
	if _, err := m.Lookup("", report.File); err == nil {
		t.Error("an empty path is looked up")
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("all this took %v", took)
	}
}

// FuzzParse reads what may be no policy and looks up in it.
func FuzzParse(f *testing.F) {
	f.Add([]byte("/.* u:r:t\n/a(/.*)? -d u:r:t\n"), []byte("/b /a\n"), "/b/x", true)
	f.Add([]byte("/[^/]+\\.so(\\.[^/]*)* -- <<none>>\n"), []byte{}, "/x.so.1", false)
	f.Add([]byte("/a{2,3}|[[:alpha:]-]$ x:y:z\n"), []byte("/ /x\n"), "//aa/\n", false)
	f.Fuzz(func(t *testing.T, text, subs []byte, path string, newer bool) {
		if len(text) > 4000 || len(path) > 4000 {
			return
		}
		rules := Until37
		if newer {
			rules = Since38
		}
		set, err := Parse(Files{Base: text, SubsDist: subs, Subs: subs}, rules)
		if err != nil {
			return
		}
		m := set.Matcher()
		one, errOne := m.Lookup(path, report.File)
		if _, err := m.Lookup(path+"/below", ""); err != nil && errOne == nil && path != "" && !errors.As(err, new(*DoubtError)) && !errors.Is(err, ErrCostly) {
			t.Fatalf("%q: %v", path, err)
		}
		if again, err := m.Lookup(path, report.File); one != again || (err == nil) != (errOne == nil) && !errors.Is(err, ErrCostly) {
			t.Fatalf("%q is %+v, %v, and then %+v, %v", path, one, errOne, again, err)
		}
	})
}

// FuzzLikeReference holds the look-up to the line-by-line search.
func FuzzLikeReference(f *testing.F) {
	f.Add("/a(/.*)?", "/[^/]*b", "/a/b")
	f.Add("/a|b", "/(a|bc)*d{2,}", "/bcadd")
	f.Add(`/x\.y[a-c]+?$`, "(/.*)?", "/x.yab")
	f.Fuzz(func(t *testing.T, first, second, path string) {
		if len(first)+len(second)+len(path) > 300 || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "\n\x00") || !isASCII([]byte(path)) {
			return
		}
		// Go reads these otherwise than PCRE, or not at all.
		if strings.ContainsAny(first+second, " \t\n\v\f\r\x00") || strings.Contains(first+second, `\`) || strings.Contains(first+second, "[[") {
			return
		}
		set, err := Parse(Files{Base: []byte(first + " u:r:one\n" + second + " u:r:two\n")}, Until37)
		if err != nil || len(set.Problems()) > 0 {
			return
		}
		ref := referenceOf(set)
		for _, e := range ref.exprs {
			if e == nil {
				return
			}
		}
		path = set.effective(path)
		got, err := set.Matcher().Lookup(path, report.File)
		if want := ref.lookup(path, report.File); err != nil || got.Context != want {
			t.Fatalf("%q is %q, %v; line by line %q", path, got.Context, err, want)
		}
	})
}
