package packages

import (
	"fmt"
	"path"
	"strings"

	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// claims tell which package a file belongs to. Packages name /bin/x where the
// tree has /usr/bin/x, so directories are looked up as the image would, each
// once.
type claims struct {
	t *tree.Tree
	// names are the packages'; owner is, for each file of the tree, the number of the
	// first that lists it, counted from 1.
	names []string
	owner []int32
	// times is how many packages list the file, up to 255.
	times []uint8
	// dirs are the true paths of directories, "" for one that leads nowhere.
	dirs map[string]string
	// at is where the last name was found: the next one is near by.
	at int
	// key is the path that is searched for.
	key []byte
}

func newClaims(t *tree.Tree) *claims {
	return &claims{t: t, dirs: map[string]string{}, owner: make([]int32, len(t.Files)), times: make([]uint8, len(t.Files))}
}

// newPackage begins another package.
func (c *claims) newPackage(name string) { c.names = append(c.names, name) }

// claim says that the package which began last lists name, and gives the file, nil
// when it is not there.
func (c *claims) claim(name string) (*tree.File, error) {
	i, err := c.find(name)
	if err != nil || i < 0 {
		return nil, err
	}
	c.take(i)
	return &c.t.Files[i], nil
}

func (c *claims) take(i int) {
	if c.owner[i] == 0 {
		c.owner[i] = int32(len(c.names))
	}
	if c.times[i] < 255 {
		c.times[i]++
	}
}

// find is the index of what name names, a link at its end not followed; -1 when
// there is nothing.
func (c *claims) find(name string) (int, error) {
	if !strings.HasPrefix(name, "/") {
		return -1, fmt.Errorf("%.60q is not an absolute path", name)
	}
	if name != "/" && strings.HasSuffix(name, "/") {
		name = strings.TrimRight(name, "/")
	}
	slash := strings.LastIndexByte(name, '/')
	return c.in(c.dir(name[:slash]), name[slash+1:]), nil
}

// in is the index of a name in a directory that dir gave.
func (c *claims) in(dir, base string) int {
	if dir == "" {
		return -1
	}
	c.key = append(c.key[:0], dir...)
	if base == "" || base == "." || base == ".." {
		c.key = append(c.key[:0], path.Clean(dir+"/"+base)...)
	} else {
		if dir != "/" {
			c.key = append(c.key, '/')
		}
		c.key = append(c.key, base...)
	}
	return c.search()
}

// dir is the true path of the directory that name leads to, "" where it leads nowhere.
func (c *claims) dir(name string) string {
	name = strings.TrimRight(name, "/")
	if name == "" {
		return "/"
	}
	dir, known := c.dirs[name]
	if !known {
		if f, err := c.t.Lookup(name); err == nil && f.Node.Type == report.Directory {
			dir = f.Path
		}
		c.dirs[name] = dir
	}
	return dir
}

// search finds the key, a clean path, near the last one that was found, at a distance that
// doubles: lists of files are sorted, more or less, as the tree is.
func (c *claims) search() int {
	files := c.t.Files
	if len(files) == 0 {
		return -1
	}
	low, high, step := c.at, c.at, 1
	for low > 0 && files[low].Path > string(c.key) {
		high, low, step = low, max(0, low-step), 2*step
	}
	for step = 1; high < len(files) && files[high].Path < string(c.key); step *= 2 {
		low, high = high, min(len(files), high+step)
	}
	for low < high {
		middle := int(uint(low+high) >> 1)
		if files[middle].Path < string(c.key) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	c.at = min(low, len(files)-1)
	if files[c.at].Path != string(c.key) {
		return -1
	}
	return c.at
}

// mark writes the owners into the nodes. Directories have many, and get none.
func (c *claims) mark() {
	for i, n := range c.owner {
		if n > 0 && c.t.Files[i].Node.Type != report.Directory {
			c.t.Files[i].Node.Package = c.names[n-1]
		}
	}
}
