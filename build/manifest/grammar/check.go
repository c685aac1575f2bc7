package grammar

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// Check compares v, which stands at path, with the shape. It reports every
// problem; of several forms that a value may have, those of the nearest one.
func (s *Shape) Check(v pyjson.Value, path Path) Problems {
	if s.fits(v) {
		return nil
	}
	return s.explain(v, path)
}

// explain finds every problem of a value that has some.
func (s *Shape) explain(v pyjson.Value, path Path) Problems {
	if !s.kinds.has(v.Kind()) {
		return Problems{{path, fmt.Sprintf("expected %s, found %s", s.kinds.words(), article(v.Kind()))}}
	}
	var c checker
	s.literals(&c, v, path)
	s.sizes(&c, v, path)
	switch v.Kind() {
	case pyjson.String:
		s.text(&c, v, path)
	case pyjson.Array:
		s.array(&c, v, path)
	case pyjson.Object:
		if s.object != nil {
			s.object.check(&c, v, path)
		}
	}
	s.combined(&c, v, path)
	return c.problems
}

type checker struct{ problems Problems }

func (c *checker) fail(path Path, format string, args ...any) {
	c.problems = append(c.problems, Problem{path, fmt.Sprintf(format, args...)})
}

func (s *Shape) literals(c *checker, v pyjson.Value, path Path) {
	if len(s.literal) == 0 || slices.ContainsFunc(s.literal, func(l pyjson.Value) bool { return same(l, v) }) {
		return
	}
	if len(s.literal) == 1 {
		c.fail(path, "expected %s, found %s", s.literal[0], show(v))
		return
	}
	var words, texts []string
	for _, l := range s.literal {
		words = append(words, l.String())
		texts = append(texts, l.Text())
	}
	hint := ""
	if v.Kind() == pyjson.String {
		hint = Suggest(v.Text(), texts)
	}
	c.fail(path, "%s is none of %s%s", show(v), strings.Join(words, ", "), hint)
}

// same is Python's equality of scalars: 1 and 1.0 are equal.
func same(a, b pyjson.Value) bool {
	if number(a) && number(b) {
		x, _ := strconv.ParseFloat(a.Text(), 64)
		y, _ := strconv.ParseFloat(b.Text(), 64)
		return x == y
	}
	return a.Kind() == b.Kind() && a.Text() == b.Text()
}

func number(v pyjson.Value) bool { return v.Kind() == pyjson.Int || v.Kind() == pyjson.Float }

