package filecontexts

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The bounds of a set. Fedora's policy has 7,000 lines, all of which can be read,
// and 40 substitutions.
const (
	MaxSpecs    = 200_000
	maxProblems = 1000
	maxSubs     = 1000
	// maxSubsLine is the length from which libselinux reads a substitution in two.
	maxSubsLine = 1022
)

// Files are the texts of a policy's contexts/files. What a policy does not have is nil.
type Files struct {
	// Base is file_contexts, Homedirs file_contexts.homedirs, Local file_contexts.local.
	Base, Homedirs, Local []byte
	// Subs is file_contexts.subs, SubsDist file_contexts.subs_dist.
	Subs, SubsDist []byte
}

// The names of the files, which policies have below contexts/files.
const (
	BaseName     = "file_contexts"
	HomedirsName = BaseName + ".homedirs"
	LocalName    = BaseName + ".local"
	SubsName     = BaseName + ".subs"
	SubsDistName = BaseName + ".subs_dist"
)

// A Problem is one line that could not be read.
type Problem struct {
	File   string
	Line   int
	Reason string
	// Fatal: libselinux refuses the whole policy because of this line. Other
	// lines only spoil the look-ups that come to them.
	Fatal bool
}

func (p Problem) String() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Reason) }

// A Set is a policy's file contexts. It does not change, and may be used by
// many at once.
type Set struct {
	rules Rules
	specs []*Spec
	// literals holds the lines that match one path, by path, the highest order first.
	literals map[string][]*Spec
	programs map[string]*program
	// doubts holds the lines whose expressions could not be read.
	doubts   []*Spec
	problems []Problem
	subs     []substitution
	subsDist []substitution
}

// Specs gives the lines, the one that counts least first.
func (s *Set) Specs() []*Spec { return s.specs }

// Problems gives the lines that could not be read, in the order of the files.
func (s *Set) Problems() []Problem { return s.problems }

// Parse reads a policy's file contexts. It is an error if there are more lines, or more
// that cannot be read, than any policy has; else a line that cannot be read is
// one of [Set.Problems].
func Parse(f Files, rules Rules) (*Set, error) {
	s := &Set{rules: rules, literals: map[string][]*Spec{}, programs: map[string]*program{}}
	for i, in := range []struct {
		name string
		text []byte
	}{{BaseName, f.Base}, {HomedirsName, f.Homedirs}, {LocalName, f.Local}} {
		if err := s.readSpecs(in.name, i, in.text); err != nil {
			return nil, err
		}
	}
	var err error
	if s.subs, err = s.readSubs(SubsName, f.Subs); err != nil {
		return nil, err
	}
	if s.subsDist, err = s.readSubs(SubsDistName, f.SubsDist); err != nil {
		return nil, err
	}
	s.sort()
	if err := s.compile(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Set) readSpecs(name string, input int, text []byte) error {
	for n := 1; len(text) > 0; n++ {
		line, rest, _ := bytes.Cut(text, []byte{'\n'})
		text = rest
		spec, err := parseLine(line)
		if err != nil {
			if err := s.problem(Problem{name, n, err.Error(), true}); err != nil {
				return err
			}
			continue
		}
		if spec == nil {
			continue
		}
		if len(s.specs) == MaxSpecs {
			return fmt.Errorf("%s:%d: more than %d lines of contexts", name, n, MaxSpecs)
		}
		spec.File, spec.Line, spec.input = name, n, input
		s.specs = append(s.specs, spec)
	}
	return nil
}

// problem keeps a line that cannot be read.
func (s *Set) problem(p Problem) error {
	s.problems = append(s.problems, p)
	if len(s.problems) > maxProblems {
		return fmt.Errorf("%v; more than %d lines cannot be read", p, maxProblems)
	}
	return nil
}

// spaces are what isspace(3) knows in the C locale.
const spaces = " \t\n\v\f\r"

// field takes the next field off line. Text from a NUL on is not seen, as in C.
func field(line []byte) (word, rest []byte) {
	line = bytes.TrimLeft(line, spaces)
	if end := bytes.IndexAny(line, spaces); end >= 0 {
		return line[:end], line[end:]
	}
	return line, nil
}

// parseLine reads one line; nil for a comment or nothing.
func parseLine(line []byte) (*Spec, error) {
	line, _, _ = bytes.Cut(line, []byte{0})
	var fields [3]string
	n := 0
	for ; n < len(fields); n++ {
		var word []byte
		if word, line = field(line); len(word) == 0 {
			break
		}
		if n == 0 && word[0] == '#' {
			return nil, nil
		}
		if !isASCII(word) {
			return nil, errors.New("it has characters beyond ASCII")
		}
		fields[n] = string(word)
	}
	switch n {
	case 0:
		return nil, nil
	case 1:
		return nil, errors.New("it has no context")
	case 2:
		return &Spec{Regex: fields[0], Context: fields[1]}, nil
	}
	t, ok := typeOfField(fields[1])
	if !ok {
		return nil, fmt.Errorf("%.20q is no type of file", fields[1])
	}
	return &Spec{Regex: fields[0], Type: t, Context: fields[2], kind: kindOf(t)}, nil
}

func isASCII(word []byte) bool {
	for _, c := range word {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// A substitution puts one directory in the place of another.
type substitution struct{ from, to string }

// readSubs reads a list of substitutions, the last line first: so they are tried.
func (s *Set) readSubs(name string, text []byte) ([]substitution, error) {
	var list []substitution
	for n := 1; len(text) > 0; n++ {
		line, rest, _ := bytes.Cut(text, []byte{'\n'})
		text = rest
		line, _, _ = bytes.Cut(line, []byte{0})
		if len(line) > maxSubsLine {
			reason := fmt.Sprintf("%d bytes are more than the %d of a line", len(line), maxSubsLine)
			if err := s.problem(Problem{name, n, reason, false}); err != nil {
				return nil, err
			}
			continue
		}
		from, line := field(line)
		to, _ := field(line)
		if len(to) > 0 && from[0] != '#' {
			list = append(list, substitution{string(from), string(to)})
		}
		if len(list) > maxSubs {
			return nil, fmt.Errorf("%s:%d: more than %d substitutions", name, n, maxSubs)
		}
	}
	slices.Reverse(list)
	return list, nil
}

// substitute applies the first substitution of list that fits.
func substitute(list []substitution, path string) string {
	for _, sub := range list {
		rest, ok := strings.CutPrefix(path, sub.from)
		if !ok || rest != "" && rest[0] != '/' {
			continue
		}
		if sub.to == "/" {
			rest = strings.TrimPrefix(rest, "/")
		}
		return sub.to + rest
	}
	return path
}
