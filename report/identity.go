package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Identities are the identifiers of one disk with what each identifies: its
// role, such as "filesystem of partition 2". Two disks that are laid out alike
// have the same roles, whatever their identifiers are.
//
// An identifier that two things of the disk have, as a cloned UUID, has no role.
type Identities struct {
	// roles are by every spelling of an identifier.
	roles map[string]string
	// lengths are those of the spellings, longest first.
	lengths []int
}

// Identities are decided from d alone; a nil disk has none.
func (d *Disk) Identities() *Identities {
	c := &identityCollector{roles: map[string]string{}}
	if d != nil {
		c.disk(d)
	}
	i := &Identities{roles: map[string]string{}}
	for value, role := range c.roles {
		if role != ambiguous {
			i.spell(value, role)
		}
	}
	for s := range i.roles {
		if !slices.Contains(i.lengths, len(s)) {
			i.lengths = append(i.lengths, len(s))
		}
	}
	slices.Sort(i.lengths)
	slices.Reverse(i.lengths)
	return i
}

// spell adds the ways in which files write an identifier. The case may matter to
// who reads it, so that each way is a role of its own: the links in
// /dev/disk/by-uuid have the one that is recorded. The last is how
// systemd-escape(1) writes a hyphen.
func (i *Identities) spell(value, role string) {
	lower, upper := strings.ToLower(value), strings.ToUpper(value)
	for _, s := range []struct{ text, how string }{
		{value, ""}, {lower, " (small letters)"}, {upper, " (capitals)"},
		{strings.ReplaceAll(value, "-", `\x2d`), " (escaped)"},
	} {
		if _, taken := i.roles[s.text]; !taken {
			i.roles[s.text] = role + s.how
		}
	}
}

// Empty tells whether nothing has a role.
func (i *Identities) Empty() bool { return i == nil || len(i.roles) == 0 }

// Role is what value identifies; empty for nothing.
func (i *Identities) Role(value string) string {
	if i == nil {
		return ""
	}
	return i.roles[value]
}

// A Piece is a run of a text: an identifier where Role is set.
type Piece struct{ Text, Role string }

// Split cuts text into pieces. It gives none where text names no identifier.
func (i *Identities) Split(text string) []Piece {
	if i.Empty() {
		return nil
	}
	var pieces []Piece
	start := 0
	for at := 0; at < len(text); at++ {
		if !startsWord(text, at) {
			continue
		}
		n := i.match(text, at)
		if n == 0 {
			continue
		}
		if at > start {
			pieces = append(pieces, Piece{Text: text[start:at]})
		}
		pieces = append(pieces, Piece{text[at : at+n], i.roles[text[at:at+n]]})
		start = at + n
		at = start - 1
	}
	if start > 0 && start < len(text) {
		pieces = append(pieces, Piece{Text: text[start:]})
	}
	return pieces
}

