package luks

import "fmt"

// The header of version 1: struct luks_phdr.
const (
	firstSector = 512
	firstSlots  = 8
	slotEnabled = 0x00ac71f3
	firstDigest = 20
	maxKeySize  = 128
)

// readFirst reads a header of version 1.
func (v *Volume) readFirst(b []byte) error {
	hash := text(b[72:104])
	keySize := int64(be.Uint32(b[108:]))
	if keySize == 0 || keySize > maxKeySize {
		return fmt.Errorf("a key of %d bytes is impossible", keySize)
	}
	v.Cipher = text(b[8:40]) + "-" + text(b[40:72])
	v.SectorSize = firstSector
	v.Offset = int64(be.Uint32(b[104:])) * firstSector
	v.Size = (v.dev.Size() - v.Offset) / firstSector * firstSector
	v.facts["hash"] = hash
	v.digests = []digest{{
		kdf:    kdf{kind: "pbkdf2", hash: hash, salt: b[132:164], time: int64(be.Uint32(b[164:]))},
		want:   b[112 : 112+firstDigest],
		ofData: true,
	}}
	for i := range firstSlots {
		s := b[208+48*i:]
		if be.Uint32(s) != slotEnabled {
			continue
		}
		v.slots = append(v.slots, slot{
			name: fmt.Sprint(i), keySize: keySize, hash: hash, cipher: v.Cipher, cipherKeySize: keySize,
			kdf:     kdf{kind: "pbkdf2", hash: hash, salt: s[8:40], time: int64(be.Uint32(s[4:]))},
			offset:  int64(be.Uint32(s[40:])) * firstSector,
			stripes: int64(be.Uint32(s[44:])),
			digests: []int{0},
		})
	}
	return nil
}
