package layout

import (
	"fmt"
	"path"
	"strings"
)

// minExt4 is the least that takes a journal: 2,048 blocks of 4 KiB, mke2fs(8) -j.
const minExt4 = 8 << 20

// maxSize bounds a disk (16 TiB), so that no sum of lengths overflows.
const maxSize = 1 << 44

// A Problem is one thing that is wrong, by its path in the layout.
type Problem struct {
	Path    string
	Message string
}

// Problems is everything that is wrong with a layout, as an error.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, x := range p {
		lines[i] = "layout." + x.Path + ": " + x.Message
	}
	return strings.Join(lines, "; ")
}

// A checker collects problems.
type checker struct{ problems Problems }

func (c *checker) add(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{path, fmt.Sprintf(format, args...)})
}

func at(i int, field string) string { return fmt.Sprintf("partitions[%d].%s", i, field) }

// disk checks what belongs to no partition.
func (c *checker) disk(l *Layout) {
	switch {
	case l.Label != GPT && l.Label != MBR:
		c.add("label", "%q is no partition table known here; use gpt or mbr", l.Label)
	case l.UUID == "":
		c.add("uuid", "the disk needs an id, so that it can be made again the same")
	case l.Label == GPT && !isGUID(l.UUID):
		c.add("uuid", "%q is no GUID other than the nil one", l.UUID)
	case l.Label == MBR && !mbrID.MatchString(strings.ToLower(l.UUID)):
		c.add("uuid", "%q is no MBR disk id; it looks like 0x14fc63d2", l.UUID)
	}
	if l.SectorSize != DefaultSectorSize {
		c.add("sector_size", "%d is not supported; use 512", l.SectorSize)
	}
	if a := l.Alignment; a < l.SectorSize || a > 1<<30 || a&(a-1) != 0 {
		c.add("alignment", "%d is no power of two from the sector size to 1 GiB", a)
	} else if l.Size <= 0 || l.Size > maxSize || l.Size%a != 0 {
		c.add("size", "%d is not a multiple of the alignment, %d, up to 16 TiB", l.Size, a)
	}
	switch n := len(l.Partitions); {
	case n == 0:
		c.add("partitions", "there is none; a disk needs at least one")
	case l.Label == MBR && n > 4:
		c.add("partitions", "there are %d; mbr holds four, use gpt", n)
	case n > 128:
		c.add("partitions", "there are %d; gpt holds 128", n)
	}
}

// extent checks one partition's place; next is the end of what is before it.
func (c *checker) extent(l *Layout, i int, next, end int64) {
	p := l.Partitions[i]
	switch {
	case p.Start < 0 || p.Start%l.Alignment != 0:
		c.add(at(i, "start"), "%d is not a multiple of the alignment, %d", p.Start, l.Alignment)
	case p.Start < next && i == 0:
		c.add(at(i, "start"), "%d lies in the partition table; the first place is %d", p.Start, next)
	case p.Start < next:
		c.add(at(i, "start"), "%d overlaps partitions[%d], which ends at %d", p.Start, i-1, next)
	case p.Size == 0 && i < len(l.Partitions)-1:
		c.add(at(i, "size"), "it is missing; only the last partition may fill the disk")
	case p.Size <= 0 && p.Start >= end:
		c.add(at(i, "size"), "nothing is left: the disk's usable part ends at %d; enlarge size", end)
	case p.Size < 0 || p.Size%l.SectorSize != 0:
		c.add(at(i, "size"), "%d is not a positive multiple of the sector size, %d", p.Size, l.SectorSize)
	case p.Size > end-p.Start:
		c.add(at(i, "size"), "%d from %d on goes beyond the disk's usable part, which ends at %d; enlarge size", p.Size, p.Start, end)
	}
}

// partition checks what a partition says of itself.
func (c *checker) partition(l *Layout, i int) {
	p := l.Partitions[i]
	if _, ok := l.typeCode(p.Type); !ok {
		c.add(at(i, "type"), "%q is no type under %s; use %s, or a code", p.Type, l.Label, strings.Join(Types(l.Label), ", "))
	}
	switch {
	case l.Label == GPT && p.UUID == "":
		c.add(at(i, "uuid"), "it is missing; a random one would make every build differ")
	case l.Label == GPT && !isGUID(p.UUID):
		c.add(at(i, "uuid"), "%q is no GUID other than the nil one", p.UUID)
	case l.Label == MBR && p.UUID != "":
		c.add(at(i, "uuid"), "mbr has no partition uuids; use gpt or leave it out")
	case l.Label == MBR && p.Name != "":
		c.add(at(i, "name"), "mbr has no partition names; use gpt or leave it out")
	case l.Label == MBR && len(p.Attributes) > 0:
		c.add(at(i, "attributes"), "mbr has none; use gpt or leave them out")
	}
	if strings.ContainsFunc(p.Name, notPlain) || len(p.Name) > 36 {
		c.add(at(i, "name"), "%q is not up to 36 letters, digits, spaces, dots, underscores and hyphens", p.Name)
	}
	for _, bit := range p.Attributes {
		if bit < 0 || bit > 63 {
			c.add(at(i, "attributes"), "there is no bit %d; they go from 0 to 63", bit)
		}
	}
	if p.Filesystem != nil {
		c.filesystem(i, p.Size, p.Filesystem)
	}
}

func (c *checker) filesystem(i int, size int64, f *Filesystem) {
	switch {
	case f.Type != "ext4":
		c.add(at(i, "filesystem.type"), "%q is not supported; use ext4", f.Type)
	case size > 0 && size < minExt4:
		c.add(at(i, "size"), "%d is too small for ext4 with a journal; give it at least %d", size, minExt4)
	}
	if f.UUID == "" {
		c.add(at(i, "filesystem.uuid"), "it is missing; a random one would make every build differ")
	} else if !isGUID(f.UUID) {
		c.add(at(i, "filesystem.uuid"), "%q is no UUID other than the nil one", f.UUID)
	}
	if len(f.Label) > 16 || strings.ContainsFunc(f.Label, notPlain) {
		c.add(at(i, "filesystem.label"), "%q is not up to 16 plain characters", f.Label)
	}
	if m := f.Mountpoint; m != "" && (!path.IsAbs(m) || path.Clean(m) != m) {
		c.add(at(i, "filesystem.mountpoint"), "%q is not an absolute path without . and ..; write %q", m, path.Clean("/"+m))
	}
}

// unique finds values that two partitions share and must not.
func (c *checker) unique(l *Layout) {
	seen := map[string]string{}
	once := func(kind, value, where string) {
		if value == "" {
			return
		}
		key := kind + strings.ToLower(value)
		if first, ok := seen[key]; ok {
			c.add(where, "%s is taken by %s", value, first)
			return
		}
		seen[key] = where
	}
	for i, p := range l.Partitions {
		once("partition ", p.UUID, at(i, "uuid"))
		if f := p.Filesystem; f != nil {
			once("filesystem ", f.UUID, at(i, "filesystem.uuid"))
			once("mountpoint ", f.Mountpoint, at(i, "filesystem.mountpoint"))
		}
	}
}

func isGUID(s string) bool {
	s = strings.ToLower(s)
	return guid.MatchString(s) && strings.Trim(s, "0-") != ""
}

// notPlain tells what sfdisk's script syntax or a command line could mistake.
func notPlain(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("._- ", r)
}
