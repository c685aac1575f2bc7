package grammar

import (
	"fmt"
	"strings"
)

// Nearest is the candidate that word most likely meant: the one with the
// fewest edits (a letter put in, left out or changed, or two swapped), at most
// three and a third of its length. What both have in common up to a dot, as
// "org.osbuild.", does not count as length. Ties go to the first.
func Nearest(word string, candidates []string) (string, bool) {
	short := word[len(namespace(word)):]
	best, found := 1+min(3, max(1, (len(short)+1)/3)), ""
	for _, c := range candidates {
		a, b := word, c
		if n := namespace(word); strings.HasPrefix(c, n) {
			a, b = short, c[len(n):]
		}
		if d := edits(a, b, best); d < best {
			best, found = d, c
		}
	}
	return found, found != ""
}

// namespace is the beginning of a name that says whose it is: its first two
// parts, where there are three.
func namespace(name string) string {
	first, rest, _ := strings.Cut(name, ".")
	second, _, ok := strings.Cut(rest, ".")
	if !ok {
		return ""
	}
	return name[:len(first)+len(second)+2]
}

// Suggest is the clause of a message that offers the nearest candidate, and
// "" where none is near.
func Suggest(word string, candidates []string) string {
	if near, ok := Nearest(word, candidates); ok {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// edits is the optimal string alignment distance over bytes, or limit where it
// is not less.
func edits(a, b string, limit int) int {
	if max(len(a), len(b))-min(len(a), len(b)) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > limit { // a swap may come back by one
			return limit
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}
