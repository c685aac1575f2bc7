package inspect

import "strings"

// minShared is the least length of a cause that is told once: a reference to
// another section is hardly shorter than what is less.
const minShared = 64

// A cause is what a section's reason ends with, from behind a colon on.
type cause struct{ text, section string }

// causes are those that earlier sections have told.
type causes []cause

// shorten puts "see files" in the place of a long cause that another section has
// told in full: one broken directory makes many sections unread.
func (c *causes) shorten(section, reason string) string {
	for _, at := range ends(reason) {
		text := reason[at:]
		for _, told := range *c {
			if sameCause(text, told.text) {
				return reason[:at] + "see " + told.section
			}
		}
	}
	c.tell(section, reason)
	return reason
}

// tell notes the causes in a reason.
func (c *causes) tell(section, reason string) {
	for _, at := range ends(reason) {
		*c = append(*c, cause{reason[at:], section})
	}
}

// ends are the places in a reason behind which a long cause stands.
func ends(reason string) []int {
	var list []int
	for at := 0; len(reason)-at >= minShared; {
		list = append(list, at)
		i := strings.Index(reason[at:], ": ")
		if i < 0 {
			break
		}
		at += i + 2
	}
	return list
}

// sameCause compares what may be cut at a reason's bound, and counted.
func sameCause(a, b string) bool {
	cut := func(s string) (string, bool) {
		s, _, _ = strings.Cut(s, " (and ")
		return strings.CutSuffix(s, "…")
	}
	a, cutA := cut(a)
	b, cutB := cut(b)
	return len(a) >= minShared && len(b) >= minShared &&
		(a == b || cutA && strings.HasPrefix(b, a) || cutB && strings.HasPrefix(a, b))
}
