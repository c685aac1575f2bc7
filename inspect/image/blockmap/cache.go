package blockmap

import "sync"

// A Key is the place of a compressed block.
type Key struct {
	Medium int
	Offset int64
}

// A Cache keeps the blocks that were decompressed last; a reader comes back
// for the rest of each. The zero value is empty; it may be used concurrently.
type Cache struct {
	mu    sync.Mutex
	data  map[Key][]byte
	order []Key
	bytes int
}

// cacheBytes bounds a cache.
const cacheBytes = 16 << 20

// Get gives a block, which nobody may change, or nil.
func (c *Cache) Get(key Key) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.data[key]
}

// Put keeps a block, and forgets the oldest where that is too much.
func (c *Cache) Put(key Key, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.data == nil {
		c.data = map[Key][]byte{}
	}
	if _, ok := c.data[key]; ok {
		return
	}
	for len(c.order) > 0 && c.bytes+len(b) > cacheBytes {
		c.bytes -= len(c.data[c.order[0]])
		delete(c.data, c.order[0])
		c.order = append(c.order[:0], c.order[1:]...)
	}
	c.data[key] = b
	c.order = append(c.order, key)
	c.bytes += len(b)
}
