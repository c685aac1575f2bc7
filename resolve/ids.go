package resolve

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// ids are the image's identities.
type ids struct {
	disk, root, bootPartition, rootPartition string
}

// identify derives the UUIDs that the blueprint does not give from the
// blueprint itself: the same blueprint makes the same image, and two different
// ones never share an id. No randomness: who wants other ids gives them.
func (p *plan) identify() (ids, error) {
	data, err := json.Marshal(p.blueprint)
	if err != nil {
		return ids{}, fmt.Errorf("digest blueprint: %w", err)
	}
	digest := sha256.Sum256(data)
	id := func(role, given string) string {
		if given != "" {
			return given
		}
		value := deriveUUID(digest, role)
		p.choose("uuid of the "+role, value, "derived from the blueprint's digest")
		return value
	}
	img := p.blueprint.Image
	return ids{
		disk: id("disk", img.DiskUUID), root: id("root filesystem", img.RootUUID),
		bootPartition: id("boot partition", ""), rootPartition: id("root partition", ""),
	}, nil
}

// deriveUUID makes a UUID of version 8 (RFC 9562, 5.8: the maker's own rule):
// the first 128 bits of SHA-256 over the digest and the role.
func deriveUUID(digest [32]byte, role string) string {
	u := sha256.Sum256(append(digest[:], role...))
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}
