package vmdk

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/blockmap"
)

// The flags of a sparse extent.
const (
	flagNewlines  = 1 << 0
	flagRedundant = 1 << 1
	flagZeroed    = 1 << 2
	flagPacked    = 1 << 16
	flagMarkers   = 1 << 17
)

const (
	// directoryAtEnd says that the header with the place of the directory is the
	// footer.
	directoryAtEnd = 1<<64 - 1
	compressZlib   = 1
	markerFooter   = 3
	newlines       = "\n \r\n"
	maxPerTable    = 512
	// maxGrain and maxPackedGrain are bytes; all known programs write 64 KiB.
	maxGrain       = 1 << 30
	maxPackedGrain = 64 << 20
	// maxPadding is what may follow the end of a stream.
	maxPadding = 256 << 10
)

// A header is that of a sparse extent. Places and sizes are in bytes.
type header struct {
	flags          uint32
	capacity       int64
	grain          int64
	perTable       int64
	descriptor     int64
	descriptorSize int64
	directory      int64
	redundant      int64
}

// readHeader decodes and checks the header, or the footer where that counts.
func readHeader(r io.ReaderAt, length int64) (*header, error) {
	b := make([]byte, sector)
	if n, err := r.ReadAt(b, 0); n < len(b) {
		return nil, fmt.Errorf("header: %w", blockmap.Short(err))
	}
	if string(b[:4]) == "COWD" {
		return nil, errors.New("header: it is a snapshot of ESX (COWD): not read")
	}
	where := "header"
	first := b
	if le.Uint64(b[56:]) == directoryAtEnd {
		where = "footer"
		var err error
		if b, err = readFooter(r, length); err != nil {
			return nil, fmt.Errorf("footer: %w", err)
		}
	}
	h, err := parseHeader(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	if where == "footer" {
		// The descriptor is that of the header: a footer need not repeat it.
		h.descriptor, h.descriptorSize = int64(le.Uint64(first[28:]))*sector, int64(le.Uint64(first[36:]))*sector
	}
	return h, nil
}

// readFooter finds the copy of the header at the end of a stream: a marker, the
// copy, and a marker of zeros.
func readFooter(r io.ReaderAt, length int64) ([]byte, error) {
	n := min(length, maxPadding) &^ (sector - 1)
	b := make([]byte, n)
	if got, err := r.ReadAt(b, length&^(sector-1)-n); got < len(b) {
		return nil, blockmap.Short(err)
	}
	end := (int64(len(bytes.TrimRight(b, "\x00"))) + sector - 1) &^ (sector - 1)
	if end < 3*sector || end == n {
		return nil, errors.New("there is none at the end of the file: it is truncated")
	}
	marker, footer := b[end-2*sector:end-sector], b[end-sector:end]
	if le.Uint32(marker[8:]) != 0 || le.Uint32(marker[12:]) != markerFooter || string(footer[:4]) != magic {
		return nil, errors.New("there is none at the end of the file: it is truncated")
	}
	return footer, nil
}

func parseHeader(b []byte) (*header, error) {
	version := le.Uint32(b[4:])
	h := &header{flags: le.Uint32(b[8:]), perTable: int64(le.Uint32(b[44:]))}
	if string(b[:4]) != magic {
		return nil, errors.New("the magic is missing")
	}
	if version < 1 || version > 3 {
		return nil, fmt.Errorf("version %d is not known (1 to 3 are)", version)
	}
	for _, f := range []struct {
		name  string
		at    int
		value *int64
	}{
		{"capacity", 12, &h.capacity}, {"grain", 20, &h.grain}, {"descriptor", 28, &h.descriptor}, {"size of the descriptor", 36, &h.descriptorSize},
		{"redundant directory", 48, &h.redundant}, {"directory", 56, &h.directory},
	} {
		v := le.Uint64(b[f.at:])
		if v > maxSize/sector && (f.name != "redundant directory" || h.flags&flagRedundant != 0) {
			return nil, fmt.Errorf("%s %d is impossible", f.name, v)
		}
		*f.value = int64(v&(maxSize/sector*2-1)) * sector
	}
	return h, h.check(b)
}

func (h *header) check(b []byte) error {
	packed := h.flags&flagPacked != 0
	switch {
	case h.flags&flagNewlines != 0 && string(b[73:77]) != newlines:
		return errors.New("its line ends were changed, as by a transfer of text: the content is broken")
	case h.capacity == 0 && h.descriptorSize > 0:
		return nil // the extents are elsewhere
	case h.grain == 0 || h.grain > maxGrain || h.grain&(h.grain-1) != 0 || packed && h.grain > maxPackedGrain:
		return fmt.Errorf("grains of %d bytes are impossible", h.grain)
	case h.perTable == 0 || h.perTable > maxPerTable:
		return fmt.Errorf("grain tables of %d entries are impossible", h.perTable)
	case packed && le.Uint16(b[77:]) != compressZlib:
		return fmt.Errorf("compression %d is not known", le.Uint16(b[77:]))
	}
	return nil
}
