package manifest

import (
	"crypto/sha256"
	"slices"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// A pair is two steps that belong together, by their indices; -1 is none.
type pair struct{ a, b int }

// What it is worth that two steps belong together. A step of the same type
// is worth more the more it says the same, and never as much as an equal one.
const (
	equalScore = 1000
	typeScore  = 300
	alikeScore = 600     // more than typeScore for all that is alike
	maxCells   = 1 << 20 // of the table between two anchors
	maxAlike   = 1 << 12 // of a table for which steps are compared by what they say
)

// align finds which steps of two pipelines belong together: equal ones that
// stand once on each side first, the rest between them by the best sum of
// scores. A step that was put in is one that has no partner.
func align(a, b []*Step) []pair {
	x, y := fingerprints(a), fingerprints(b)
	al := aligner{a: a, b: b, x: x, y: y, said: map[*Step]map[string]string{}}
	anchors := append(al.anchors(), pair{len(a), len(b)})
	var pairs []pair
	at := pair{}
	for _, next := range anchors {
		pairs = append(pairs, al.between(at, next)...)
		if next.a < len(a) && next.b < len(b) {
			pairs = append(pairs, next)
		}
		at = pair{next.a + 1, next.b + 1}
	}
	return pairs
}

type aligner struct {
	a, b []*Step
	x, y [][32]byte
	// said remembers what a step says; careful tells whether it is asked.
	said    map[*Step]map[string]string
	careful bool
}

// fingerprints tell equal steps: by all that they say, not by what stands before them.
func fingerprints(steps []*Step) [][32]byte {
	sums := make([][32]byte, len(steps))
	for i, s := range steps {
		sums[i] = sha256.Sum256(stepValue(s).Append(nil))
	}
	return sums
}

// stepValue is all that a step says.
func stepValue(s *Step) pyjson.Value {
	var inputs, devices, mounts []pyjson.Member
	for _, in := range s.Inputs {
		inputs = append(inputs, pyjson.Member{Key: in.Name, Value: inputValue(in)})
		inputs = append(inputs, pyjson.Member{Key: in.Name + "\x00order", Value: value(list(referenceIDs(in)))})
	}
	for _, d := range s.Devices {
		devices = append(devices, pyjson.Member{Key: d.Name, Value: deviceValue(d)})
	}
	for _, m := range s.Mounts {
		mounts = append(mounts, pyjson.Member{Key: m.Name, Value: mountValue(m)})
	}
	return pyjson.NewObject([]pyjson.Member{
		{Key: "part", Value: pyjson.NewString(s.part())},
		{Key: "type", Value: pyjson.NewString(s.Type)},
		{Key: "options", Value: value(s.Options)},
		{Key: "inputs", Value: pyjson.NewObject(inputs)},
		{Key: "devices", Value: pyjson.NewObject(devices)},
		{Key: "mounts", Value: pyjson.NewObject(mounts)},
		{Key: "order", Value: value(list(mountNames(s.Mounts)))},
	})
}

// anchors are equal steps that stand once on each side, as many as keep one
// order (the longest increasing subsequence of their places).
func (al *aligner) anchors() []pair {
	places := map[[32]byte]int{}
	for j, sum := range al.y {
		if _, twice := places[sum]; twice {
			places[sum] = -1
			continue
		}
		places[sum] = j
	}
	count := map[[32]byte]int{}
	for _, sum := range al.x {
		count[sum]++
	}
	var candidates []pair
	for i, sum := range al.x {
		if j, ok := places[sum]; ok && j >= 0 && count[sum] == 1 {
			candidates = append(candidates, pair{i, j})
		}
	}
	return increasing(candidates)
}

// increasing is the longest part of pairs whose b grows as a does.
func increasing(pairs []pair) []pair {
	var tails []int // index of the smallest last pair for each length
	before := make([]int, len(pairs))
	for i, p := range pairs {
		n, _ := slices.BinarySearchFunc(tails, p.b, func(t, b int) int { return pairs[t].b - b })
		before[i] = -1
		if n > 0 {
			before[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		} else {
			tails[n] = i
		}
	}
	var found []pair
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i >= 0; i = before[i] {
			found = append(found, pairs[i])
		}
	}
	slices.Reverse(found)
	return found
}

// between aligns what lies between two anchors. Where that is more than a
// table can hold, steps belong together by place.
func (al *aligner) between(from, to pair) []pair {
	n, m := to.a-from.a, to.b-from.b
	if (n+1)*(m+1) > maxCells {
		return al.byPlace(from, to)
	}
	al.careful = n*m <= maxAlike
	best := make([][]int, n+1)
	for i := range best {
		best[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if s := al.score(from.a+i, from.b+j); s > 0 {
				best[i][j] = max(best[i][j], s+best[i+1][j+1])
			}
		}
	}
	var pairs []pair
	i, j := 0, 0
	for i < n && j < m {
		s := al.score(from.a+i, from.b+j)
		switch {
		case s > 0 && best[i][j] == s+best[i+1][j+1]:
			pairs = append(pairs, pair{from.a + i, from.b + j})
			i, j = i+1, j+1
		case best[i][j] == best[i+1][j]:
			pairs = append(pairs, pair{from.a + i, -1})
			i++
		default:
			pairs = append(pairs, pair{-1, from.b + j})
			j++
		}
	}
	return append(pairs, alone(pair{from.a + i, from.b + j}, to)...)
}

func (al *aligner) byPlace(from, to pair) []pair {
	var pairs []pair
	for from.a < to.a && from.b < to.b {
		if al.score(from.a, from.b) > 0 {
			pairs = append(pairs, from)
		} else {
			pairs = append(pairs, pair{from.a, -1}, pair{-1, from.b})
		}
		from = pair{from.a + 1, from.b + 1}
	}
	return append(pairs, alone(from, to)...)
}

// alone is the steps of both ranges, each without a partner.
func alone(from, to pair) []pair {
	var pairs []pair
	for i := from.a; i < to.a; i++ {
		pairs = append(pairs, pair{i, -1})
	}
	for j := from.b; j < to.b; j++ {
		pairs = append(pairs, pair{-1, j})
	}
	return pairs
}

// score is what it is worth that two steps belong together, 0 for never.
func (al *aligner) score(i, j int) int {
	s, t := al.a[i], al.b[j]
	switch {
	case al.x[i] == al.y[j]:
		return equalScore
	case s.Type != t.Type || s.Assembler != t.Assembler:
		return 0
	}
	if !al.careful {
		return typeScore
	}
	return typeScore + alikeScore*alike(al.says(s), al.says(t))/100
}

// says is what a step says, by the top keys of its options and its inputs.
func (al *aligner) says(s *Step) map[string]string {
	if said, ok := al.said[s]; ok {
		return said
	}
	said := map[string]string{}
	for _, m := range value(s.Options).Members() {
		said[m.Key] = m.Value.String()
	}
	for _, in := range s.Inputs {
		said["\x00"+in.Name] = inputValue(in).String()
	}
	al.said[s] = said
	return said
}

// alike is how much of two steps is the same, in percent.
func alike(x, y map[string]string) int {
	same := 0
	for key, v := range x {
		if w, ok := y[key]; ok && w == v {
			same++
		}
	}
	if most := max(len(x), len(y)); most > 0 {
		return 100 * same / most
	}
	return 100
}
