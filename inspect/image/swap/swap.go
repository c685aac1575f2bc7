// Package swap names swap areas and what a hibernation left in them.
//
// A swap area holds no files; its bytes are the caller's to compare.
//
// The layout is union swap_header of the kernel's include/linux/swap.h; the
// names are those of blkid(8).
package swap

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/assay-os/assay/report"
)

// The names that blkid gives.
const (
	Kind      = "swap"
	Suspended = "swsuspend"
)

// The signature ends the first page; the sizes are those that the kernel's
// architectures have.
const (
	minPage       = 4 << 10
	maxPage       = 64 << 10
	signatureSize = 10
)

// kinds are the signatures: of an area, and of a suspended system in one.
func kinds() map[string]string {
	return map[string]string{
		"SWAPSPACE2": Kind, "SWAP-SPACE": Kind,
		"S1SUSPEND\x00": Suspended, "S2SUSPEND\x00": Suspended, "ULSUSPEND\x00": Suspended,
		"LINHIB0001": Suspended, "\xed\xc3\x02\xe9\x98\x56\xe5\x0c\x00\x00": Suspended,
	}
}

// Probe tells whether r is a swap area, of either order of bytes.
func Probe(r io.ReaderAt) (report.Filesystem, bool) {
	for page := int64(minPage); page <= maxPage; page *= 2 {
		b := make([]byte, page)
		if n, _ := r.ReadAt(b, 0); n < len(b) {
			return report.Filesystem{}, false
		}
		signature := string(b[page-signatureSize:])
		if kind, ok := kinds()[signature]; ok {
			return describe(kind, signature, page, b), true
		}
	}
	return report.Filesystem{}, false
}

// describe reads the header of version 1, which lies behind 1 KiB of boot code:
// version, last page, number of bad pages, UUID, label. The page of a suspended
// system keeps it.
func describe(kind, signature string, page int64, b []byte) report.Filesystem {
	f := report.Filesystem{Type: kind, Settings: map[string]string{"page_size": fmt.Sprint(page)}}
	if kind == Suspended {
		f.Settings["signature"] = strings.ToValidUTF8(strings.TrimRight(signature, "\x00"), "?")
	}
	if signature == "SWAP-SPACE" {
		f.Settings["version"] = "0"
		return f
	}
	h := b[1024:]
	var order binary.ByteOrder = binary.LittleEndian
	if order.Uint32(h) != 1 {
		order = binary.BigEndian
		f.Settings["byte_order"] = "big"
	}
	if order.Uint32(h) != 1 {
		delete(f.Settings, "byte_order")
		return f
	}
	f.Settings["version"] = "1"
	f.Settings["last_page"] = fmt.Sprint(order.Uint32(h[4:]))
	if bad := order.Uint32(h[8:]); bad != 0 {
		f.Settings["bad_pages"] = fmt.Sprint(bad)
	}
	if id := h[12:28]; len(bytes.Trim(id, "\x00")) > 0 {
		f.UUID = fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	}
	label, _, _ := bytes.Cut(h[28:44], []byte{0})
	f.Label = strings.ToValidUTF8(string(label), "\ufffd")
	return f
}
