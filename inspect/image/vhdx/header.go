package vhdx

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/assay-os/assay/inspect/image/blockmap"
)

// A guid is stored with its first three fields in little endian.
type guid [16]byte

// parseGUID reads the usual way of writing, which must be right.
func parseGUID(s string) (g guid) {
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != len(g) {
		return guid{}
	}
	for i, at := range []int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15} {
		g[i] = b[at]
	}
	return g
}

// String is the usual way of writing.
func (g guid) String() string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(g[:]), le.Uint16(g[4:]), le.Uint16(g[6:]), g[8:10], g[10:])
}

const (
	headerLen = 4 << 10
	regionLen = 64 << 10
)

// A header says how far the file was written.
type header struct {
	sequence  uint64
	log       guid
	logOffset int64
	logLength int64
	raw       []byte
}

func (h *header) logged() bool { return h.log != guid{} }

// readHeader gives the header that counts: of those that are sound, the last
// that was written.
func readHeader(r io.ReaderAt) (*header, error) {
	var sound []*header
	var errs []error
	for _, off := range []int64{64 << 10, 128 << 10} {
		h, err := headerAt(r, off)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		sound = append(sound, h)
	}
	switch {
	case len(sound) == 0:
		return nil, fmt.Errorf("of both copies none is sound: %w", errs[0])
	case len(sound) == 1 || sound[0].sequence > sound[1].sequence:
		return sound[0], nil
	case sound[0].sequence == sound[1].sequence && !bytes.Equal(sound[0].raw, sound[1].raw):
		return nil, fmt.Errorf("both copies are of sequence %d, and differ", sound[0].sequence)
	}
	return sound[1], nil
}

func headerAt(r io.ReaderAt, off int64) (*header, error) {
	b := make([]byte, headerLen)
	if n, err := r.ReadAt(b, off); n < len(b) {
		return nil, blockmap.Short(err)
	}
	switch {
	case string(b[:4]) != "head":
		return nil, errors.New("the signature is missing")
	case !checked(b):
		return nil, errors.New("the checksum does not match")
	case le.Uint16(b[66:]) != 1:
		return nil, fmt.Errorf("version %d is not known (1 is)", le.Uint16(b[66:]))
	}
	return &header{
		sequence: le.Uint64(b[8:]), log: guid(b[48:64]),
		logLength: int64(le.Uint32(b[68:])), logOffset: int64(le.Uint64(b[72:])), raw: b,
	}, nil
}

// The regions that are read.
var (
	tableRegion    = parseGUID("2dc27766-f623-4200-9d64-115e9bfd4a08")
	metadataRegion = parseGUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")
)

// A region is a run of the file.
type region struct{ offset, length int64 }

// readRegions reads the first table of regions that is sound. The problem is what is
// wrong with the other.
func readRegions(r io.ReaderAt) (regions map[guid]region, problem, err error) {
	b, problem := regionTable(r, 192<<10)
	if problem != nil {
		var err error
		if b, err = regionTable(r, 256<<10); err != nil {
			return nil, nil, fmt.Errorf("of both copies none is sound: %w", problem)
		}
		problem = fmt.Errorf("the first copy: %w; the second is used", problem)
	}
	regions, err = parseRegions(b)
	return regions, problem, err
}

func regionTable(r io.ReaderAt, off int64) ([]byte, error) {
	b := make([]byte, regionLen)
	if n, err := r.ReadAt(b, off); n < len(b) {
		return nil, blockmap.Short(err)
	}
	switch {
	case string(b[:4]) != "regi":
		return nil, errors.New("the signature is missing")
	case !checked(b):
		return nil, errors.New("the checksum does not match")
	}
	return b, nil
}

func parseRegions(b []byte) (map[guid]region, error) {
	const maxEntries, required = 2047, 1
	count := le.Uint32(b[8:])
	if count > maxEntries {
		return nil, fmt.Errorf("%d entries are too many", count)
	}
	out := map[guid]region{}
	for e := b[16:]; count > 0; e, count = e[32:], count-1 {
		id := guid(e)
		r := region{int64(le.Uint64(e[16:])), int64(le.Uint32(e[24:]))}
		if r.offset < mib || r.offset%mib != 0 {
			return nil, fmt.Errorf("region %s: byte %d is impossible", id, uint64(r.offset))
		}
		if _, twice := out[id]; twice {
			return nil, fmt.Errorf("region %s: it is there twice", id)
		}
		if id != tableRegion && id != metadataRegion && le.Uint32(e[28:])&required != 0 {
			return nil, fmt.Errorf("region %s: it is required, and not known", id)
		}
		out[id] = r
	}
	for _, id := range []guid{tableRegion, metadataRegion} {
		if _, ok := out[id]; !ok {
			return nil, fmt.Errorf("region %s is missing", id)
		}
	}
	return out, nil
}