// match is the length of the identifier that begins at a place of text, 0
// without one. Short ones (of FAT and of MBR) could be a part of a longer one:
// a hyphen beside them is no boundary.
func (i *Identities) match(text string, at int) int {
	for _, n := range i.lengths {
		end := at + n
		if end > len(text) || end < len(text) && alphanumeric(text[end]) {
			continue
		}
		word := text[at:end]
		if _, ok := i.roles[word]; !ok {
			continue
		}
		if short := n < 32 && !strings.Contains(word, `\`); short &&
			(end < len(text) && text[end] == '-' || at > 0 && text[at-1] == '-' || strings.HasSuffix(text[:at], `\x2d`)) {
			continue
		}
		return n
	}
	return 0
}

// startsWord tells whether an identifier may begin here: not within a word, but
// behind an escape, \x2f.
func startsWord(text string, at int) bool {
	if !alphanumeric(text[at]) {
		return false
	}
	return at == 0 || !alphanumeric(text[at-1]) || at >= 4 && text[at-4:at-2] == `\x`
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// Mark stands around a role in a text; no text of a table has it.
const Mark = "\x00"

// Replace puts roles between marks into text, and tells whether there were any.
// A mark in the text itself is doubled, so that no text looks like another's
// roles.
func (i *Identities) Replace(text string) (string, bool) {
	pieces := i.Split(text)
	if pieces == nil {
		return strings.ReplaceAll(text, Mark, Mark+Mark), false
	}
	var b strings.Builder
	for _, p := range pieces {
		if p.Role != "" {
			b.WriteString(Mark + p.Role + Mark)
		} else {
			b.WriteString(strings.ReplaceAll(p.Text, Mark, Mark+Mark))
		}
	}
	return b.String(), true
}

// ambiguous is the role of what two things are identified by.
const ambiguous = "\x00"

// An identityCollector goes through the record of a disk.
type identityCollector struct {
	roles map[string]string
}

// add gives value a role. A name in the role, of a LUKS volume, may hold an
// identifier itself: that is replaced, too.
func (c *identityCollector) add(value, role string) {
	if !identifies(value) {
		return
	}
	longest := slices.SortedFunc(maps.Keys(c.roles), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	for _, known := range longest {
		if r := c.roles[known]; r != ambiguous {
			role = strings.ReplaceAll(role, known, "("+r+")")
		}
	}
	if had, ok := c.roles[value]; ok && had != role {
		role = ambiguous
	}
	c.roles[value] = role
}

// identifies tells whether value has the form of an identifier: all zeros say
// that there is none.
func identifies(value string) bool {
	return len(value) >= 9 && strings.Trim(strings.TrimPrefix(value, "0x"), "0-") != "" &&
		!strings.ContainsFunc(value, func(r rune) bool { return r != '-' && (r > 0x7f || !alphanumeric(byte(r))) })
}

func (c *identityCollector) disk(d *Disk) {
	c.add(d.ID, "disk")
	c.filesystem(d.Filesystem, "disk", d)
	for _, p := range d.Partitions {
		name := fmt.Sprintf("partition %d", p.Index)
		c.add(d.PartUUID(p), name)
		c.filesystem(p.Filesystem, name, d)
	}
	for _, m := range d.Mapped {
		c.mapped(m, d)
	}
}

// PartUUID is the partition's own UUID, which of an MBR is made of the disk's id
// and the partition's number: blkid(8). It is empty for none.
func (d *Disk) PartUUID(p Partition) string {
	id, ok := strings.CutPrefix(d.ID, "0x")
	if p.UUID != "" || !ok || id == "00000000" {
		return p.UUID
	}
	return fmt.Sprintf("%s-%02x", id, p.Index)
}

// filesystem adds what is on a device of that name.
func (c *identityCollector) filesystem(f *Filesystem, on string, d *Disk) {
	if f == nil {
		return
	}
	if f.Type == "linux_raid_member" {
		c.add(f.UUID, "array on "+strings.Join(d.holding(f.UUID), ", "))
	} else {
		c.add(f.UUID, "filesystem of "+on)
	}
	c.add(f.Settings["group_uuid"], "volume group "+f.Settings["group"])
	c.add(f.Settings["member"], "member on "+on)
	for _, name := range []string{"device_uuid", "metadata_uuid"} {
		if id := f.Settings[name]; id != f.UUID {
			c.add(id, name+" of "+on)
		}
	}
}

// mapped adds a mapped device and what is on it. A LUKS volume, an array and a
// hash tree have the identifier of what they stand on; on a verified device is
// what is on its data.
func (c *identityCollector) mapped(m MappedDevice, d *Disk) {
	if _, ok := c.roles[m.UUID]; !ok || m.Type == "lvm2" {
		c.add(m.UUID, "mapped device "+m.Name)
	}
	if m.Type != "verity" || len(m.Members) == 0 {
		c.filesystem(m.Filesystem, m.Name, d)
	}
}

// holding are the partitions whose content has that UUID.
func (d *Disk) holding(uuid string) []string {
	var list []string
	for _, p := range d.Partitions {
		if p.Filesystem != nil && p.Filesystem.UUID == uuid {
			list = append(list, fmt.Sprintf("partition %d", p.Index))
		}
	}
	return list
}
