package canonical

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/assay-os/assay/report"
)

// ldCache is the rule for what the dynamic linker looks libraries up in.
func ldCache() Rule {
	return Rule{
		Rule: report.Rule{Name: "ld.so.cache", Version: 1,
			Reason: "the linker searches the entries by bisection and takes the first of a name that fits; where the strings lie, and which ldconfig wrote them, does not matter",
			Source: "glibc, sysdeps/generic/dl-cache.h and elf/dl-cache.c"},
		Match: func(e *report.Entry, head []byte) bool {
			return string(e.Path) == "/etc/ld.so.cache" && (bytes.HasPrefix(head, []byte(ldMagic)) || bytes.HasPrefix(head, []byte(ldMagicOld)))
		},
		canonicalise: canonicalLdCache,
	}
}

const (
	ldMagic    = "glibc-ld.so.cache1.1"
	ldMagicOld = "ld.so-1.7.0\x00"
	ldHeader   = 48
	ldEntry    = 24
	maxLdCache = 64 << 20
	// ldHwcapBit marks an entry whose hwcap is an index of the names in the
	// extension, DL_CACHE_HWCAP_EXTENSION.
	ldHwcapBit = 1 << 62
)

// An ldLibrary is one entry of the cache.
type ldLibrary struct {
	name, form string
}

func canonicalLdCache(_ context.Context, in *Input, f *form) error {
	if in.Content.Size() > maxLdCache {
		return ErrLimit
	}
	data, err := io.ReadAll(in.reader())
	if err != nil {
		return err
	}
	if bytes.HasPrefix(data, []byte(ldMagicOld)) {
		// The old table, in front of the new one, is for linkers of before 1999;
		// both hold the same, and its offsets relate to the new one's start.
		i := bytes.Index(data, []byte(ldMagic))
		if i < 0 {
			return malformed("it has the old table only")
		}
		f.fact("old table", hexSum(data[:i]))
		data = data[i:]
	}
	list, err := ldLibraries(data)
	if err != nil {
		return err
	}
	// In the order of the file: the linker finds nothing in one that is not sorted
	// its way. It takes no cache whose flags name another byte order.
	f.fact("flags", data[28])
	for _, l := range list {
		f.part(l.name, hexSum([]byte(l.form)))
	}
	return nil
}

// ldLibraries reads the entries in the order of preference.
func ldLibraries(data []byte) ([]ldLibrary, error) {
	if len(data) < ldHeader {
		return nil, malformed("%d bytes are less than a header", len(data))
	}
	order := binary.ByteOrder(binary.LittleEndian)
	// Bits 0 and 1 of the flags tell the byte order; 3 is big-endian.
	if data[28]&3 == 3 {
		order = binary.BigEndian
	}
	count := int64(order.Uint32(data[20:]))
	if ldHeader+count*ldEntry > int64(len(data)) {
		return nil, malformed("%d entries do not fit in %d bytes", count, len(data))
	}
	hwcaps, err := ldHwcaps(data, order)
	if err != nil {
		return nil, err
	}
	list := make([]ldLibrary, count)
	for i := range list {
		e := data[ldHeader+i*ldEntry:]
		name, err := ldString(data, order.Uint32(e[4:]))
		if err != nil {
			return nil, err
		}
		file, err := ldString(data, order.Uint32(e[8:]))
		if err != nil {
			return nil, err
		}
		hwcap := order.Uint64(e[16:])
		capability := fmt.Sprintf("%#x", hwcap)
		if hwcap&ldHwcapBit != 0 {
			if i := hwcap & 0xffffffff; i < uint64(len(hwcaps)) {
				capability = fmt.Sprintf("%#x %q", hwcap>>32, hwcaps[i])
			} else {
				return nil, malformed("an entry asks for hardware capability %d of %d", i, len(hwcaps))
			}
		}
		list[i] = ldLibrary{name, fmt.Sprintf("%d %q %d %s", order.Uint32(e), file, order.Uint32(e[12:]), capability)}
	}
	return list, nil
}

// ldHwcaps reads the names of glibc-hwcaps directories from the extension:
// its section with the tag 1 is an array of offsets of strings.
func ldHwcaps(data []byte, order binary.ByteOrder) ([]string, error) {
	start := int64(order.Uint32(data[32:]))
	if start == 0 {
		return nil, nil
	}
	const magic = 0xeaa42174
	size := int64(len(data))
	if start+8 > size || order.Uint32(data[start:]) != magic {
		return nil, malformed("no extension at byte %d", start)
	}
	var names []string
	count := int64(order.Uint32(data[start+4:]))
	for i := range min(count, 16) {
		at := start + 8 + 16*i
		if at+16 > size {
			return nil, malformed("the extension is cut off")
		}
		if order.Uint32(data[at:]) != 1 {
			continue
		}
		off, length := int64(order.Uint32(data[at+8:])), int64(order.Uint32(data[at+12:]))
		if off+length > size {
			return nil, malformed("the names of hardware capabilities are cut off")
		}
		for j := off; j+4 <= off+length; j += 4 {
			name, err := ldString(data, order.Uint32(data[j:]))
			if err != nil {
				return nil, err
			}
			names = append(names, name)
		}
	}
	return names, nil
}

// ldString is the string at an offset.
func ldString(data []byte, off uint32) (string, error) {
	if int64(off) >= int64(len(data)) {
		return "", malformed("a string at byte %d of %d", off, len(data))
	}
	s, _, ok := bytes.Cut(data[off:], []byte{0})
	if !ok || len(s) > 4096 {
		return "", malformed("the string at byte %d has no end", off)
	}
	return string(s), nil
}
