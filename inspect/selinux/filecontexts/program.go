package filecontexts

import (
	"errors"
	"slices"
	"sync"
)

// The bounds of what expressions compile to, in instructions. The 1,400 expressions
// of Debian's policy make 30,000, the 5,000 of Fedora's 120,000.
const (
	maxSpecCode = 20_000
	maxCode     = 2_000_000
)

// errTooLarge says that an expression repeats too much.
var errTooLarge = errors.New("expression repeats too much")

// A code is what an instruction does.
type code uint8

const (
	codeByte  code = iota // takes the byte b
	codeSet               // takes a byte of sets[arg]
	codeSplit             // goes on at next and at arg
	codeBegin             // holds before the first byte
	codeEnd               // holds after the last byte
	codeMatch             // specs[arg] matches
)

// An inst is an instruction of a nondeterministic automaton.
type inst struct {
	code      code
	b         byte
	next, arg int32
}

// A program is the automaton of many expressions: those of one stem.
type program struct {
	insts  []inst
	sets   []byteSet
	specs  []*Spec
	starts []int32
	// classes gives bytes that no instruction tells apart the same number.
	// They are made once, when the first path comes.
	classes [256]uint8
	count   int
	once    sync.Once
}

// A compiler adds one expression to a program, from its end to its start.
type compiler struct {
	*program
	// steps counts the nodes that were compiled: a repetition of nothing makes
	// no instruction.
	steps int
	limit int
}

// add compiles the expression of a line into the program.
func (p *program) add(s *Spec) error {
	before := len(p.insts)
	c := compiler{program: p, limit: before + maxSpecCode}
	match := c.emit(inst{code: codeMatch, arg: int32(len(p.specs))})
	n := s.node
	start, err := c.compile(n, match)
	if err != nil {
		p.insts = p.insts[:before]
		return err
	}
	// With alternatives outside of any group, only the first is tied to the
	// start: the others may match anywhere.
	if n.op == opAlt {
		split := c.emit(inst{code: codeSplit, arg: start})
		p.insts[split].next = c.emitSet(anyByte(), split)
		start = split
	}
	p.specs = append(p.specs, s)
	p.starts = append(p.starts, start)
	return nil
}

func (c *compiler) emit(i inst) int32 {
	c.insts = append(c.insts, i)
	return int32(len(c.insts) - 1)
}

func (c *compiler) emitSet(set byteSet, next int32) int32 {
	if b, ok := set.single(); ok {
		return c.emit(inst{code: codeByte, b: b, next: next})
	}
	at := slices.Index(c.sets, set)
	if at < 0 {
		at = len(c.sets)
		c.sets = append(c.sets, set)
	}
	return c.emit(inst{code: codeSet, arg: int32(at), next: next})
}

// compile gives the instruction that n starts with when next follows it.
func (c *compiler) compile(n *node, next int32) (int32, error) {
	if c.steps++; c.steps > maxSpecCode || len(c.insts) > c.limit {
		return 0, errTooLarge
	}
	switch n.op {
	case opText:
		for i := len(n.text) - 1; i >= 0; i-- {
			next = c.emit(inst{code: codeByte, b: n.text[i], next: next})
		}
		return next, nil
	case opSet:
		return c.emitSet(*n.set, next), nil
	case opBegin:
		return c.emit(inst{code: codeBegin, next: next}), nil
	case opEnd:
		return c.emit(inst{code: codeEnd, next: next}), nil
	case opRepeat:
		return c.repeat(n, next)
	case opAlt:
		return c.alternatives(n, next)
	}
	var err error
	for i := len(n.subs) - 1; i >= 0 && err == nil; i-- {
		next, err = c.compile(n.subs[i], next)
	}
	return next, err
}

func (c *compiler) alternatives(n *node, next int32) (int32, error) {
	start, err := c.compile(n.subs[len(n.subs)-1], next)
	for i := len(n.subs) - 2; i >= 0 && err == nil; i-- {
		var first int32
		first, err = c.compile(n.subs[i], next)
		start = c.emit(inst{code: codeSplit, next: first, arg: start})
	}
	return start, err
}

// repeat compiles the optional part first, since it stands last.
func (c *compiler) repeat(n *node, next int32) (int32, error) {
	var err error
	if n.hi < 0 {
		loop := c.emit(inst{code: codeSplit, arg: next})
		c.insts[loop].next, err = c.compile(n.subs[0], loop)
		next = loop
	}
	for end, i := next, n.lo; i < n.hi && err == nil; i++ {
		var body int32
		body, err = c.compile(n.subs[0], next)
		next = c.emit(inst{code: codeSplit, next: body, arg: end})
	}
	for i := 0; i < n.lo && err == nil; i++ {
		next, err = c.compile(n.subs[0], next)
	}
	return next, err
}

// finish numbers the classes of bytes: each byte that is taken by itself has its
// own, and of the others those are together that are in the same sets.
func (p *program) finish() {
	var taken byteSet
	for _, i := range p.insts {
		if i.code == codeByte {
			taken.add(i.b)
		}
	}
	for _, set := range p.sets {
		p.split(func(c byte) int {
			if set.has(c) {
				return 1
			}
			return 0
		})
	}
	p.count = p.split(func(c byte) int {
		if taken.has(c) {
			return 1 + int(c)
		}
		return 0
	})
}

// split parts the classes by what key gives for their bytes, and tells how many there are.
func (p *program) split(key func(byte) int) int {
	type part struct {
		class uint8
		key   int
	}
	renamed := map[part]uint8{}
	for c := range p.classes {
		is := part{p.classes[c], key(byte(c))}
		name, ok := renamed[is]
		if !ok {
			name = uint8(len(renamed))
			renamed[is] = name
		}
		p.classes[c] = name
	}
	return len(renamed)
}
