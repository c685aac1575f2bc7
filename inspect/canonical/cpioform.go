package canonical

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// write puts the members into the form, by path; those of one path keep their
// order, for the last one wins.
func (u *unpacking) write(f *form) error {
	if err := u.joinLinks(); err != nil {
		return err
	}
	for _, format := range u.formats {
		f.fact("compressed", format)
	}
	slices.SortStableFunc(u.members, func(a, b cpioMember) int { return cmp.Compare(a.path, b.path) })
	for i := range u.members {
		f.part(u.members[i].path, u.members[i].form())
	}
	return nil
}

// joinLinks gives every name of a file the file's content: the archive holds
// it at one of them, with the size of 0 at the others.
// The last of them decides on the owner and mode of all.
func (u *unpacking) joinLinks() error {
	type key struct {
		archive int
		inode   [3]uint64
	}
	groups := map[key][]int{}
	for i, m := range u.members {
		if m.links > 1 && m.kind() == cpioFile {
			k := key{m.archive, m.inode}
			groups[k] = append(groups[k], i)
		}
	}
	for _, g := range groups {
		var names, contents []string
		first := u.members[g[0]]
		for _, i := range g {
			if m := u.members[i]; m.mode != first.mode || m.uid != first.uid || m.gid != first.gid {
				return malformed("%s and %s are one file with two owners or modes", report.Raw(first.path), report.Raw(m.path))
			}
			names = append(names, fmt.Sprintf("%q", u.members[i].path))
			if u.members[i].size > 0 {
				contents = append(contents, u.members[i].meaning.digest)
			}
		}
		slices.Sort(names)
		for _, i := range g {
			u.members[i].meaning.digest = strings.Join(contents, " ") + " linked " + strings.Join(names, " ")
			if len(g) == 1 {
				u.members[i].meaning.digest = strings.Join(contents, " ")
			}
		}
	}
	return nil
}

// form is the digest of what the kernel makes of one member.
func (m *cpioMember) form() string {
	h := sha256.New()
	fmt.Fprintf(h, "%o %d %d %q", m.mode, m.uid, m.gid, m.meaning.digest)
	if kind := m.kind(); kind == 0o020000 || kind == 0o060000 {
		fmt.Fprintf(h, " device %s", m.device)
	}
	if m.sum != "" {
		fmt.Fprint(h, " sum ", m.sum)
	}
	if m.orphan {
		fmt.Fprint(h, " without its directory")
	}
	if m.early && (m.path == "/kernel" || strings.HasPrefix(m.path, "/kernel/")) {
		fmt.Fprintf(h, " early %q", m.name)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// A counter counts what is read since the start of an archive, to which the
// paddings relate.
type counter struct {
	r *bufio.Reader
	n int64
}

// ReadByte makes decompressors read no more than they need.
func (c *counter) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// align skips the padding to a multiple of four.
func (c *counter) align() error {
	for c.n%4 != 0 {
		b, err := c.r.ReadByte()
		if err != nil {
			return noEOF(err)
		}
		c.n++
		if b != 0 {
			return malformed("padding holds %#02x", b)
		}
	}
	return nil
}

// skipZeros goes to the next byte that is not zero, and counts.
func (c *counter) skipZeros() (int64, error) {
	for n := int64(0); ; n++ {
		b, err := c.r.ReadByte()
		if err != nil {
			return n, err
		}
		if b != 0 {
			return n, c.r.UnreadByte()
		}
		c.n++
	}
}
