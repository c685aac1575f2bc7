package diff

import (
	"fmt"
	"maps"
	"slices"

	"github.com/assay-os/assay/report"
)

// An Explanation tells what an entry is in the digest, and why.
type Explanation struct {
	// Facts are those that count, by name, as they are in the canonical form;
	// empty when the canonical form does not have the entry.
	Facts map[string]report.Raw `json:"facts"`
	// Steps are the rules that changed the entry, in their order.
	Steps []ExplanationStep `json:"steps"`
}

// An ExplanationStep is what one rule did to an entry.
type ExplanationStep struct {
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
	// Before and After hold the facts that it changed; After lacks those that
	// it left out.
	Before map[string]report.Raw `json:"before"`
	After  map[string]report.Raw `json:"after,omitempty"`
}

// Explain tells how the entry at path enters the functional digest.
func Explain(r *report.Report, path report.Raw) (*Explanation, error) {
	scope, in, _ := common(r, r)
	v := newView(r, in, scope, RulesVersion)
	e, ok := v.lookup(path)
	if !ok {
		return nil, fmt.Errorf("explain %s: the report has no such path; assay ls -R lists all", path)
	}
	out := &Explanation{Steps: []ExplanationStep{}}
	canonical := *e
	for _, rule := range Rules() {
		if rule.entry == nil {
			continue
		}
		before := entryFacts(&canonical)
		kept := rule.entry(v, &canonical)
		after := entryFacts(&canonical)
		if !kept {
			after = nil
		}
		if gone, made := differing(before, after); len(gone)+len(made) > 0 {
			step := ExplanationStep{Rule: rule.Name, Reason: rule.Reason, Before: gone, After: made}
			if c := e.Canonical; rule.Name == "content" && c != nil {
				step.Rule, step.Reason = c.Rule, v.reason(c.Rule)
			}
			out.Steps = append(out.Steps, step)
		}
		if !kept {
			return out, nil
		}
	}
	out.Facts = entryFacts(&canonical)
	return out, nil
}

// FactNames are the names of an explanation's facts, in the order of the record.
func (e *Explanation) FactNames() []string {
	return slices.DeleteFunc(entryFields(), func(name string) bool {
		return !slices.Contains(slices.Collect(maps.Keys(e.Facts)), name)
	})
}
