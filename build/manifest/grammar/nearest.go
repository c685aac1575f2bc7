package grammar

import "fmt"

// Nearest is the candidate that word most likely meant: the one with the
// fewest edits, at most three and a third of its length. Ties go to the first.
func Nearest(word string, candidates []string) (string, bool) {
	best, found := 1+min(3, max(1, (len(word)+1)/3)), ""
	for _, c := range candidates {
		if d := edits(word, c, best); d < best {
			best, found = d, c
		}
	}
	return found, found != ""
}

// Suggest is the clause of a message that offers the nearest candidate, and
// "" where none is near.
func Suggest(word string, candidates []string) string {
	if near, ok := Nearest(word, candidates); ok {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// edits is the Levenshtein distance over bytes, or limit where it is not less.
func edits(a, b string, limit int) int {
	if max(len(a), len(b))-min(len(a), len(b)) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], limit)
}
