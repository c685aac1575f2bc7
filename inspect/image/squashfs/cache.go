package squashfs

import (
	"container/list"
	"sync"
)

// The bounds of what is kept unpacked, in bytes.
const (
	metaCache = 16 << 20
	dataCache = 16 << 20
)

// A place is where a block lies, with the word that says how.
type place struct {
	at   int64
	word uint32
}

// A cache keeps what was unpacked last, by its place on the device. Two that
// want the same unpack it once.
type cache struct {
	limit int64

	mu      sync.Mutex
	entries map[place]*entry
	recent  *list.List // of *entry, the last used in front
	held    int64
}

// An entry is one unpacked block.
type entry struct {
	once sync.Once
	at   place
	data []byte
	// next is where the block after it starts.
	next int64
	err  error

	element *list.Element // nil until it counts
}

func newCache(limit int64) *cache {
	return &cache{limit: limit, entries: map[place]*entry{}, recent: list.New()}
}

// get is the block at a place, which load makes where it is not there. The
// data is shared: nobody changes it.
func (c *cache) get(at place, load func() (data []byte, next int64, err error)) ([]byte, int64, error) {
	c.mu.Lock()
	e, ok := c.entries[at]
	if !ok {
		e = &entry{at: at}
		c.entries[at] = e
	}
	if e.element != nil {
		c.recent.MoveToFront(e.element)
	}
	c.mu.Unlock()
	e.once.Do(func() {
		e.data, e.next, e.err = load()
		c.settle(e)
	})
	return e.data, e.next, e.err
}

// settle counts a block that was made, and lets go of the oldest. An error is
// not kept.
func (c *cache) settle(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.err != nil {
		delete(c.entries, e.at)
		return
	}
	e.element = c.recent.PushFront(e)
	c.held += int64(len(e.data))
	for c.held > c.limit && c.recent.Len() > 1 {
		last := c.recent.Back()
		old := c.recent.Remove(last).(*entry)
		delete(c.entries, old.at)
		c.held -= int64(len(old.data))
	}
}
