package btrfs

import (
	"errors"
	"fmt"
)

const (
	extentHeader = 21
	extentSize   = 53
)

// The types of extents: BTRFS_FILE_EXTENT_*.
const (
	extentInline   = 0
	extentRegular  = 1
	extentPrealloc = 2
)

// mostEncoded bounds a compressed extent, and what it decompresses to:
// BTRFS_MAX_COMPRESSED, BTRFS_MAX_UNCOMPRESSED.
const mostEncoded = 128 << 10

// A run is a part of a file that holds data: struct btrfs_file_extent_item.
type run struct {
	start, length uint64 // in the file
	// disk is the address of the extent, of size bytes; offset is where the run starts in
	// it, counted in decompressed bytes.
	disk, size, offset uint64
	compression        byte
	ram                uint64 // bytes when decompressed
	inline             []byte // in place of disk
}

// runs reads the extents of a file, sorted. Neither holes nor what was allocated and not
// written are among them.
func (t *tree) runs(ino *inode, sector uint64) ([]run, error) {
	var out []run
	end := uint64(0)
	err := t.each(ino.number, kindExtentData, func(k key, data []byte) error {
		r, err := decodeRun(k.offset, data, sector)
		if err != nil {
			return fmt.Errorf("extent at %d: %w", k.offset, err)
		}
		if r.start < end {
			return fmt.Errorf("extent at %d: it overlaps the one before", k.offset)
		}
		end = r.start + r.length
		if r.start >= uint64(ino.size) {
			return errStop // allocated beyond the end
		}
		if r.size != 0 || r.inline != nil {
			out = appendRun(out, r)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("inode %d: %w", ino.number, err)
	}
	return out, nil
}

// appendRun joins what is together in the file and on the disk.
func appendRun(runs []run, r run) []run {
	if len(runs) == 0 {
		return append(runs, r)
	}
	last := &runs[len(runs)-1]
	if r.compression == 0 && last.compression == 0 && r.inline == nil && last.inline == nil &&
		last.start+last.length == r.start && last.disk+last.offset+last.length == r.disk+r.offset {
		last.length += r.length
		return runs
	}
	return append(runs, r)
}

// decodeRun checks one extent. A run without size is a hole.
func decodeRun(start uint64, b []byte, sector uint64) (run, error) {
	if len(b) < extentHeader {
		return run{}, fmt.Errorf("%d bytes are too short", len(b))
	}
	r := run{start: start, ram: le.Uint64(b[8:]), compression: b[16]}
	switch {
	case b[17] != 0 || le.Uint16(b[18:]) != 0:
		return run{}, errors.New("it is encrypted, or encoded in a way that is not known")
	case r.compression >= compressions:
		return run{}, fmt.Errorf("compression %d is not known", r.compression)
	case b[20] == extentInline:
		return r.decodeInline(b[extentHeader:])
	case b[20] > extentPrealloc:
		return run{}, fmt.Errorf("type %d is not known", b[20])
	case len(b) < extentSize:
		return run{}, fmt.Errorf("%d bytes are too short", len(b))
	}
	disk, size := le.Uint64(b[21:]), le.Uint64(b[29:])
	r.offset, r.length = le.Uint64(b[37:]), le.Uint64(b[45:])
	if (start|disk|size|r.offset|r.length)%sector != 0 || r.length == 0 || start+r.length < start || start+r.length > 1<<63 {
		return run{}, fmt.Errorf("its place, %d bytes at %d, is impossible", r.length, start)
	}
	if disk == 0 || b[20] == extentPrealloc {
		return run{start: start, length: r.length}, nil
	}
	r.disk, r.size = disk, size
	return r, r.checkSize()
}

func (r *run) checkSize() error {
	whole := r.size
	if r.compression != 0 {
		whole = r.ram
		if r.size > mostEncoded || r.ram > mostEncoded {
			return fmt.Errorf("%d bytes compressed, %d plain are more than 128 KiB", r.size, r.ram)
		}
	}
	if r.size == 0 || r.disk+r.size < r.disk || r.offset > whole || r.length > whole-r.offset {
		return fmt.Errorf("%d bytes at offset %d are more than it holds, %d", r.length, r.offset, whole)
	}
	return nil
}

// decodeInline takes content that lies in the tree.
func (r run) decodeInline(data []byte) (run, error) {
	if r.start != 0 || r.ram > mostEncoded || r.compression == 0 && r.ram != uint64(len(data)) {
		return run{}, fmt.Errorf("%d bytes inline, %d of the tree, at %d are impossible", r.ram, len(data), r.start)
	}
	r.length, r.inline = r.ram, data
	return r, nil
}

// extentHint is the address that an extent lies at; 0 for none.
func extentHint(b []byte) uint64 {
	if len(b) < extentSize || b[20] == extentInline {
		return 0
	}
	disk := le.Uint64(b[21:])
	if disk != 0 && b[16] == 0 {
		disk += le.Uint64(b[37:])
	}
	return disk
}
