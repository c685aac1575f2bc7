package ext4

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assay-os/assay/report"
)

// An inode's attributes share one block; each takes a header beside its name
// and value, Documentation/filesystems/ext4, "Extended Attributes". What lies
// in the inode itself is left out of account.
const (
	maxXattrs   = blockSize - 32
	xattrHeader = 16
)

// types are the kinds of inodes with their bits of st_mode, inode(7).
func types() map[report.Type]uint32 {
	return map[report.Type]uint32{
		report.File:      0o100000,
		report.Directory: 0o040000,
		report.Symlink:   0o120000,
		report.Char:      0o020000,
		report.Block:     0o060000,
		report.FIFO:      0o010000,
		report.Socket:    0o140000,
	}
}

// A script is what debugfs is told to do. Inodes are named by number, so that
// no file's name goes through debugfs' command parser.
type script struct {
	strings.Builder
	epoch   time.Time
	scratch string
	bits    map[report.Type]uint32
	// values are the files of attribute values, by value.
	values map[report.Raw]string
}

// apply makes every inode what the record says.
func (s Spec) apply(ctx context.Context, m *matching) error {
	sc := &script{epoch: s.Epoch, scratch: s.Scratch, bits: types(), values: map[report.Raw]string{}}
	if m.extra {
		// The image holds the tree and nothing else; e2fsck makes the
		// directory anew when it has something to put there.
		sc.WriteString("rmdir lost+found\n")
	}
	for _, in := range m.inodes {
		if err := sc.inode(in); err != nil {
			return fmt.Errorf("%s: %w", in.entry.Path, err)
		}
	}
	if len(m.inodes) == 0 {
		sc.times(rootInode, s.Epoch)
	}
	if _, err := s.debugfs(ctx, sc.String(), true); err != nil {
		return fmt.Errorf("set inodes: %w", err)
	}
	return nil
}

func (sc *script) set(inode uint32, field string, value any) {
	fmt.Fprintf(sc, "set_inode_field <%d> %s %v\n", inode, field, value)
}

func (sc *script) inode(in matched) error {
	e := in.entry
	bits, ok := sc.bits[e.Type]
	if !ok {
		return fmt.Errorf("type %q is unknown", e.Type)
	}
	sc.set(in.number, "mode", fmt.Sprintf("0%o", bits|uint32(e.Mode)))
	sc.set(in.number, "uid", e.UID)
	sc.set(in.number, "gid", e.GID)
	if e.Type == report.Char || e.Type == report.Block {
		if err := sc.device(in.number, e.Device); err != nil {
			return err
		}
	}
	if err := sc.xattrs(in.number, e.Xattrs); err != nil {
		return err
	}
	sc.times(in.number, e.Mtime)
	return nil
}

// times sets all four times, last of all: other commands touch ctime.
func (sc *script) times(inode uint32, mtime time.Time) {
	for _, t := range []struct {
		field string
		time  time.Time
	}{{"mtime", mtime}, {"ctime", sc.epoch}, {"atime", sc.epoch}, {"crtime", sc.epoch}} {
		low, extra := encodeTime(t.time)
		sc.set(inode, t.field, fmt.Sprintf("@%d", low))
		sc.set(inode, t.field+"_extra", extra)
	}
}

// encodeTime gives ext4's two words of a time: the low 32 bits of the seconds
// as a signed number, and nanoseconds with the two bits of seconds above them,
// Documentation/filesystems/ext4, "Inode Timestamps".
func encodeTime(t time.Time) (low, extra uint32) {
	sec := t.Unix()
	low = uint32(sec)
	above := (sec - int64(int32(low))) >> 32
	return low, uint32(t.Nanosecond())<<2 | uint32(above&3)
}

// device sets i_block as the kernel's __ext4_iget reads it: one word in the old form
// where the numbers fit, else the new form in the second.
func (sc *script) device(inode uint32, device string) error {
	a, b, ok := strings.Cut(device, ":")
	major, err1 := strconv.ParseUint(a, 10, 12)
	minor, err2 := strconv.ParseUint(b, 10, 20)
	if !ok || err1 != nil || err2 != nil {
		return fmt.Errorf("device %q is not MAJOR:MINOR", device)
	}
	first, second := major<<8|minor, uint64(0)
	if major > 255 || minor > 255 {
		first, second = 0, minor&0xff|major<<8|minor&^0xff<<12
	}
	sc.set(inode, "block[0]", first)
	sc.set(inode, "block[1]", second)
	return nil
}

// xattrs sets all attributes in the order of their names: the filesystem was
// made without any.
func (sc *script) xattrs(inode uint32, attrs map[string]report.Raw) error {
	room := maxXattrs
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		if room -= len(name) + len(attrs[name]) + xattrHeader; room < 0 {
			return fmt.Errorf("its extended attributes take more than %d bytes, which is what ext4 has for them", maxXattrs)
		}
		if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("attribute %q: debugfs cannot set a name with control characters; remove it from the tree", name)
		}
		file, err := sc.value(attrs[name])
		if err != nil {
			return fmt.Errorf("attribute %q: %w", name, err)
		}
		fmt.Fprintf(sc, "ea_set -f %s <%d> \"%s\"\n", file, inode, strings.ReplaceAll(name, `"`, `""`))
	}
	return nil
}

// value puts an attribute's value into a file, once for each value.
func (sc *script) value(v report.Raw) (string, error) {
	if name, ok := sc.values[v]; ok {
		return name, nil
	}
	name := filepath.Join(sc.scratch, "xattr-"+strconv.Itoa(len(sc.values)))
	if err := os.WriteFile(name, []byte(v), 0o600); err != nil {
		return "", err
	}
	sc.values[v] = name
	return name, nil
}
