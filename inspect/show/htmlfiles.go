package show

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/assay-os/assay/report"
)

// htmlFact is what many entries have in common; each combination stands once in
// the page.
type htmlFact struct {
	Type         report.Type `json:"type"`
	Mode         string      `json:"mode"`
	UID          uint32      `json:"uid"`
	GID          uint32      `json:"gid"`
	User         string      `json:"user,omitempty"`
	Group        string      `json:"group,omitempty"`
	Package      string      `json:"package,omitempty"`
	SELinux      string      `json:"selinux,omitempty"`
	Capabilities string      `json:"capabilities,omitempty"`
	// Hashed: the next digest of the column is the entry's.
	Hashed bool `json:"hashed,omitempty"`
}

// htmlMore is what few entries have.
type htmlMore struct {
	Hardlink   report.Raw            `json:"hardlink,omitempty"`
	ACL        string                `json:"acl,omitempty"`
	DefaultACL string                `json:"default_acl,omitempty"`
	Project    uint32                `json:"project,omitempty"`
	Attributes string                `json:"attributes,omitempty"`
	Holes      int64                 `json:"holes,omitempty"`
	Canonical  string                `json:"canonical,omitempty"`
	Roles      string                `json:"roles,omitempty"`
	Xattrs     map[string]report.Raw `json:"xattrs,omitempty"`
}

func factOf(e *report.Entry) htmlFact {
	return htmlFact{
		e.Type, e.Mode.String(), e.UID, e.GID, e.User, e.Group, e.Package, e.SELinux, e.Capabilities, len(digestOf(e)) > 0,
	}
}

// digestOf is the digest's bytes, none where there is no digest.
func digestOf(e *report.Entry) []byte {
	b, err := hex.DecodeString(e.SHA256)
	if err != nil || len(b) != 32 {
		return nil
	}
	return b
}

func moreOf(e *report.Entry) (m htmlMore, any bool) {
	m = htmlMore{
		Hardlink: e.Hardlink, ACL: e.ACL, DefaultACL: e.DefaultACL, Project: e.Project, Attributes: e.Attributes, Holes: e.Holes,
		Canonical: canonicalOf(e.Canonical), Roles: canonicalOf(e.Roles),
	}
	for name, value := range e.Xattrs {
		switch name { // those that other facts decode
		case "security.selinux", "security.capability", "system.posix_acl_access", "system.posix_acl_default":
		default:
			if m.Xattrs == nil {
				m.Xattrs = map[string]report.Raw{}
			}
			m.Xattrs[name] = value
		}
	}
	any = m.Xattrs != nil || m.Hardlink != "" || m.ACL != "" || m.DefaultACL != "" || m.Project != 0 || m.Attributes != "" || m.Holes != 0 || m.Canonical != "" || m.Roles != ""
	return m, any
}

func canonicalOf(c *report.Canonical) string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%s %d: %s", c.Rule, c.Version, c.Digest)
}

// htmlColumns writes the entries as columns: compact, and none of them in
// memory a second time.
type htmlColumns struct {
	w     *bufio.Writer
	files []report.Entry
	err   error
}

func columnsHTML(w *bufio.Writer, files []report.Entry) error {
	c := &htmlColumns{w: w, files: files}
	parents := c.parents()
	facts, index := c.facts()
	c.column(`{"names":[`, func(i int) any {
		if p := files[i].Path.String(); parents[i] < 0 {
			return p
		}
		return files[i].Path.String()[len(strings.TrimSuffix(files[parents[i]].Path.String(), "/"))+1:]
	})
	c.column(`],"parents":[`, func(i int) any { return parents[i] })
	c.column(`],"fact":[`, func(i int) any { return index[i] })
	c.column(`],"sizes":[`, func(i int) any { return files[i].Size })
	c.column(`],"times":[`, func(i int) any { return timeOf(files[i].Mtime) })
	c.text(`],"facts":`)
	c.value(facts)
	c.text(`,"digests":"`)
	c.digests()
	c.text(`","targets":{`)
	c.sparse(func(e *report.Entry) (any, bool) {
		return e.Target.String() + e.Device, e.Target != "" || e.Device != ""
	})
	c.text(`},"more":{`)
	c.sparse(func(e *report.Entry) (any, bool) { return moreOf(e) })
	c.text(`}}`)
	return c.err
}

// parents are the positions of the directories that entries lie in, -1 for those
// whose directory is not in the list. The list is sorted, so each is behind its parent.
func (c *htmlColumns) parents() []int32 {
	dirs, out := map[report.Raw]int32{}, make([]int32, len(c.files))
	for i := range c.files {
		e := &c.files[i]
		if at, ok := dirs[report.Raw(path.Dir(string(e.Path)))]; ok {
			out[i] = at
		} else {
			out[i] = -1
		}
		if e.Type == report.Directory {
			dirs[e.Path] = int32(i)
		}
	}
	return out
}

// facts are the combinations, and the position of each entry's.
func (c *htmlColumns) facts() (list []htmlFact, index []int32) {
	seen := map[htmlFact]int32{}
	index = make([]int32, len(c.files))
	for i := range c.files {
		f := factOf(&c.files[i])
		at, ok := seen[f]
		if !ok {
			at = int32(len(list))
			seen[f], list = at, append(list, f)
		}
		index[i] = at
	}
	return list, index
}

// timeOf is a number of seconds, or a text where there are fractions.
func timeOf(t time.Time) any {
	if t.Nanosecond() == 0 {
		return t.Unix()
	}
	return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())
}

func (c *htmlColumns) text(s string) {
	if _, err := c.w.WriteString(s); err != nil && c.err == nil {
		c.err = err
	}
}

func (c *htmlColumns) value(v any) {
	if n, ok := v.(int32); ok {
		c.text(strconv.Itoa(int(n)))
		return
	}
	if err := island(c.w, v); err != nil && c.err == nil {
		c.err = err
	}
}

func (c *htmlColumns) column(head string, value func(int) any) {
	c.text(head)
	for i := range c.files {
		if i > 0 {
			c.text(",")
		}
		c.value(value(i))
	}
}

func (c *htmlColumns) digests() {
	e := base64.NewEncoder(base64.StdEncoding, c.w)
	for i := range c.files {
		if _, err := e.Write(digestOf(&c.files[i])); err != nil && c.err == nil {
			c.err = err
		}
	}
	if err := e.Close(); err != nil && c.err == nil {
		c.err = err
	}
}

// sparse writes an object of the entries that have the value.
func (c *htmlColumns) sparse(value func(*report.Entry) (any, bool)) {
	before := `"`
	for i := range c.files {
		if v, ok := value(&c.files[i]); ok {
			c.text(before + strconv.Itoa(i) + `":`)
			c.value(v)
			before = `,"`
		}
	}
}
