package luks

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // old volumes have it
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"

	"golang.org/x/crypto/argon2"
)

// Bounds of what a header may have us do. cryptsetup(8) takes what is two
// seconds of work, and at most 1 GiB of memory, unless it is told otherwise.
const (
	// MaxMemory is how much memory a key's derivation may take, in bytes.
	MaxMemory = 1 << 30
	// maxWork is what all derivations of one volume may take together: in bytes
	// that Argon2 writes, of which one of PBKDF2's rounds counts as 1 KiB.
	maxWork  = 64 << 30
	perRound = 1 << 10
)

// A budget is what is left of maxWork.
type budget struct{ left int64 }

func (b *budget) take(n int64) error {
	if n < 0 || n > b.left {
		return fmt.Errorf("its key takes more work to derive than is allowed for one volume")
	}
	b.left -= n
	return nil
}

// A kdf says how a key is derived from a passphrase.
type kdf struct {
	kind, hash string
	salt       []byte
	// time are rounds; memory is in KiB, of Argon2 only.
	time, memory, threads int64
}

func hashes() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{
		"sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
	}
}

// derive computes a key of size bytes.
func (k kdf) derive(ctx context.Context, passphrase []byte, size int64, spent *budget) ([]byte, error) {
	const most = 1 << 32
	if k.time < 1 || k.time >= most || size < 1 || size > maxKeySize {
		return nil, fmt.Errorf("%d rounds for a key of %d bytes are impossible", k.time, size)
	}
	switch k.kind {
	case "pbkdf2":
		newHash := hashes()[k.hash]
		if newHash == nil {
			return nil, fmt.Errorf("the hash %q is not read", k.hash)
		}
		blocks := (size + int64(newHash().Size()) - 1) / int64(newHash().Size())
		if err := spent.take(k.time * blocks * perRound); err != nil {
			return nil, err
		}
		return k.pbkdf2(ctx, hmac.New(newHash, passphrase), size)
	case "argon2i", "argon2id":
		return k.argon2(passphrase, size, spent)
	}
	return nil, fmt.Errorf("the key derivation %q is not read", k.kind)
}

// pbkdf2 is RFC 8018's, which the standard library has, too, but not so that
// minutes of it could be ended.
func (k kdf) pbkdf2(ctx context.Context, mac hash.Hash, size int64) ([]byte, error) {
	var key []byte
	for block := uint32(1); int64(len(key)) < size; block++ {
		mac.Reset()
		mac.Write(k.salt)
		mac.Write(be.AppendUint32(nil, block))
		u := mac.Sum(nil)
		sum := append([]byte{}, u...)
		for round := int64(1); round < k.time; round++ {
			if round&0xffff == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			mac.Reset()
			mac.Write(u)
			u = mac.Sum(u[:0])
			subtle.XORBytes(sum, sum, u)
		}
		key = append(key, sum...)
	}
	return key[:size], nil
}

func (k kdf) argon2(passphrase []byte, size int64, spent *budget) ([]byte, error) {
	switch {
	case k.memory < 8 || k.threads < 1 || k.threads > 255:
		return nil, fmt.Errorf("argon2 with %d KiB and %d threads is impossible", k.memory, k.threads)
	case k.memory > MaxMemory>>10:
		return nil, fmt.Errorf("its key takes %d KiB of memory to derive, more than the %d that are allowed", k.memory, MaxMemory>>10)
	}
	if err := spent.take(k.time * k.memory << 10); err != nil {
		return nil, err
	}
	f := argon2.IDKey
	if k.kind == "argon2i" {
		f = argon2.Key
	}
	return f(passphrase, k.salt, uint32(k.time), uint32(k.memory), uint8(k.threads), uint32(size)), nil
}
