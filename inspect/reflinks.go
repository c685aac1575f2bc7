package inspect

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree"
)

// reflinks are the digests of contents by where they lie, for filesystems in
// which several files may share their blocks.
type reflinks struct {
	mu   sync.Mutex
	sums map[string]string
}

// minReflink is the least content worth it.
const minReflink = 64 << 10

// placeOf names where a content lies; it is empty where that is not known, where
// blocks are not shared, and where the content is small. Contents that are one
// hole are in one place, whatever the filesystem.
func (in *inspection) placeOf(f *tree.File, c image.Content) (string, error) {
	kind := in.volumes[f.Volume].Filesystem.Type
	if c.Size() < minReflink {
		return "", nil
	}
	extents, err := c.Extents()
	if err != nil {
		return "", err
	}
	if len(extents) == 0 {
		return fmt.Sprintf("hole of %d bytes", c.Size()), nil
	}
	if kind != "btrfs" && kind != "xfs" {
		return "", nil
	}
	key := binary.BigEndian.AppendUint64(nil, uint64(f.Volume))
	key = binary.BigEndian.AppendUint64(key, uint64(c.Size()))
	for _, x := range extents {
		if x.Physical < 0 {
			return "", nil
		}
		for _, n := range []int64{x.Offset, x.Length, x.Physical} {
			key = binary.BigEndian.AppendUint64(key, uint64(n))
		}
	}
	return string(key), nil
}

func (r *reflinks) get(place string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum, ok := r.sums[place]
	return sum, ok && place != ""
}

func (r *reflinks) put(place, sum string) {
	if place == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sums == nil {
		r.sums = map[string]string{}
	}
	r.sums[place] = sum
}
