package inspect

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"sync"

	"github.com/assay-os/assay/inspect/canonical"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// canonical gives f the form of the first content rule that matches.
//
// Content that turns out not to be of the rule's form keeps its SHA-256 as its
// only meaning. Content that is too large or too deep to unfold cannot be
// judged, and is unread.
func (h *hasher) canonical(ctx context.Context, f *tree.File, content canonical.Content) {
	var survey canonical.Survey
	form, roles, rules, err := canonical.ApplyRoles(ctx, canonical.Input{
		Entry: &f.Node.Entry, Content: content, Lookup: h.sibling(f), Open: h.companion(f), Place: f.Path, Identities: h.in.identities, Work: &h.work,
		Survey: &survey,
	})
	switch {
	case ctx.Err() != nil || errors.Is(err, canonical.ErrMalformed):
	case err != nil:
		h.in.troubles.canonical.add(f.Path, err.Error())
	default:
		f.Node.Canonical, f.Node.Roles = form, roles
		h.used.add(rules)
		if len(survey.Members) > 0 {
			f.Survey = &survey
		}
	}
}

// sibling gives rules the record of another file of f's tree.
func (h *hasher) sibling(f *tree.File) func(string) *report.Entry {
	dir := path.Dir(f.Path)
	return func(name string) *report.Entry {
		other := h.in.tree.Find(path.Join(dir, name))
		if other == nil {
			return nil
		}
		return &other.Node.Entry
	}
}

// A ruleSet collects the rules that were applied.
type ruleSet struct {
	mu    sync.Mutex
	rules map[string]report.Rule
}

func newRuleSet() *ruleSet { return &ruleSet{rules: map[string]report.Rule{}} }

func (s *ruleSet) add(rules []report.Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rules {
		s.rules[r.Name] = r
	}
}

// list is the rules by name.
func (s *ruleSet) list() []report.Rule {
	var list []report.Rule
	for _, r := range s.rules {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b report.Rule) int { return cmp.Compare(a.Name, b.Name) })
	return list
}
