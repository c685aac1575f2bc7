package inspect

import "strings"

// minShared is the least length of a cause that is told once: a reference to
// another section is hardly shorter than what is less.
const minShared = 64

// A cause is what a section's reason ends with, from behind a colon on.
type cause struct {
	text, section string
	cut           bool // at a reason's bound
}

// causes are those that earlier sections have told.
type causes []cause

// shorten puts "see files" in the place of a long cause that another section has
// told in full: one broken directory makes many sections unread.
func (c *causes) shorten(section, reason string) string {
	short := reason
	for _, told := range *c {
		short = told.replace(short)
	}
	if short == reason { // a reference to a reference helps nobody
		c.tell(section, reason)
	}
	return short
}

// tell notes the causes in a reason.
func (c *causes) tell(section, reason string) {
	reason, _, _ = strings.Cut(reason, " (and ")
	reason, cut := strings.CutSuffix(reason, "…")
	for _, at := range ends(reason) {
		*c = append(*c, cause{reason[at:], section, cut})
	}
}

// replace refers to c wherever it stands in a reason, whole or cut at the end.
func (c cause) replace(reason string) string {
	var out strings.Builder
	for {
		i := strings.Index(reason, c.text)
		if i < 0 {
			break
		}
		rest := reason[i+len(c.text):]
		switch {
		case c.cut:
			return out.String() + reason[:i] + "see " + c.section
		case rest == "" || strings.HasPrefix(rest, "; ") || strings.HasPrefix(rest, " (and "):
			out.WriteString(reason[:i] + "see " + c.section)
		default: // it goes on otherwise
			out.WriteString(reason[:i+len(c.text)])
		}
		reason = rest
	}
	if short, cut := strings.CutSuffix(reason, "…"); cut {
		for _, at := range ends(short) {
			if strings.HasPrefix(c.text, short[at:]) {
				return out.String() + reason[:at] + "see " + c.section
			}
		}
	}
	return out.String() + reason
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
