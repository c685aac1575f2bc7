package manifest

import (
	"slices"
	"strings"

	"github.com/assay-os/assay/build/manifest/grammar"
)

// A use is a pipeline that names one which was not read yet.
type use struct {
	from, to string
	path     Path
}

// use finds the pipeline called name for the pipeline from. A pipeline sees
// only those that stand before it, so it is nil for others; why, only the
// whole document tells: see explainEarlyUses.
func (l *loader) use(from, name string, path Path) *Pipeline {
	l.uses[from] = append(l.uses[from], name)
	target := l.pipelines[name]
	if target == nil {
		l.early = append(l.early, use{from, name, path})
	}
	return target
}

// explainEarlyUses reports why names could not be resolved: a cycle, the wrong
// order, or no such pipeline. Each takes a search, so only the first ones are
// explained.
func (l *loader) explainEarlyUses() {
	for i, u := range l.early {
		if i >= maxEarlyUses {
			l.fail(u.path, "pipeline %q does not stand before this one", u.to)
			continue
		}
		if !slices.Contains(l.declared, u.to) {
			l.fail(u.path, "there is no pipeline %q%s", u.to, grammar.Suggest(u.to, l.declared))
			continue
		}
		if way := l.way(u.to, u.from, nil); way != nil {
			l.fail(u.path, "the pipelines use each other: %s", strings.Join(append([]string{u.from}, way...), " → "))
			continue
		}
		l.fail(u.path, "pipeline %q stands later; move it before %q, which uses it", u.to, u.from)
	}
}

// way is a chain of uses that leads from one pipeline to another, both ends
// included, or nil. It passes over what it has seen.
func (l *loader) way(from, to string, seen map[string]bool) []string {
	if from == to {
		return []string{to}
	}
	if seen == nil {
		seen = map[string]bool{}
	}
	seen[from] = true
	for _, next := range l.uses[from] {
		if seen[next] {
			continue
		}
		if rest := l.way(next, to, seen); rest != nil {
			return append([]string{from}, rest...)
		}
	}
	return nil
}
