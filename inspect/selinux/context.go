package selinux

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/selinux/go-selinux"

	"github.com/assay-os/assay/inspect/selinux/policy"
)

// names are what a policy declares; nil where that is not known.
type names struct {
	users, roles, types, sensitivities, categories map[string]bool
	mls                                            bool
}

// namesOf gives the names of a policy whose tables were read.
func namesOf(p *policy.Policy) *names {
	if p == nil || len(p.Types) == 0 || len(p.Users) == 0 || p.MLS && len(p.Sensitivities) == 0 {
		return nil
	}
	return &names{
		users: set(p.Users), roles: set(p.Roles), types: set(p.Types), sensitivities: set(p.Sensitivities), categories: set(p.Categories), mls: p.MLS,
	}
}

func set(list []string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, name := range list {
		m[name] = true
	}
	return m
}

// valid tells whether a context has a context's form and, where a policy is
// known, only names of it. Which of them may stand together is not asked.
func (n *names) valid(label string) bool {
	c, err := selinux.NewContext(label)
	if err != nil || label == "" {
		return false
	}
	if n == nil {
		return true
	}
	level, leveled := c["level"]
	if !n.users[c["user"]] || !n.roles[c["role"]] || !n.types[c["type"]] || leveled != n.mls {
		return false
	}
	return !leveled || n.validRange(level)
}

func (n *names) validRange(text string) bool {
	low, high, two := strings.Cut(text, "-")
	return n.validLevel(low) && (!two || n.validLevel(high))
}

func (n *names) validLevel(text string) bool {
	sensitivity, categories, some := strings.Cut(text, ":")
	if !n.sensitivities[sensitivity] {
		return false
	}
	if !some {
		return true
	}
	for _, part := range strings.Split(categories, ",") {
		first, last, span := strings.Cut(part, ".")
		if !n.categories[first] || span && !n.categories[last] {
			return false
		}
	}
	return true
}

// difference tells which part of two contexts differs first: "type", "role",
// "user" or "range"; empty when none does. Both are valid.
func difference(actual, expected string) string {
	if actual == expected {
		return ""
	}
	a, _ := selinux.NewContext(actual)
	b, _ := selinux.NewContext(expected)
	for _, part := range []string{"type", "role", "user"} {
		if a[part] != b[part] {
			return part
		}
	}
	if !sameRange(a["level"], b["level"]) {
		return "range"
	}
	return ""
}

// sameRange compares two ranges by what they mean: "s0-s0" is "s0", and
// "c0.c2" is "c0,c1,c2".
func sameRange(a, b string) bool {
	if a == b {
		return true
	}
	lowA, highA, _ := strings.Cut(a, "-")
	lowB, highB, _ := strings.Cut(b, "-")
	if highA == "" {
		highA = lowA
	}
	if highB == "" {
		highB = lowB
	}
	return sameLevel(lowA, lowB) && sameLevel(highA, highB)
}

func sameLevel(a, b string) bool {
	sensitivityA, categoriesA, _ := strings.Cut(a, ":")
	sensitivityB, categoriesB, _ := strings.Cut(b, ":")
	if sensitivityA != sensitivityB {
		return false
	}
	if categoriesA == categoriesB {
		return true
	}
	setA, okA := categorySet(categoriesA)
	setB, okB := categorySet(categoriesB)
	return okA && okB && slices.Equal(setA, setB)
}

// A span is a run of numbers of categories.
type span struct{ first, last int }

// categorySet gives the categories that are written as numbers, in the fewest spans.
func categorySet(text string) ([]span, bool) {
	if text == "" {
		return nil, true
	}
	var list []span
	for _, part := range strings.Split(text, ",") {
		first, last, two := strings.Cut(part, ".")
		if !two {
			last = first
		}
		lo, okLo := categoryNumber(first)
		hi, okHi := categoryNumber(last)
		if !okLo || !okHi || hi < lo {
			return nil, false
		}
		list = append(list, span{lo, hi})
	}
	slices.SortFunc(list, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	merged := list[:1]
	for _, s := range list[1:] {
		if last := &merged[len(merged)-1]; s.first <= last.last+1 {
			last.last = max(last.last, s.last)
		} else {
			merged = append(merged, s)
		}
	}
	return merged, true
}

func categoryNumber(text string) (int, bool) {
	digits, ok := strings.CutPrefix(text, "c")
	n, err := strconv.ParseUint(digits, 10, 31)
	return int(n), ok && err == nil
}
