package deb

import (
	"cmp"
	"strings"
)

// CompareVersions orders versions as dpkg does, deb-version(7): negative when
// a is the older one. What is no version at all is ordered too.
func CompareVersions(a, b string) int {
	epochA, upstreamA, revisionA := splitVersion(a)
	epochB, upstreamB, revisionB := splitVersion(b)
	return cmp.Or(compareRuns(epochA, epochB), compareRuns(upstreamA, upstreamB), compareRuns(revisionA, revisionB))
}

func splitVersion(v string) (epoch, upstream, revision string) {
	if e, rest, ok := strings.Cut(v, ":"); ok {
		epoch, v = e, rest
	}
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		return epoch, v[:i], v[i+1:]
	}
	return epoch, v, ""
}

// compareRuns compares runs of other characters and of digits by turns.
func compareRuns(a, b string) int {
	for a != "" || b != "" {
		var textA, textB string
		textA, a = run(a, false)
		textB, b = run(b, false)
		if c := compareText(textA, textB); c != 0 {
			return c
		}
		textA, a = run(a, true)
		textB, b = run(b, true)
		textA, textB = strings.TrimLeft(textA, "0"), strings.TrimLeft(textB, "0")
		if c := cmp.Or(cmp.Compare(len(textA), len(textB)), cmp.Compare(textA, textB)); c != 0 {
			return c
		}
	}
	return 0
}

func run(s string, digits bool) (text, rest string) {
	n := 0
	for n < len(s) && (s[n] >= '0' && s[n] <= '9') == digits {
		n++
	}
	return s[:n], s[n:]
}

// compareText sorts "~" before the end, and letters before other characters.
func compareText(a, b string) int {
	for i := range max(len(a), len(b)) {
		if c := cmp.Compare(weight(a, i), weight(b, i)); c != 0 {
			return c
		}
	}
	return 0
}

func weight(s string, i int) int {
	if i >= len(s) {
		return 0
	}
	switch c := s[i]; {
	case c == '~':
		return -1
	case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
		return int(c)
	default:
		return int(c) + 256
	}
}
