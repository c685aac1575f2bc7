package erofs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/assay-os/assay/inspect/inflate"
)

// clusterCache is how many bytes of unpacked clusters are kept.
const clusterCache = 32 << 20

// A clusterKey tells clusters apart. Files may share one, and may want more or
// less of it.
type clusterKey struct {
	at     int64
	size   uint32
	method method
	box    bool
}

// clusters keep what was unpacked last. When they are full, those that came first
// go.
type clusters struct {
	mu    sync.Mutex
	data  map[clusterKey][]byte
	order []clusterKey
	size  int
}

func newClusters() *clusters { return &clusters{data: map[clusterKey][]byte{}} }

// find returns a cluster of which at least n bytes are unpacked.
func (c *clusters) find(k clusterKey, n int64) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if data := c.data[k]; int64(len(data)) >= n {
		return data
	}
	return nil
}

func (c *clusters) keep(k clusterKey, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.data[k]; ok {
		if len(old) < len(data) {
			c.size += len(data) - len(old)
			c.data[k] = data
		}
		return
	}
	for c.size+len(data) > clusterCache && len(c.order) > 0 {
		c.size -= len(c.data[c.order[0]])
		delete(c.data, c.order[0])
		c.order = append(c.order[:0], c.order[1:]...)
	}
	c.data[k] = data
	c.order = append(c.order, k)
	c.size += len(data)
}

// cluster unpacks what an extent needs of its cluster.
func (fs *FS) cluster(e *extent) ([]byte, error) {
	k := clusterKey{e.at, e.size, e.method, e.box}
	if data := fs.clusters.find(k, e.length); data != nil {
		return data, nil
	}
	packed := make([]byte, e.size)
	if err := fs.readExtent(packed, &extent{at: e.at, box: e.box}, 0); err != nil {
		return nil, err
	}
	out := make([]byte, e.length)
	if err := fs.unpack(out, packed, e); err != nil {
		return nil, fmt.Errorf("unpack cluster at byte %d: %s: %w", e.at, algorithmNames[e.method-lz4], err)
	}
	fs.clusters.keep(k, out)
	return out, nil
}

var (
	errShort = errors.New("it holds fewer bytes than its index says")
	errLong  = errors.New("it holds more bytes than its index says")
	errData  = errors.New("the data are broken")
)

// unpack fills out. Clusters are filled up with zeros at their start, so that
// they end with the last byte of the stream; those of the first images at their
// end.
func (fs *FS) unpack(out, packed []byte, e *extent) error {
	whole := !e.partial
	if e.method == lz4 && fs.incompat&incompatZeroPadding == 0 {
		whole = false
	} else if packed = bytes.TrimLeft(packed, "\x00"); len(packed) == 0 {
		return errors.New("it is empty")
	}
	switch e.method {
	case lz4:
		return unpackLZ4(out, packed, whole)
	case lzma:
		return unpackLZMA(out, packed, whole)
	case deflate:
		return fs.unpackers.unpackDeflate(out, packed, whole)
	}
	return fs.unpackers.unpackZstandard(out, packed, whole)
}

// unpackers are the decompressors of libraries, which are worth using again.
type unpackers struct {
	deflate sync.Pool
	zstd    func() (*zstd.Decoder, error)
}

func newUnpackers() *unpackers {
	return &unpackers{
		deflate: sync.Pool{New: func() any { return new(inflate.Decoder) }},
		zstd: sync.OnceValues(func() (*zstd.Decoder, error) {
			return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(2*maxUnpacked), zstd.WithDecoderMaxMemory(2*maxUnpacked))
		}),
	}
}

func (u *unpackers) unpackDeflate(out, packed []byte, whole bool) error {
	d := u.deflate.Get().(*inflate.Decoder) //nolint:forcetypeassert,errcheck // the pool holds nothing else
	defer u.deflate.Put(d)
	var n int
	var err error
	if whole {
		n, _, err = d.Whole(out, packed)
	} else {
		n, err = d.Fill(out, packed)
	}
	switch {
	case errors.Is(err, inflate.ErrTooLarge):
		return errLong
	case err == nil && n < len(out), errors.Is(err, io.ErrUnexpectedEOF):
		return errShort
	}
	return err
}

func (u *unpackers) unpackZstandard(out, packed []byte, whole bool) error {
	d, err := u.zstd()
	if err != nil {
		return err
	}
	data, err := d.DecodeAll(packed, out[:0:len(out)])
	switch {
	case err != nil:
		return err
	case len(data) < len(out):
		return errShort
	case len(data) > len(out) && whole:
		return errLong
	}
	copy(out, data)
	return nil
}
