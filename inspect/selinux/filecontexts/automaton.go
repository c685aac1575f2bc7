package filecontexts

import (
	"encoding/binary"
	"slices"
	"strings"
)

// The bounds of looking up. The memory holds the states of all automata of a
// Matcher, which are forgotten and made again when it is full; the work is
// counted in visits of instructions, of which 100,000 paths of a real system
// take less than a fiftieth.
const (
	maxStateMemory = 64 << 20
	maxWork        = 100_000_000
)

// A budget is what the automata of one Matcher share.
type budget struct {
	memory int
	work   int
	// forget empties all of them.
	forget func()
}

// An automaton runs a program on paths. Its states are sets of instructions, made
// when a path first comes to them.
type automaton struct {
	*program
	budget *budget
	start  *state
	states map[string]*state
	// seen marks the instructions of the set that is being made with its number.
	seen  []uint32
	mark  uint32
	set   []int32
	stack []int32
	key   []byte
	// last is the path that was run before, as far as it went, and trail the
	// state before each of its bytes and after all: paths mostly come sorted,
	// and go on from where they differ.
	last  string
	trail []*state
}

// A state is a set of instructions that the automaton can be at.
type state struct {
	insts []int32
	// next is the state after a byte of each class; nil where no path went yet.
	next []*state
	// best is, for each kind, 1 + the index of the line that counts when the path
	// ends here; 0 for none. It is made when a path first ends here.
	best     [kinds]int32
	bestMade bool
}

func newAutomaton(p *program, b *budget) *automaton {
	a := &automaton{program: p, budget: b, seen: make([]uint32, len(p.insts)), states: map[string]*state{}}
	p.once.Do(p.finish)
	return a
}

// run gives the line of the highest order that matches path and holds for k, or
// nil. Its answer counts only as long as the budget's work does.
func (a *automaton) run(path string, k kind) *Spec {
	if a.start == nil {
		a.open()
		for _, pc := range a.starts {
			a.follow(pc, true, false)
		}
		a.start = a.close()
		a.last, a.trail = "", append(a.trail[:0], a.start)
	}
	at := commonPrefix(a.last, path)
	a.trail = a.trail[:at+1]
	s := a.trail[at]
	for ; at < len(path) && len(s.insts) > 0; at++ {
		class := a.classes[path[at]]
		next := s.next[class]
		if next == nil {
			if a.budget.work > maxWork {
				a.last, a.trail = "", a.trail[:1]
				return nil
			}
			next = a.step(s, path[at])
			s.next[class] = next
		}
		s = next
		a.trail = append(a.trail, s)
	}
	a.last = path[:at]
	if at < len(path) {
		return nil
	}
	found := a.best(s, k)
	// A dollar holds before a newline at the end, too.
	if strings.HasSuffix(path, "\n") {
		if before := a.best(a.trail[at-1], k); found == nil || before != nil && before.order > found.order {
			return before
		}
	}
	return found
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// step makes the state that follows s after the byte c.
func (a *automaton) step(s *state, c byte) *state {
	a.open()
	for _, pc := range s.insts {
		switch i := &a.insts[pc]; i.code {
		case codeByte:
			if i.b == c {
				a.follow(i.next, false, false)
			}
		case codeSet:
			if a.sets[i.arg].has(c) {
				a.follow(i.next, false, false)
			}
		case codeMatch:
			// Nothing has to match up to the end but what says so.
			a.follow(pc, false, false)
		}
	}
	a.budget.work += len(s.insts)
	if a.budget.memory > maxStateMemory {
		a.budget.forget()
	}
	return a.close()
}

func (a *automaton) open() {
	a.set = a.set[:0]
	a.mark++
}

// follow adds pc to the set, and what is reached from it without taking a byte.
func (a *automaton) follow(pc int32, begin, end bool) {
	a.stack = append(a.stack[:0], pc)
	for len(a.stack) > 0 {
		pc := a.stack[len(a.stack)-1]
		a.stack = a.stack[:len(a.stack)-1]
		if a.seen[pc] == a.mark {
			continue
		}
		a.seen[pc] = a.mark
		a.budget.work++
		switch i := &a.insts[pc]; i.code {
		case codeSplit:
			a.stack = append(a.stack, i.arg, i.next)
		case codeBegin:
			if begin {
				a.stack = append(a.stack, i.next)
			}
		case codeEnd:
			if end {
				a.stack = append(a.stack, i.next)
			}
			a.set = append(a.set, pc)
		default:
			a.set = append(a.set, pc)
		}
	}
}

// close gives the state of the set.
func (a *automaton) close() *state {
	slices.Sort(a.set)
	a.key = a.key[:0]
	for _, pc := range a.set {
		a.key = binary.LittleEndian.AppendUint32(a.key, uint32(pc))
	}
	if s, ok := a.states[string(a.key)]; ok {
		return s
	}
	s := &state{insts: slices.Clone(a.set)}
	if len(s.insts) > 0 {
		s.next = make([]*state, a.count)
	}
	a.states[string(a.key)] = s
	a.budget.memory += 8*len(s.insts) + 8*len(s.next) + 200
	return s
}

// best gives the line of the highest order that matches where s is the end.
func (a *automaton) best(s *state, k kind) *Spec {
	if !s.bestMade {
		a.judge(s)
	}
	if s.best[k] == 0 {
		return nil
	}
	return a.specs[s.best[k]-1]
}

func (a *automaton) judge(s *state) {
	a.open()
	for _, pc := range s.insts {
		if code := a.insts[pc].code; code == codeEnd || code == codeMatch {
			a.follow(pc, false, true)
		}
	}
	for _, pc := range a.set {
		i := &a.insts[pc]
		if i.code != codeMatch {
			continue
		}
		spec := a.specs[i.arg]
		for k := range kind(kinds) {
			if !spec.matchesKind(k) {
				continue
			}
			if s.best[k] == 0 || a.specs[s.best[k]-1].order < spec.order {
				s.best[k] = 1 + i.arg
			}
		}
	}
	s.bestMade = true
}

// forget lets go of all states.
func (a *automaton) forget() {
	a.start = nil
	clear(a.states)
	a.last = ""
}
