package erofs

import (
	"fmt"
)

// The bits of the format of a file in chunks.
const (
	chunkBits    = 0x1f
	chunkIndexes = 0x20
	chunk48Bit   = 0x40
	chunkAll     = 0x7f
)

// A slot is a struct erofs_deviceslot: a further device. Start is where it lies
// in the addresses of the first one; 0 is nowhere.
type slot struct{ start, length int64 }

const deviceSlot = 128

// readDevices reads the table of further devices.
func (fs *FS) readDevices() error {
	if fs.incompat&incompatDevices == 0 {
		return nil
	}
	count, at := int(le.Uint16(fs.raw[86:])), int64(le.Uint16(fs.raw[88:]))*deviceSlot
	b := make([]byte, deviceSlot)
	for range count {
		if err := fs.dev.read(b, at); err != nil {
			return err
		}
		blocks, start := uint64(le.Uint32(b[64:])), uint64(le.Uint32(b[68:]))
		if fs.incompat&incompat48Bit != 0 {
			blocks |= uint64(le.Uint16(b[72:])) << 32
			start |= uint64(le.Uint16(b[74:])) << 32
		}
		if blocks >= 1<<46 || start >= 1<<46 {
			return fmt.Errorf("a device of %d blocks at block %d", blocks, start)
		}
		fs.devices = append(fs.devices, slot{int64(start) << fs.blockBits, int64(blocks) << fs.blockBits})
		at += deviceSlot
	}
	return nil
}

// A chunker reads the map of a file in chunks.
type chunker struct {
	fs     *FS
	format uint16
	out    []extent
}

// chunks are the extents of a file in chunks; neighbours become one.
func (fs *FS) chunks(ino *inode) ([]extent, error) {
	c := chunker{fs: fs, format: uint16(ino.word)}
	bits := uint(c.format&chunkBits) + fs.blockBits
	if c.format&^chunkAll != 0 {
		return nil, fmt.Errorf("chunks of format %#x are not read", c.format)
	}
	unit := int64(4)
	if c.format&chunkIndexes != 0 {
		unit = 8
	}
	area, err := fs.area(ino.box)
	if err != nil {
		return nil, err
	}
	count := (ino.length-1)>>bits + 1
	table := table{area: area, at: (ino.end() + unit - 1) &^ (unit - 1), left: count}
	for n := range count {
		b, err := table.next(int(unit))
		if err != nil {
			return nil, fmt.Errorf("map of chunks: %w", err)
		}
		if err := c.add(b, n<<bits, min(1<<bits, ino.length-n<<bits)); err != nil {
			return nil, fmt.Errorf("chunk %d: %w", n, err)
		}
	}
	return c.out, nil
}

// add appends the chunk that b says.
func (c *chunker) add(b []byte, offset, length int64) error {
	device, mask := 0, uint64(1<<32-1)
	var block uint64
	if c.format&chunkIndexes == 0 {
		block = uint64(le.Uint32(b))
	} else {
		device = int(le.Uint16(b[2:])) & c.fs.deviceMask()
		block = uint64(le.Uint32(b[4:]))
		if c.format&chunk48Bit != 0 {
			mask = 1<<48 - 1
			block |= uint64(le.Uint16(b)) << 32
		}
	}
	if block == mask {
		return nil
	}
	at, err := c.fs.onDevice(device, block, length)
	if err != nil {
		return err
	}
	if last := len(c.out) - 1; last >= 0 && c.out[last].offset+c.out[last].length == offset && c.out[last].at+c.out[last].length == at {
		c.out[last].length += length
		return nil
	}
	c.out = append(c.out, extent{offset: offset, length: length, at: at})
	return nil
}

// deviceMask cuts the number of a device out of a field with other bits.
func (fs *FS) deviceMask() int {
	mask := 0
	for mask < len(fs.devices) {
		mask = mask<<1 | 1
	}
	return mask
}

// onDevice is where a block of a device lies in the image. A further device
// may follow the first one in the same file.
func (fs *FS) onDevice(device int, block uint64, length int64) (int64, error) {
	if device > len(fs.devices) {
		return 0, fmt.Errorf("device %d of %d does not exist", device, len(fs.devices))
	}
	if block >= 1<<46 {
		return 0, fmt.Errorf("block %d is outside of every device", block)
	}
	at := int64(block) << fs.blockBits
	if device > 0 {
		at += fs.devices[device-1].start
	}
	for i, d := range fs.devices {
		of := device == i+1 || device == 0 && d.start > 0 && at >= d.start && at < d.start+d.length
		if of && (d.start == 0 || !within(at, length, fs.dev.size)) {
			return 0, fmt.Errorf("it lies on the further device %d, which is %w", i+1, errNoDevice)
		}
	}
	if !within(at, length, fs.dev.size) {
		return 0, fmt.Errorf("block %d and %d bytes are outside of the device's %d bytes", block, length, fs.dev.size)
	}
	return at, nil
}

// elsewhere tells whether the content of a file lies on a device that is not
// part of the image, as far as its first chunks show: a walk must not read the
// whole map of every name.
func (fs *FS) elsewhere(ino *inode) error {
	if len(fs.devices) == 0 || ino.layout != layoutChunks || ino.length == 0 {
		return nil
	}
	const enough = 64 << 9 // bytes: of blocks of any size
	first := *ino
	first.length = min(ino.length, enough)
	_, err := fs.chunks(&first)
	return err
}

// A table reads records that follow each other, in large pieces.
type table struct {
	area area
	at   int64
	left int64 // records
	buf  []byte
}

// next is the next record, of the same size as all others.
func (t *table) next(size int) ([]byte, error) {
	if len(t.buf) == 0 {
		const most = 16 << 10
		n := min(t.left, int64(most/size))
		t.buf = make([]byte, n*int64(size))
		if err := t.area.read(t.buf, t.at); err != nil {
			return nil, err
		}
		t.left -= n
		t.at += int64(len(t.buf))
	}
	b := t.buf[:size]
	t.buf = t.buf[size:]
	return b, nil
}
