package filecontexts

import (
	"strings"
)

// matching gives paths that the expression matches: one that takes the least
// of each part, and variants that take more and other alternatives.
func matching(regex string, variants int) []string {
	n, err := parseAnchored(regex)
	if err != nil {
		return nil
	}
	var list []string
	for v := range variants {
		g := generator{variant: v}
		g.write(n)
		if path := g.out.String(); strings.HasPrefix(path, "/") && len(path) < 4000 {
			list = append(list, path)
		}
	}
	return list
}

type generator struct {
	out     strings.Builder
	variant int
	turn    int
}

// choose gives a number below n that depends on the variant and the place.
func (g *generator) choose(n int) int {
	g.turn++
	return g.variant * (g.turn*7 + 3) % n
}

func (g *generator) write(n *node) {
	switch n.op {
	case opText:
		g.out.WriteString(n.text)
	case opSet:
		g.out.WriteByte(g.member(*n.set))
	case opAlt:
		g.write(n.subs[g.choose(len(n.subs))])
	case opSeq:
		for _, sub := range n.subs {
			g.write(sub)
		}
	case opRepeat:
		times := n.lo
		if n.hi < 0 {
			times += g.choose(3)
		} else {
			times += g.choose(n.hi - n.lo + 1)
		}
		for range times {
			g.write(n.subs[0])
		}
	}
}

// member gives a byte of the set, a common one if there is one.
func (g *generator) member(set byteSet) byte {
	common := "x1a/.-_ZB7\n\xe9"
	if g.variant%2 == 1 {
		common = "b9/.k\n"
	}
	for i := range common {
		if c := common[(i+g.variant/2)%len(common)]; set.has(c) {
			return c
		}
	}
	for c := range 255 {
		if set.has(byte(c + 1)) {
			return byte(c + 1)
		}
	}
	return 'x'
}