// show is a value in a message, not all of a long one.
func show(v pyjson.Value) string {
	const most = 60
	s := v.String()
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func (s *Shape) sizes(c *checker, v pyjson.Value, path Path) {
	b := s.size[v.Kind()]
	if !b.hasLow && !b.hasHigh {
		return
	}
	var x float64
	unit := ""
	switch v.Kind() {
	case pyjson.Int, pyjson.Float:
		x, _ = strconv.ParseFloat(v.Text(), 64)
	case pyjson.String:
		x, unit = float64(characters(v.Text())), " characters"
	case pyjson.Array:
		x, unit = float64(len(v.Items())), " items"
	case pyjson.Object:
		x, unit = float64(len(v.Members())), " keys"
	}
	if !b.holds(x) {
		if x == 1 {
			unit = strings.TrimSuffix(unit, "s")
		}
		c.fail(path, "%s%s: expected %s", strconv.FormatFloat(x, 'f', -1, 64), unit, b)
	}
}

// characters counts code points; a lone surrogate is one.
func characters(s string) int {
	n := 0
	for i := range len(s) {
		if utf8.RuneStart(s[i]) {
			n++
		}
	}
	return n
}

func (b span) String() string {
	low, high := strconv.FormatFloat(b.low, 'f', -1, 64), strconv.FormatFloat(b.high, 'f', -1, 64)
	switch {
	case !b.hasHigh:
		return "at least " + low
	case !b.hasLow:
		return "at most " + high
	case b.low == b.high:
		return "exactly " + low
	}
	return low + " to " + high
}

func (s *Shape) text(c *checker, v pyjson.Value, path Path) {
	if s.pattern != nil && !s.pattern.MatchString(v.Text()) {
		c.fail(path, "%s does not match %s", show(v), s.pattern)
	}
}

func (s *Shape) array(c *checker, v pyjson.Value, path Path) {
	items := v.Items()
	for i, x := range items {
		switch {
		case s.items != nil:
			c.problems = append(c.problems, s.items.Check(x, path.At(i))...)
		case i < len(s.tuple):
			c.problems = append(c.problems, s.tuple[i].Check(x, path.At(i))...)
		}
	}
	if s.tuple != nil && len(items) > len(s.tuple) {
		c.fail(path, "%d items: expected at most %d", len(items), len(s.tuple))
	}
	if s.unique {
		s.repeated(c, items, path)
	}
}

func (s *Shape) repeated(c *checker, items []pyjson.Value, path Path) {
	seen := make(map[string]bool, len(items))
	for i, x := range items {
		text := x.String()
		if seen[text] {
			c.fail(path.At(i), "%s stands there twice", show(x))
		}
		seen[text] = true
	}
}

func (m *members) check(c *checker, v pyjson.Value, path Path) {
	for _, x := range m.named {
		if !x.required {
			continue
		}
		if _, ok := v.Lookup(x.name); !ok {
			c.fail(path, "%q is missing", x.name)
		}
	}
	for _, got := range v.Members() {
		if !m.checkMember(c, got, path) {
			m.unknown(c, got, path)
		}
	}
}

// checkMember reports whether anything names the key.
func (m *members) checkMember(c *checker, got pyjson.Member, path Path) (known bool) {
	for _, x := range m.named {
		if x.name == got.Key {
			known = true
			c.problems = append(c.problems, x.shape.Check(got.Value, path.At(got.Key))...)
		}
	}
	key := pyjson.NewString(got.Key)
	for _, x := range m.patterns {
		if x.key.fits(key) {
			known = true
			c.problems = append(c.problems, x.shape.Check(got.Value, path.At(got.Key))...)
		}
	}
	return known
}

func (m *members) unknown(c *checker, got pyjson.Member, path Path) {
	if m.rest != nil {
		c.problems = append(c.problems, m.rest.Check(got.Value, path.At(got.Key))...)
		return
	}
	names := make([]string, len(m.named))
	for i, x := range m.named {
		names[i] = x.name
	}
	if len(m.named) == 0 && len(m.patterns) > 0 {
		for _, p := range m.patterns {
			c.problems = append(c.problems, p.key.Check(pyjson.NewString(got.Key), path)...)
		}
		return
	}
	c.fail(path, "unknown key %q%s", got.Key, Suggest(got.Key, names))
}

func (s *Shape) combined(c *checker, v pyjson.Value, path Path) {
	for _, x := range s.all {
		c.problems = append(c.problems, x.Check(v, path)...)
	}
	if s.none != nil && s.none.fits(v) {
		c.fail(path, "%s is what must not stand here", show(v))
	}
	if s.any != nil {
		if _, problems := tryAll(s.any, v, path); problems != nil {
			c.problems = append(c.problems, problems...)
		}
	}
	if s.one != nil {
		fitting, problems := tryAll(s.one, v, path)
		c.problems = append(c.problems, problems...)
		if fitting > 1 {
			c.fail(path, "%s can be read in %d ways; only one may fit", show(v), fitting)
		}
	}
}

// How far a value is from a form that it cannot be meant for: more than any
// number of problems.
const (
	otherForm = 1 << 20
	otherKind = 1 << 21
)

// contradicted reports whether v has a key whose value tells another form:
// {"type": "a"} is not meant to be a {type: "b"}.
func (s *Shape) contradicted(v pyjson.Value) bool {
	if s.object != nil {
		for _, x := range s.object.named {
			got, ok := v.Lookup(x.name)
			if ok && len(x.shape.literal) > 0 && !x.shape.fits(got) {
				return true
			}
		}
	}
	return slices.ContainsFunc(s.all, func(x *Shape) bool { return x.contradicted(v) })
}

// tryAll counts the forms that fit. When none does, it gives the problems of
// the nearest: one of the right kind, with no key that tells another form,
// with the fewest problems.
func tryAll(forms []*Shape, v pyjson.Value, path Path) (fitting int, nearest Problems) {
	best := -1
	var expected []string
	for _, form := range forms {
		problems := form.Check(v, path)
		if len(problems) == 0 {
			fitting++
			continue
		}
		far := len(problems)
		switch {
		case !form.admits(v.Kind()):
			far += otherKind
			expected = append(expected, form.words())
		case form.contradicted(v):
			far += otherForm
		}
		if best < 0 || far < best {
			best, nearest = far, problems
		}
	}
	switch {
	case fitting > 0:
		return fitting, nil
	case best >= otherKind:
		message := fmt.Sprintf("expected %s, found %s", strings.Join(slices.Compact(slices.Sorted(slices.Values(expected))), " or "), article(v.Kind()))
		return 0, Problems{{path, message}}
	}
	return 0, nearest
}

// admits reports whether any value of the kind could have the shape.
func (s *Shape) admits(k pyjson.Kind) bool {
	admitting := func(x *Shape) bool { return x.admits(k) }
	refusing := func(x *Shape) bool { return !x.admits(k) }
	ofKind := func(v pyjson.Value) bool { return v.Kind() == k }
	return s.kinds.has(k) &&
		(s.literal == nil || slices.ContainsFunc(s.literal, ofKind)) &&
		!slices.ContainsFunc(s.all, refusing) &&
		(s.any == nil || slices.ContainsFunc(s.any, admitting)) &&
		(s.one == nil || slices.ContainsFunc(s.one, admitting))
}

// words names the kinds that the shape admits.
func (s *Shape) words() string {
	var set kinds
	for k := range kindCount {
		if s.admits(pyjson.Kind(k)) {
			set |= 1 << k
		}
	}
	return set.words()
}

// words lists a set of kinds for a message.
func (set kinds) words() string {
	if set == of(pyjson.Int, pyjson.Float) {
		return "a number"
	}
	var list []string
	for k := range kindCount {
		if set.has(pyjson.Kind(k)) {
			list = append(list, article(pyjson.Kind(k)))
		}
	}
	return strings.Join(list, " or ")
}

// article is a kind with its article.
func article(k pyjson.Kind) string {
	switch k {
	case pyjson.Null:
		return "null"
	case pyjson.Int, pyjson.Array, pyjson.Object:
		return "an " + k.String()
	}
	return "a " + k.String()
}
