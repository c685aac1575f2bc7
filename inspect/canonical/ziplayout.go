package canonical

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A zipWalk goes over an archive as a reader of a stream does, which sees the
// members' own headers and never the directory at the end. The rule is for
// archives in which both tell the same, and which hold nothing besides.
type zipWalk struct {
	r      io.ReaderAt
	size   int64
	at     int64
	byData map[int64]*zip.File
	// extra are the facts in each member's own header, names in their order.
	extra map[*zip.File]string
	names []string
}

const (
	zipLocal     = "PK\x03\x04"
	zipCentral   = "PK\x01\x02"
	zipEnd       = "PK\x05\x06"
	zipEnd64     = "PK\x06\x06"
	zipLocator   = "PK\x06\x07"
	zipDescribed = 8 // the flag for sizes that follow the data
	zipUTF8      = 0x800
)

func walkZip(r io.ReaderAt, size int64, files []*zip.File) (*zipWalk, error) {
	w := &zipWalk{r: r, size: size, byData: map[int64]*zip.File{}, extra: map[*zip.File]string{}}
	seen := map[string]bool{}
	for _, z := range files {
		if seen[z.Name] {
			return nil, malformed("%q comes twice: readers differ in which counts", z.Name)
		}
		seen[z.Name] = true
		at, err := z.DataOffset()
		if err != nil {
			return nil, corrupt(err)
		}
		w.byData[at] = z
	}
	for range files {
		if err := w.local(); err != nil {
			return nil, err
		}
	}
	for range files {
		if err := w.central(); err != nil {
			return nil, err
		}
	}
	return w, w.end()
}

// header reads n bytes that must start with a signature, and goes behind them.
func (w *zipWalk) header(signature string, n int64) ([]byte, error) {
	b := make([]byte, n)
	if got, err := w.r.ReadAt(b, w.at); got < len(b) && !errors.Is(err, io.EOF) {
		return nil, err
	} else if got < len(b) || !strings.HasPrefix(string(b), signature) {
		return nil, malformed("no %q at byte %d", signature, w.at)
	}
	w.at += n
	return b, nil
}

// local reads a member's own header: APPNOTE 4.3.7.
func (w *zipWalk) local() error {
	h, err := w.header(zipLocal, 30)
	if err != nil {
		return err
	}
	n := int64(binary.LittleEndian.Uint16(h[26:]))
	b, err := w.header("", n+int64(binary.LittleEndian.Uint16(h[28:])))
	if err != nil {
		return err
	}
	z := w.byData[w.at]
	if z == nil || z.Name != string(b[:n]) || z.Flags != binary.LittleEndian.Uint16(h[6:]) || z.Method != binary.LittleEndian.Uint16(h[8:]) {
		return malformed("the member %q is another one in the directory", b[:n])
	}
	delete(w.byData, w.at)
	w.extra[z] = zipExtra(b[n:])
	w.names = append(w.names, z.Name)
	w.at += int64(z.CompressedSize64)
	if z.Flags&zipDescribed != 0 {
		return w.descriptor(z)
	}
	if sizes := h[14:26]; binary.LittleEndian.Uint32(sizes) != z.CRC32 ||
		!zipSize(sizes[4:], z.CompressedSize64) || !zipSize(sizes[8:], z.UncompressedSize64) {
		return malformed("the sizes of %q are others in the directory", z.Name)
	}
	return nil
}

// zipSize compares a size; all ones stand for one that follows in 64 bits.
func zipSize(b []byte, size uint64) bool {
	v := uint64(binary.LittleEndian.Uint32(b))
	return v == size || v == 0xffffffff && size >= 0xffffffff
}

// descriptor reads what follows data whose size was not known: APPNOTE 4.3.9.
func (w *zipWalk) descriptor(z *zip.File) error {
	var sum, narrow, wide []byte
	sum = binary.LittleEndian.AppendUint32(nil, z.CRC32)
	narrow = binary.LittleEndian.AppendUint32(slices.Clone(sum), uint32(z.CompressedSize64))
	narrow = binary.LittleEndian.AppendUint32(narrow, uint32(z.UncompressedSize64))
	wide = binary.LittleEndian.AppendUint64(slices.Clone(sum), z.CompressedSize64)
	wide = binary.LittleEndian.AppendUint64(wide, z.UncompressedSize64)
	for _, form := range []string{"PK\x07\x08" + string(wide), "PK\x07\x08" + string(narrow), string(wide), string(narrow)} {
		if _, err := w.header(form, int64(len(form))); err == nil {
			return nil
		}
	}
	return malformed("no sizes behind %q", z.Name)
}

// central goes over one line of the directory: APPNOTE 4.3.12.
func (w *zipWalk) central() error {
	h, err := w.header(zipCentral, 46)
	if err != nil {
		return err
	}
	for _, at := range []int{28, 30, 32} {
		w.at += int64(binary.LittleEndian.Uint16(h[at:]))
	}
	return nil
}

// end holds that nothing lies between the directory and the end, or behind it.
func (w *zipWalk) end() error {
	if h, err := w.header(zipEnd64, 12); err == nil {
		w.at += int64(min(binary.LittleEndian.Uint64(h[4:]), 1<<20))
		if _, err := w.header(zipLocator, 20); err != nil {
			return err
		}
	}
	h, err := w.header(zipEnd, 22)
	if err != nil {
		return err
	}
	if w.at += int64(binary.LittleEndian.Uint16(h[20:])); w.at != w.size {
		return malformed("%d bytes besides its members", w.size-w.at)
	}
	return nil
}

// leads is the name of the first member, where programs ask for it there: a
// manifest by Java's JarInputStream, the type of a document by file(1).
func (w *zipWalk) leads() string {
	if len(w.names) > 0 && (w.names[0] == "mimetype" || strings.HasPrefix(w.names[0], "META-INF/")) {
		return w.names[0]
	}
	return ""
}

// zipExtra is a member's extra fields but for those that hold times and sizes:
// zip64, NTFS and "UT".
func zipExtra(b []byte) string {
	var facts []string
	for len(b) >= 4 {
		id, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		if n > len(b)-4 {
			break
		}
		if !slices.Contains([]uint16{0x0001, 0x000a, 0x5455}, id) {
			facts = append(facts, fmt.Sprintf("%04x %x", id, b[4:4+n]))
		}
		b = b[4+n:]
	}
	if len(b) > 0 {
		facts = append(facts, fmt.Sprintf("rest %x", b))
	}
	return strings.Join(facts, ", ")
}
