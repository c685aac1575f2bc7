package packages

import (
	"crypto/sha1" //nolint:gosec // what old headers are recorded with
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strings"

	"github.com/assay-os/assay/inspect/rpmdb"
)

// headerMagic begins a header in a package's file, where its digest is made.
const headerMagic = "\x8e\xad\xe8\x01\x00\x00\x00\x00"

// badDigest names a digest that the header's own immutable region does not have, "" where all is well
// or there is none. rpm refuses such a header.
func badDigest(h *rpmdb.Header) string {
	if h.RegionTag == 0 {
		return ""
	}
	for _, d := range []struct {
		tag  uint32
		hash func() hash.Hash
	}{{273, sha256.New}, {269, sha1.New}} {
		want := h.Find(d.tag).Strings()
		if len(want) != 1 {
			continue
		}
		sum := d.hash()
		head := binary.BigEndian.AppendUint32([]byte(headerMagic), uint32(len(h.Region[0])/16))
		sum.Write(binary.BigEndian.AppendUint32(head, uint32(len(h.Region[1]))))
		sum.Write(h.Region[0])
		sum.Write(h.Region[1])
		if !strings.EqualFold(hex.EncodeToString(sum.Sum(nil)), want[0]) {
			return digestName(d.tag)
		}
		return ""
	}
	return ""
}

// checkHeader keeps the name of a package whose header is not what it says.
func (l *rpmFileTable) checkHeader(h *rpmdb.Header) {
	if bad := badDigest(h); bad != "" {
		l.badHeaders = append(l.badHeaders, text(h.Name())+" "+bad)
	}
}
