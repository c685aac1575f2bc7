package inspect

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/assay-os/assay/inspect/tree"
)

// A HashCache remembers the digests of contents from one inspection to the
// next. It believes a filesystem that a file whose change time, generation and
// size are as they were has the same content: whoever writes to the image behind
// the filesystem's back, or makes a second one with the same UUID, is believed,
// too. A proof does not use it.
type HashCache struct {
	mu     sync.Mutex
	known  map[string]string
	used   map[string]string
	filled map[string]bool // filesystems of this inspection
}

// cacheLine is one line of the cache's file.
type cacheLine struct {
	Key    string `json:"key"`
	SHA256 string `json:"sha256"`
}

// NewHashCache is an empty cache.
func NewHashCache() *HashCache {
	return &HashCache{known: map[string]string{}, used: map[string]string{}, filled: map[string]bool{}}
}

// Read adds what an earlier inspection wrote.
func (c *HashCache) Read(r io.Reader) error {
	d := json.NewDecoder(r)
	for n := 1; ; n++ {
		var line cacheLine
		err := d.Decode(&line)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if sum, bad := hex.DecodeString(line.SHA256); err != nil || bad != nil || len(sum) != sha256.Size {
			return fmt.Errorf("it is no hash cache, or a broken one: entry %d is no digest; name another file", n)
		}
		c.known[line.Key] = line.SHA256
	}
}

// Write writes what this inspection has seen, and what others have of other
// filesystems, sorted.
func (c *HashCache) Write(w io.Writer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lines []cacheLine
	for key, sum := range c.known {
		if !c.filled[filesystemOf(key)] {
			lines = append(lines, cacheLine{key, sum})
		}
	}
	for key, sum := range c.used {
		lines = append(lines, cacheLine{key, sum})
	}
	slices.SortFunc(lines, func(a, b cacheLine) int { return strings.Compare(a.Key, b.Key) })
	buf := bufio.NewWriter(w)
	e := json.NewEncoder(buf)
	for _, line := range lines {
		if err := e.Encode(line); err != nil {
			return fmt.Errorf("write hash cache: %w", err)
		}
	}
	return buf.Flush()
}

func (c *HashCache) get(key string) (string, bool) {
	if c == nil || key == "" {
		return "", false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	sum, ok := c.known[key]
	return sum, ok
}

func (c *HashCache) put(key, sum string) {
	if c == nil || key == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used[key] = sum
	c.filled[filesystemOf(key)] = true
}

// filesystemOf is the part of a key that names the filesystem.
func filesystemOf(key string) string {
	uuid, _, _ := strings.Cut(key, "/")
	return uuid
}

// cacheKey names the state of a file's content; it is empty where the file
// cannot be told from a later state of itself.
func (in *inspection) cacheKey(f *tree.File) string {
	uuid := in.volumes[f.Volume].Filesystem.UUID
	if in.HashCache == nil || uuid == "" || f.Node.Version == [2]uint64{} || f.Node.Inode == 0 {
		return ""
	}
	return fmt.Sprintf("%s/%d/%x/%x/%d", uuid, f.Node.Inode, f.Node.Version[0], f.Node.Version[1], f.Node.Size)
}
