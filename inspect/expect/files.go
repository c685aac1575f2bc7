package expect

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/assay-os/assay/report"
)

func (e *Expectation) checkFiles(c *checker) {
	for _, name := range sortedKeys(e.Files) {
		e.Files[name].check(c, name)
	}
}

func (f FileFacts) check(c *checker, name string) {
	expected := "files." + name
	_, x := c.Resolve(name, false) // so that /bin/x is /usr/bin/x where /bin leads there
	if x == nil {
		if c.known(expected, "files") {
			off := ""
			if f.Exists == nil || *f.Exists {
				off = "it is not there"
			}
			c.say(expected, off)
		}
		return
	}
	if f.Exists != nil && !*f.Exists {
		c.say(expected, "it is there")
		return
	}
	if f.SHA256 != "" && x.SHA256 == "" && x.Type == report.File && !c.known(expected, "files") {
		return
	}
	off := f.compare(x)
	for _, what := range off {
		c.say(expected, what)
	}
	if off == nil {
		c.say(expected, "")
	}
}

// compare says of each fact that is another what it is.
func (f FileFacts) compare(x *report.Entry) []string {
	var off []string
	for _, fact := range []struct{ name, want, got string }{
		{"type", f.Type, string(x.Type)}, {"mode", octal(f.Mode), fmt.Sprintf("%04o", uint32(x.Mode))},
		{"owner", f.Owner, owner(f.Owner, x.User, x.UID)}, {"group", f.Group, owner(f.Group, x.Group, x.GID)},
		{"sha256", strings.ToLower(f.SHA256), x.SHA256}, {"target", f.Target, x.Target.String()}, {"label", f.Label, x.SELinux}, {"package", f.Package, x.Package},
	} {
		if fact.want != "" && fact.want != fact.got {
			off = append(off, fact.name+": "+differs(fact.want, fact.got))
		}
	}
	return off
}

// octal is a mode in four digits; validate has checked it.
func octal(s string) string {
	if s == "" {
		return ""
	}
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil {
		return s
	}
	return fmt.Sprintf("%04o", n)
}

// owner is the name or the number, whichever is asked for.
func owner(want, name string, number uint32) string {
	if _, err := strconv.ParseUint(want, 10, 32); err == nil || name == "" {
		return strconv.FormatUint(uint64(number), 10)
	}
	return name
}

func (e *Expectation) checkSize(c *checker) {
	if e.Size == nil {
		return
	}
	if most := int64(e.Size.Disk); most > 0 && c.Disk != nil {
		c.say("size.disk", above(c.Disk.Size, most))
	} else if most > 0 {
		c.say("size.disk", "it is no disk")
	}
	if most := int64(e.Size.Tree); most > 0 && c.known("size.tree", "files") {
		c.say("size.tree", above(c.bytes(), most))
	}
	if most := e.Size.Files; most > 0 && c.known("size.files", "files") {
		off := ""
		if n := len(c.Files); n > most {
			off = fmt.Sprintf("%d files, not %d at most", n, most)
		}
		c.say("size.files", off)
	}
}

// bytes are those of all contents, one with several names once.
func (c *checker) bytes() int64 {
	var n int64
	for i := range c.Files {
		if x := &c.Files[i]; x.Type == report.File && (x.Hardlink == "" || x.Hardlink == x.Path) {
			n += x.Size
		}
	}
	return n
}

func above(n, most int64) string {
	if n <= most {
		return ""
	}
	return fmt.Sprintf("%d bytes, %d more than %d", n, n-most, most)
}
