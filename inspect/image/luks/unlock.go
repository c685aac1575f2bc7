package luks

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// ErrPassphrase says that no key slot opens with what was given.
var ErrPassphrase = errors.New("no key slot opens with the passphrase that was given")

// Bounds of a slot. The usual number of stripes is 4,000.
const maxStripes = 1 << 16

// Unlock finds the key by one of the passphrases and gives the content. It
// fails with [ErrPassphrase] when none is right.
func (v *Volume) Unlock(ctx context.Context, passphrases ...[]byte) (fsys.Device, error) {
	if v.closed != nil {
		return nil, v.closed
	}
	if _, err := newCipher(v.Cipher, nil); errors.Is(err, errCipher) {
		return nil, err
	}
	spent := &budget{left: maxWork}
	reason := ErrPassphrase
	for _, p := range passphrases {
		for _, s := range v.slots {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			key, err := v.try(ctx, s, p, spent)
			if err != nil {
				if !errors.Is(err, ErrPassphrase) {
					reason = fmt.Errorf("key slot %s: %w", s.name, err)
				}
				continue
			}
			return v.open(key)
		}
	}
	return nil, reason
}

// try takes the key out of one slot.
func (v *Volume) try(ctx context.Context, s slot, passphrase []byte, spent *budget) ([]byte, error) {
	if s.keySize <= 0 || s.keySize > maxKeySize || s.cipherKeySize <= 0 || s.cipherKeySize > maxKeySize || s.stripes <= 0 || s.stripes > maxStripes {
		return nil, fmt.Errorf("a key of %d bytes in %d stripes is impossible", s.keySize, s.stripes)
	}
	size := s.keySize * s.stripes
	if s.offset < 0 || s.offset > v.dev.Size() || size > v.dev.Size()-s.offset {
		return nil, fmt.Errorf("its area at byte %d lies beyond the end of the device", s.offset)
	}
	derived, err := s.kdf.derive(ctx, passphrase, s.cipherKeySize, spent)
	if err != nil {
		return nil, err
	}
	c, err := newCipher(s.cipher, derived)
	if err != nil {
		return nil, err
	}
	const areaSector = 512
	area := make([]byte, (size+areaSector-1)/areaSector*areaSector)
	if err := readFull(v.dev, area[:min(int64(len(area)), v.dev.Size()-s.offset)], s.offset); err != nil {
		return nil, err
	}
	for at := 0; at < len(area); at += areaSector {
		c.decrypt(area[at:at+areaSector], uint64(at/areaSector))
	}
	key, err := merge(area[:size], s.keySize, s.hash)
	if err != nil {
		return nil, err
	}
	for _, i := range s.digests {
		d := v.digests[i]
		got, err := d.kdf.derive(ctx, key, int64(len(d.want)), spent)
		if err != nil {
			return nil, fmt.Errorf("digest: %w", err)
		}
		if len(got) > 0 && subtle.ConstantTimeCompare(got, d.want) == 1 {
			return key, nil
		}
	}
	return nil, ErrPassphrase
}

// merge puts a key together that was spread over stripes.
func merge(area []byte, size int64, name string) ([]byte, error) {
	newHash := hashes()[name]
	if newHash == nil {
		return nil, fmt.Errorf("the hash %q is not read", name)
	}
	h := newHash()
	key := make([]byte, size)
	for len(area) > 0 {
		subtle.XORBytes(key, key, area[:size])
		if area = area[size:]; len(area) == 0 {
			break
		}
		for i, at := uint32(0), 0; at < len(key); i, at = i+1, at+h.Size() {
			h.Reset()
			h.Write(be.AppendUint32(nil, i))
			part := key[at:min(at+h.Size(), len(key))]
			h.Write(part)
			copy(part, h.Sum(nil))
		}
	}
	return key, nil
}
