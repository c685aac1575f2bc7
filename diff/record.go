package diff

import "github.com/assay-os/assay/report"

// compareRecord tells the changes from x to y, either of which may be nil.
func compareRecord(section string, x, y *ruled) []Change {
	switch {
	case y == nil:
		return []Change{newChange(section, x.key, Removed, x.words(), nil)}
	case x == nil:
		return []Change{newChange(section, y.key, Added, nil, y.words())}
	}
	var out []Change
	a, b := differing(facts(x.fields), facts(y.fields))
	open := names(a, b)
	if len(open) > 0 {
		spelled(a, b, x, y)
		out = append(out, newChange(section, x.key, Modified, a, b))
	}
	return append(out, explained(section, x, y, open)...)
}

// words are the facts of a record as the report has them.
func (r *ruled) words() map[string]report.Raw {
	m := facts(r.fields)
	for name, v := range m {
		m[name] = report.Raw(shown(string(v)))
	}
	for _, f := range r.out {
		if _, counts := m[f.name]; counts {
			m[f.name] = report.Raw(f.value)
		}
	}
	return m
}

// knownTo is r without the facts that the record of an unread section lacks.
func (r *ruled) knownTo(open *ruled) *ruled {
	known := facts(open.fields)
	for _, f := range open.out {
		known[f.name] = report.Raw(f.value)
	}
	out := &ruled{record: record{key: r.key}}
	for _, f := range r.fields {
		if known[f.name] != "" {
			out.fields = append(out.fields, f)
		}
	}
	for _, f := range r.out {
		if known[f.name] != "" {
			out.out = append(out.out, f)
		}
	}
	return out
}

// explained tells of the facts that rules left out or replaced, one change a
// rule. Those that are open differ all the same.
func explained(section string, x, y *ruled, open []string) []Change {
	var out []Change
	for _, rule := range Rules() {
		a, b := differing(facts(left(x.out, rule.Name)), facts(left(y.out, rule.Name)))
		for _, name := range open {
			delete(a, name)
			delete(b, name)
		}
		if len(a)+len(b) == 0 {
			continue
		}
		c := newChange(section, x.key, Modified, a, b)
		c.Rule, c.Reason = rule.Name, rule.Reason
		out = append(out, c)
	}
	return out
}

func left(fields []ruledField, rule string) []field {
	var out []field
	for _, f := range fields {
		if f.rule.Name == rule {
			out = append(out, f.field)
		}
	}
	return out
}

func facts(fields []field) map[string]report.Raw {
	m := make(map[string]report.Raw, len(fields))
	for _, f := range fields {
		m[f.name] = report.Raw(f.value)
	}
	return m
}

// differing keeps of both maps only what is not equal in the other.
func differing(a, b map[string]report.Raw) (onlyA, onlyB map[string]report.Raw) {
	onlyA, onlyB = map[string]report.Raw{}, map[string]report.Raw{}
	for k, v := range a {
		if w, ok := b[k]; !ok || w != v {
			onlyA[k] = v
		}
	}
	for k, w := range b {
		if v, ok := a[k]; !ok || w != v {
			onlyB[k] = w
		}
	}
	return onlyA, onlyB
}

func newChange(section, key string, kind Kind, a, b map[string]report.Raw) Change {
	return Change{Path: report.Raw(shown(key)), Section: section, Kind: kind, Fields: names(a, b), A: a, B: b}
}
