package vmdk

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/image/blockmap"
)

// A descriptor is the text that says what a disk is made of.
type descriptor struct {
	createType string
	parent     string
	encoding   string
	extents    []extent
	unread     error
}

// An extent is one line of a descriptor. Size and offset are in bytes.
type extent struct {
	kind   string // FLAT, SPARSE or ZERO
	file   string
	size   int64
	offset int64
}

// readDescriptor reads the text in length bytes at offset.
func readDescriptor(m blockmap.Medium, offset, length int64) (*descriptor, error) {
	if offset < 0 || offset > m.Size || length > m.Size-offset {
		return nil, fmt.Errorf("descriptor: it lies at byte %d, the file ends at byte %d: it is truncated", uint64(offset), m.Size)
	}
	if length < 0 || length > maxDescriptor {
		return nil, fmt.Errorf("descriptor: %d bytes are too many", uint64(length))
	}
	b := make([]byte, length)
	if n, err := m.R.ReadAt(b, offset); n < len(b) {
		return nil, fmt.Errorf("descriptor: %w", blockmap.Short(err))
	}
	b, _, _ = bytes.Cut(b, []byte{0})
	d := &descriptor{}
	for line := range strings.Lines(string(b)) {
		if err := d.line(strings.TrimSpace(line)); err != nil {
			return nil, fmt.Errorf("descriptor: %w", err)
		}
	}
	return d, nil
}

// line reads "key=value", or the line of an extent.
func (d *descriptor) line(line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	switch first, _, _ := strings.Cut(line, " "); strings.ToUpper(first) {
	case "RW", "RDONLY", "NOACCESS":
		return d.extent(line)
	}
	key, value, _ := strings.Cut(line, "=")
	value = strings.Trim(strings.TrimSpace(value), `"`)
	switch strings.ToLower(strings.TrimSpace(key)) {
	case "createtype":
		d.createType = value
	case "parentcid":
		d.parent = value
	case "encryption.keysafe", "encryption.data":
		d.encoding = key
	}
	return nil
}

// extentLine is ACCESS SECTORS TYPE "FILE" OFFSET.
var extentLine = regexp.MustCompile(`^(\S+)\s+(\d+)\s+(\S+)(?:\s+"([^"]*)")?(?:\s+(\d+))?`)

func (d *descriptor) extent(line string) error {
	f := extentLine.FindStringSubmatch(line)
	if f == nil {
		return fmt.Errorf("the line %q of an extent is malformed", line)
	}
	e := extent{kind: strings.ToUpper(f[3]), file: f[4]}
	var err error
	if e.size, err = sectors(f[2]); err != nil {
		return err
	}
	if f[5] != "" {
		if e.offset, err = sectors(f[5]); err != nil {
			return err
		}
	}
	if e.kind == "VMFS" {
		e.kind = "FLAT"
	}
	switch {
	case strings.EqualFold(f[1], "NOACCESS"):
		d.unread = fmt.Errorf("the extent %q may not be read: not read", line)
	case e.kind != "FLAT" && e.kind != "SPARSE" && e.kind != "ZERO":
		d.unread = fmt.Errorf("an extent of the type %s is not read", e.kind)
	case e.kind != "ZERO" && e.file == "":
		return fmt.Errorf("the line %q names no file", line)
	}
	d.extents = append(d.extents, e)
	return nil
}

// sectors turns a count of sectors into bytes.
func sectors(digits string) (int64, error) {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > maxSize/sector {
		return 0, fmt.Errorf("%s sectors are impossible", digits)
	}
	return n * sector, nil
}

// check refuses what is not read.
func (d *descriptor) check() error {
	if d.parent != "" && !strings.EqualFold(d.parent, "ffffffff") {
		return fmt.Errorf("descriptor: the disk has a parent (parentCID=%s), and holds only the changes to it: not read", d.parent)
	}
	if d.encoding != "" {
		return fmt.Errorf("descriptor: the disk is encrypted: not read")
	}
	if d.unread != nil {
		return fmt.Errorf("descriptor: %w", d.unread)
	}
	return nil
}
