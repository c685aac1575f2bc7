// Package luks reads LUKS volumes: version 1 and 2, with a passphrase.
//
// It decrypts in the program, without the kernel: AES in the modes xts and cbc,
// keys from PBKDF2 and Argon2. Other ciphers, integrity and volumes in the
// middle of a reencryption are refused with the reason. What a header claims
// that costs time or memory is bounded. It writes nothing and keeps no
// passphrase.
//
// The layout is that of the LUKS1 On-Disk Format Specification 1.2.3 and the
// LUKS2 On-Disk Format Specification 1.1.
package luks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

var be = binary.BigEndian

const (
	// Kind is blkid's name of a volume.
	Kind = "crypto_LUKS"

	magic       = "LUKS\xba\xbe"
	secondMagic = "SKUL\xba\xbe"
	headSize    = 4096
)

// A Volume is a LUKS volume that is still closed.
type Volume struct {
	Version     int
	UUID, Label string
	// Cipher is in the notation of dm-crypt: "aes-xts-plain64".
	Cipher     string
	SectorSize int64
	// Offset and Size are where the encrypted content lies on the device.
	Offset, Size int64
	// Problems are what is wrong although a copy of the header could be read.
	Problems []error

	dev   fsys.Device
	tweak uint64 // number of the first sector for the cipher
	slots []slot
	// digests tell a right key, in the order in which they stand.
	digests []digest
	facts   map[string]string
	// closed says why no passphrase would open the volume.
	closed error
}

// A slot holds the volume's key, encrypted by a passphrase.
type slot struct {
	name    string
	keySize int64
	kdf     kdf
	// The key is spread over stripes, at offset of the device.
	offset, stripes int64
	hash            string // of the spreading
	cipher          string
	cipherKeySize   int64
	digests         []int // by which a key of this slot may be right
}

// A digest tells whether a key is the volume's.
type digest struct {
	kdf    kdf
	want   []byte
	slots  []string
	ofData bool
}

// Probe tells whether r is a volume, as blkid(8) would.
func Probe(r io.ReaderAt) (report.Filesystem, bool) {
	b := make([]byte, 512)
	if n, _ := r.ReadAt(b, 0); n < len(b) || string(b[:6]) != magic {
		return report.Filesystem{}, false
	}
	f := report.Filesystem{Type: Kind, UUID: text(b[168:208])}
	if be.Uint16(b[6:]) == 2 {
		f.Label = text(b[24:72])
	}
	return f, true
}

// text is a string up to its NUL.
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return strings.ToValidUTF8(string(b), "\ufffd")
}

// Open reads the header of a volume.
func Open(dev fsys.Device) (*Volume, error) {
	b := make([]byte, headSize)
	if err := readFull(dev, b, 0); err != nil {
		return nil, err
	}
	if string(b[:6]) != magic {
		return nil, errors.New("there is no header")
	}
	v := &Volume{dev: dev, Version: int(be.Uint16(b[6:])), UUID: text(b[168:208]), facts: map[string]string{}}
	var err error
	switch v.Version {
	case 1:
		err = v.readFirst(b)
	case 2:
		err = v.readSecond()
	default:
		err = fmt.Errorf("version %d is not read", v.Version)
	}
	if err != nil {
		return nil, err
	}
	if v.Offset < 0 || v.Size <= 0 || v.Offset > dev.Size() || v.Size > dev.Size()-v.Offset {
		return nil, fmt.Errorf("the content goes from byte %d to %d, but the device ends at byte %d: it is truncated", v.Offset, v.Offset+v.Size, dev.Size())
	}
	return v, nil
}

// Settings are what the header says of how the volume is opened. Salts and
// keys are not told: they differ between equal volumes.
func (v *Volume) Settings() map[string]string {
	m := maps.Clone(v.facts)
	m["version"] = fmt.Sprint(v.Version)
	m["cipher"] = v.Cipher
	m["sector_size"] = fmt.Sprint(v.SectorSize)
	var kinds []string
	for _, s := range v.slots {
		kinds = append(kinds, s.kdf.kind)
		m["key_bits"] = fmt.Sprint(s.keySize * 8)
	}
	slices.Sort(kinds)
	m["key_slots"] = strings.Join(kinds, " ")
	return m
}

// readFull reads b whole. The error names the place.
func readFull(r io.ReaderAt, b []byte, off int64) error {
	if n, err := r.ReadAt(b, off); n < len(b) {
		return fmt.Errorf("read at byte %d: %w", off, err)
	}
	return nil
}
