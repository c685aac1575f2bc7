package filecontexts

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// ErrCostly says that a policy takes more work than any real one.
var ErrCostly = errors.New("the policy's expressions take too much work")

// A DoubtError says that a look-up came to a line that could not be read.
type DoubtError struct{ Problem }

func (e *DoubtError) Error() string { return e.String() }

// A Match is what a policy says about one path.
type Match struct {
	// Context is the label to set; empty for none.
	Context string
	// Spec is the line that decided. It is nil when none matches, and a line
	// with the context [None] when the policy wants no label to be set.
	Spec *Spec
	// Path is the path that lines were compared with: cleaned, and substituted.
	Path string
}

// sort gives each line its rank: those without metacharacters above the others,
// else as read.
func (s *Set) sort() {
	for _, spec := range s.specs {
		spec.exact = s.rules.isExact(spec.Regex)
		spec.stem = s.rules.stemOf(spec.Regex)
	}
	slices.SortStableFunc(s.specs, func(a, b *Spec) int {
		if a.exact != b.exact {
			if a.exact {
				return 1
			}
			return -1
		}
		if s.rules == Since38 && a.exact {
			return cmp.Or(cmp.Compare(a.input, b.input), cmp.Compare(b.Line, a.Line))
		}
		return 0
	})
	for i, spec := range s.specs {
		spec.order = i
	}
}

// compile makes the tables of the look-up.
func (s *Set) compile() error {
	total := 0
	for _, spec := range slices.Backward(s.specs) {
		if spec.literal, spec.isLiteral = simplify(spec.Regex); spec.isLiteral && spec.exact {
			s.literals[spec.literal] = append(s.literals[spec.literal], spec)
			continue
		}
		spec.isLiteral = false
		p := s.programs[spec.stem]
		if p == nil {
			p = &program{}
			s.programs[spec.stem] = p
		}
		size := len(p.insts)
		spec.node, spec.doubt = parseAnchored(spec.Regex)
		if spec.doubt == nil {
			spec.doubt = p.add(spec)
		}
		spec.node = nil
		if spec.doubt != nil {
			if err := s.doubtful(spec); err != nil {
				return err
			}
		}
		if total += len(p.insts) - size; total > maxCode {
			return fmt.Errorf("%s:%d: expressions of more than %d instructions", spec.File, spec.Line, maxCode)
		}
	}
	slices.SortStableFunc(s.problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return nil
}

// doubtful keeps a line whose expression could not be read. Where libselinux
// might be able to read it, it can only matter below its literal start;
// where nobody can, the look-up fails wherever it comes to the line.
func (s *Set) doubtful(spec *Spec) error {
	if errors.Is(spec.doubt, errUnsupported) || errors.Is(spec.doubt, errTooLarge) {
		spec.prefix = literalStart(spec.Regex)
	}
	s.doubts = append(s.doubts, spec)
	return s.problem(Problem{spec.File, spec.Line, fmt.Sprintf("expression %.200q: %v", spec.Regex, spec.doubt), false})
}

// literalStart gives the text that every path starts with that regex matches.
func literalStart(regex string) string {
	if strings.Contains(regex, "|") {
		return ""
	}
	end := strings.IndexFunc(regex, func(c rune) bool { return c == '\\' || Until37.isMeta(byte(c)) })
	if end > 0 && strings.IndexByte("?*{", regex[end]) >= 0 {
		end--
	}
	return regex[:max(end, 0)]
}

// A Matcher looks up paths in a set. It remembers how far lines matched, so
// it is faster the more it is asked; it is for one user at a time.
type Matcher struct {
	set      *Set
	automata map[string]*automaton
	budget   budget
}

// Matcher gives a new Matcher of the set.
func (s *Set) Matcher() *Matcher {
	m := &Matcher{set: s, automata: map[string]*automaton{}}
	m.budget.forget = m.forget
	return m
}

// Lookup tells which context the policy has for a path and a type of file. It
// is a [DoubtError] if that depends on a line that could not be read, and
// [ErrCostly] when this or earlier paths took more work than is given to a Matcher.
func (m *Matcher) Lookup(path string, t report.Type) (Match, error) {
	if path == "" || strings.IndexByte(path, 0) >= 0 {
		return Match{}, fmt.Errorf("look up %q: it is no path", path)
	}
	match := Match{Path: m.set.effective(path)}
	k := kindOf(t)
	best := m.find(match.Path, k)
	if m.budget.work > maxWork {
		return Match{}, ErrCostly
	}
	if err := m.set.doubt(match.Path, k, best); err != nil {
		return Match{}, err
	}
	if match.Spec = best; best != nil && best.Context != None {
		match.Context = best.Context
	}
	return match, nil
}

// effective cleans and substitutes a path.
func (s *Set) effective(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	return substitute(s.subsDist, substitute(s.subs, path))
}

// find gives the line that decides, or nil.
func (m *Matcher) find(path string, k kind) *Spec {
	stems := m.set.rules.stemsOf(path)
	best := m.set.literal(path, stems, k)
	if m.set.rules == Since38 && best != nil {
		return best
	}
	for _, stem := range stems {
		a := m.automaton(stem)
		if a == nil {
			continue
		}
		found := a.run(path, k)
		if found == nil || best != nil && found.order < best.order {
			continue
		}
		best = found
		if m.set.rules == Since38 && best.Context == None {
			break
		}
	}
	return best
}

// literal looks among the lines that match one path.
func (s *Set) literal(path string, stems []string, k kind) *Spec {
	list := s.literals[path]
	if bare, ok := strings.CutSuffix(path, "\n"); ok && s.rules == Until37 {
		list = slices.Concat(list, s.literals[bare])
	}
	var best *Spec
	for _, spec := range list {
		fits := spec.matchesKind(k) && (s.rules == Since38 || slices.Contains(stems, spec.stem))
		if fits && (best == nil || spec.order > best.order) {
			best = spec
		}
	}
	return best
}

func (m *Matcher) automaton(stem string) *automaton {
	a := m.automata[stem]
	if a != nil {
		return a
	}
	p := m.set.programs[stem]
	if p == nil || len(p.starts) == 0 {
		return nil
	}
	a = newAutomaton(p, &m.budget)
	m.automata[strings.Clone(stem)] = a
	return a
}

// forget empties the memory.
func (m *Matcher) forget() {
	for _, a := range m.automata {
		a.forget()
	}
	m.budget.memory = 0
}

// doubt tells whether a line that could not be read stands above what was found.
func (s *Set) doubt(path string, k kind, best *Spec) error {
	for _, spec := range s.doubts {
		if best != nil && spec.order < best.order {
			break
		}
		if spec.matchesKind(k) && strings.HasPrefix(path, spec.prefix) && slices.Contains(s.rules.stemsOf(path), spec.stem) {
			return &DoubtError{Problem{spec.File, spec.Line, fmt.Sprintf("expression %.200q: %v", spec.Regex, spec.doubt), false}}
		}
	}
	return nil
}
