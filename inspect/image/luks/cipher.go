package luks

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/xts"
)

// errCipher says that a cipher is not read.
var errCipher = errors.New("it is not read (aes-xts and aes-cbc are)")

// A sectors decrypts sectors in place; the number is counted in 512 bytes.
type sectors interface{ decrypt(b []byte, number uint64) }

// newCipher makes a cipher by its name, as dm-crypt has it. A nil key only asks
// whether there is such a one.
func newCipher(name string, key []byte) (sectors, error) {
	switch name {
	case "aes-xts-plain64", "aes-xts-plain":
		if key == nil {
			return nil, nil
		}
		c, err := xts.NewCipher(aes.NewCipher, key)
		return xtsSectors{c, name == "aes-xts-plain"}, err
	case "aes-cbc-essiv:sha256", "aes-cbc-plain64", "aes-cbc-plain":
		if key == nil {
			return nil, nil
		}
		return newCBC(name, key)
	}
	return nil, fmt.Errorf("cipher %q: %w", name, errCipher)
}

type xtsSectors struct {
	*xts.Cipher
	short bool // the number of a sector has 32 bits
}

func (c xtsSectors) decrypt(b []byte, number uint64) {
	if c.short {
		number &= 0xffffffff
	}
	c.Decrypt(b, b, number)
}

type cbcSectors struct {
	block cipher.Block
	// salted encrypts the number of a sector: essiv. It is nil for plain ones.
	salted cipher.Block
	short  bool
}

func newCBC(name string, key []byte) (sectors, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	c := cbcSectors{block: block, short: name == "aes-cbc-plain"}
	if name == "aes-cbc-essiv:sha256" {
		sum := sha256.Sum256(key)
		if c.salted, err = aes.NewCipher(sum[:]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c cbcSectors) decrypt(b []byte, number uint64) {
	if c.short {
		number &= 0xffffffff
	}
	iv := make([]byte, aes.BlockSize)
	binary.LittleEndian.PutUint64(iv, number)
	if c.salted != nil {
		c.salted.Encrypt(iv, iv)
	}
	cipher.NewCBCDecrypter(c.block, iv).CryptBlocks(b, b)
}
