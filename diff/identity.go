package diff

import (
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// byRole puts roles in the place of the disk's identifiers in a section's
// records. What a record said before stands with what the rule left out.
func (s section) byRole(v *view, records []ruled) {
	i := slices.IndexFunc(v.rules, func(r Rule) bool { return r.Name == "identity" })
	for n := range records {
		r := &records[n]
		roles := takeRoles(r)
		if i < 0 || v.identities.Empty() {
			continue
		}
		r.key, _ = v.identities.Replace(r.key)
		for k := range r.fields {
			f := &r.fields[k]
			value, replaced := v.identities.Replace(f.value)
			if f.name == "sha256" && roles != "" {
				value, replaced = report.Mark+"identity 1: "+roles+report.Mark, true
			}
			if replaced {
				r.out = append(r.out, ruledField{*f, &v.rules[i]})
			}
			f.value = value
		}
	}
	slices.SortStableFunc(records, func(a, b ruled) int { return cmpString(a.key, b.key) })
}

// takeRoles takes the digest by roles out of a region's record: it is no fact
// besides the content.
func takeRoles(r *ruled) (roles string) {
	r.fields = slices.DeleteFunc(r.fields, func(f field) bool {
		if f.name == "roles" {
			roles = f.value
		}
		return f.name == "roles"
	})
	return roles
}

// shown is a canonical value for people: roles stand in braces.
func shown(v string) string {
	parts := strings.Split(v, report.Mark)
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteByte("{}"[(i+1)%2])
		}
		b.WriteString(p)
	}
	return b.String()
}

// spelled gives the facts that differ in the words of the report. Where both
// sides have the same words, which mean different things, the roles stay.
func spelled(a, b map[string]report.Raw, x, y *ruled) {
	rawA, rawB := facts(leftOf(x.out)), facts(leftOf(y.out))
	for name := range a {
		wa, okA := rawA[name]
		wb, okB := rawB[name]
		va, vb := shown(string(a[name])), shown(string(b[name]))
		if !okA {
			wa = report.Raw(va)
		}
		if !okB {
			wb = report.Raw(vb)
		}
		if _, both := b[name]; both && wa == wb {
			wa, wb = report.Raw(va), report.Raw(vb)
		}
		a[name] = wa
		if _, both := b[name]; both {
			b[name] = wb
		}
	}
	for name := range b {
		if _, both := a[name]; !both {
			b[name] = report.Raw(shown(string(b[name])))
			if w, ok := rawB[name]; ok {
				b[name] = w
			}
		}
	}
}

func leftOf(out []ruledField) []field {
	fields := make([]field, len(out))
	for i, f := range out {
		fields[i] = f.field
	}
	return fields
}
