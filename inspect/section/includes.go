package section

import (
	"fmt"
	"slices"
)

// The bounds of what one configuration includes: how deep files may include each
// other, and how many may be read in all; all together have at most [MaxTable] bytes.
const (
	MaxIncludeDepth = 32
	MaxIncludes     = 4096
)

// Includes are the files that a configuration is made of while it is read. The zero
// value is ready.
type Includes struct {
	open  []string
	read  int
	size  int64
	asked int
}

// Enter begins a file, by its path in the tree and its size. An error says why it must not be
// read: it includes itself, or there are too many, or too much in them. Otherwise
// [Includes.Leave] ends it.
func (i *Includes) Enter(path string, size int64) error {
	switch {
	case slices.Contains(i.open, path):
		return fmt.Errorf("%s includes itself", path)
	case len(i.open) >= MaxIncludeDepth:
		return fmt.Errorf("%s: files include each other more than %d deep", path, MaxIncludeDepth)
	case i.read >= MaxIncludes:
		return fmt.Errorf("%s: more than %d files are included", path, MaxIncludes)
	case size > MaxTable-i.size:
		return fmt.Errorf("%s: all files that are included have more than %d bytes", path, MaxTable)
	}
	i.size += size
	i.open = append(i.open, path)
	i.read++
	return nil
}

// Ask counts one statement that includes, whatever it matches. Beyond [MaxIncludes] of them
// the error says so, and the statement must not be looked up.
func (i *Includes) Ask() error {
	if i.asked++; i.asked > MaxIncludes {
		return fmt.Errorf("more than %d lines include files", MaxIncludes)
	}
	return nil
}

// Leave ends the file that was entered last.
func (i *Includes) Leave() { i.open = i.open[:len(i.open)-1] }
