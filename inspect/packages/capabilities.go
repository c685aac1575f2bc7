package packages

import (
	"maps"
	"strings"
)

// sameCapabilities compares two texts of cap_from_text(3)'s form by what they
// mean; none is none at all.
func sameCapabilities(a, b string) bool {
	if a == b {
		return true
	}
	return maps.Equal(capabilitySets(a), capabilitySets(b))
}

// everyCapability stands for those that a text does not name.
const everyCapability = "all"

// capabilitySets gives, for each capability that has any, the flags e, i and p.
// Clauses are read in order: "=" sets, "+" adds, "-" takes away.
func capabilitySets(words string) map[string]string {
	sets := map[string]map[byte]bool{everyCapability: {}}
	for _, clause := range strings.Fields(strings.ToLower(words)) {
		at := strings.IndexAny(clause, "=+-")
		if at < 0 {
			continue
		}
		names := strings.Split(clause[:at], ",")
		if clause[:at] == "" || clause[:at] == everyCapability {
			names = names[:0]
			for name := range sets {
				names = append(names, name)
			}
		}
		for _, name := range names {
			if sets[name] == nil {
				sets[name] = maps.Clone(sets[everyCapability])
			}
			applyFlags(sets[name], clause[at:])
		}
	}
	out := map[string]string{}
	for name, set := range sets {
		if name == everyCapability || !maps.Equal(set, sets[everyCapability]) {
			out[name] = flagText(set)
		}
	}
	return out
}

// applyFlags changes a set by "=ep", "+i-e" and their like.
func applyFlags(set map[byte]bool, actions string) {
	var sign byte
	for i := range len(actions) {
		switch c := actions[i]; {
		case c == '=':
			clear(set)
			sign = '+'
		case c == '+' || c == '-':
			sign = c
		case sign == '+':
			set[c] = true
		default:
			delete(set, c)
		}
	}
}

func flagText(set map[byte]bool) string {
	var b strings.Builder
	for _, c := range []byte("eip") {
		if set[c] {
			b.WriteByte(c)
		}
	}
	return b.String()
}
