package manifest

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/assay-os/assay/build/manifest/grammar"
)

// A Known is a stage or an assembler that can be run.
type Known struct {
	Name      string
	Assembler bool
	// Check compares an options object with what the step takes. Paths are
	// below the options: users.bob.uid.
	Check func(options json.RawMessage) Problems
}

// Validate reports every step that is not among those known, and every option
// that its step does not take: pipelines[1].stages[3].options.users.bob.uid.
func Validate(m *Manifest, known []Known) Problems {
	v := validator{steps: map[kind]Known{}, names: map[bool][]string{}}
	for _, k := range known {
		v.steps[kind{k.Name, k.Assembler}] = k
		v.names[k.Assembler] = append(v.names[k.Assembler], k.Name)
	}
	var problems Problems
	for _, p := range m.Pipelines {
		for _, s := range p.Steps {
			if len(problems) < maxProblems {
				problems = append(problems, v.step(s)...)
			}
		}
	}
	return problems
}

type kind struct {
	name      string
	assembler bool
}

type validator struct {
	steps map[kind]Known
	names map[bool][]string
}

func (v validator) step(s *Step) Problems {
	if s.Type == "" { // Load has reported that
		return nil
	}
	k, ok := v.steps[kind{s.Type, s.Assembler}]
	if !ok {
		return Problems{{Path: s.Path, Message: v.unknown(s)}}
	}
	if k.Check == nil || s.Options == nil {
		return nil
	}
	problems := k.Check(s.Options)
	for i := range problems {
		problems[i].Path = s.Path.At("options").At(problems[i].Path...)
	}
	return problems
}

// Foreign says of a step that is not known here that osbuild has it; it is ""
// where osbuild has none of that name.
func Foreign(s *Step) string {
	what := grammar.Stage
	if s.Assembler {
		what = grammar.Assembler
	}
	if _, err := grammar.Lookup(what, s.Type); err != nil {
		return ""
	}
	return fmt.Sprintf("the %s %q is osbuild's; assay does not have it yet", what, s.Type)
}

func (v validator) unknown(s *Step) string {
	what, other := grammar.Stage, grammar.Assembler
	if s.Assembler {
		what, other = other, what
	}
	if _, ok := v.steps[kind{s.Type, !s.Assembler}]; ok {
		return fmt.Sprintf("there is no %s %q, only the %s of that name", what, s.Type, other)
	}
	if reason := Foreign(s); reason != "" {
		return reason
	}
	return fmt.Sprintf("unknown %s %q%s", what, s.Type, SuggestStep(s, v.names[s.Assembler]))
}

// SuggestStep is the clause that offers the step that was probably meant: one
// of those known, else one that osbuild has.
func SuggestStep(s *Step, known []string) string {
	what := grammar.Stage
	if s.Assembler {
		what = grammar.Assembler
	}
	all := slices.Clone(known)
	if names, err := grammar.Names(what); err == nil {
		all = append(all, names...)
	}
	return grammar.Suggest(s.Type, all)
}
