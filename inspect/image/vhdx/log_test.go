package vhdx_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/blockmap/blockmaptest"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// A write is one descriptor of a log: a sector of data, or zeros.
type write struct {
	offset int
	data   []byte // nil is 4 KiB of zeros
}

const logGUID = "a log of its own"

// entryOf builds an entry of the log by the specification.
func entryOf(sequence uint64, tail int, fileSize int, writes ...write) []byte {
	size := (64 + 32*len(writes) + 4095) / 4096 * 4096
	b := make([]byte, size)
	copy(b, "loge")
	le.PutUint32(b[12:], uint32(tail))
	le.PutUint64(b[16:], sequence)
	le.PutUint32(b[24:], uint32(len(writes)))
	copy(b[32:], logGUID)
	le.PutUint64(b[48:], uint64(fileSize))
	le.PutUint64(b[56:], uint64(fileSize))
	for n, w := range writes {
		d := b[64+32*n:]
		le.PutUint64(d[16:], uint64(w.offset))
		le.PutUint64(d[24:], sequence)
		if w.data == nil {
			copy(d, "zero")
			le.PutUint64(d[8:], 4096)
			continue
		}
		copy(d, "desc")
		copy(d[4:8], w.data[4092:])
		copy(d[8:16], w.data[:8])
		sector := bytes.Clone(w.data)
		copy(sector, "data")
		le.PutUint32(sector[4:], uint32(sequence>>32))
		le.PutUint32(sector[4092:], uint32(sequence))
		b = append(b, sector...)
	}
	le.PutUint32(b[8:], uint32(len(b)))
	seal(b)
	return b
}

// place puts an entry into the log of an image, around its end where need be.
func place(data []byte, at int, entry []byte) {
	start, length := logOf(data)
	for n := 0; n < len(entry); n += 4096 {
		copy(data[start+(at+n)%length:], entry[n:n+4096])
	}
}

func logOf(data []byte) (start, length int) {
	head := data[newest(data):]
	return int(le.Uint64(head[72:])), int(le.Uint32(head[68:]))
}

// emptyLog takes out what qemu wrote into the log, and says that it is to be replayed.
func emptyLog(data []byte) []byte {
	data = bytes.Clone(data)
	start, length := logOf(data)
	clear(data[start : start+length])
	for _, at := range []int{headers, 2 * headers} {
		copy(data[at+48:], logGUID)
	}
	sealAll(data)
	return data
}

// logged is an image whose log has one entry.
func logged(data []byte, writes ...write) []byte {
	data = emptyLog(data)
	place(data, 0, entryOf(5, 0, len(data), writes...))
	return data
}

// sealLog seals the first entry of a log, where its length allows.
func sealLog(data []byte) {
	start, length := logOf(data)
	if start < 0 || start > len(data)-4096 {
		return
	}
	n := int(le.Uint32(data[start+8:]))
	if n >= 4096 && n <= length && n <= len(data)-start {
		seal(data[start : start+n])
	}
}

// replayed lets qemu replay the log, and gives the disk.
func replayed(t testing.TB, data []byte) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.vhdx")
	kerneltest.Must(t, os.WriteFile(path, data, 0o600))
	kerneltest.Run(t, "qemu-img", "check", "-q", "-f", "vhdx", "-r", "all", path)
	raw := path + ".raw"
	kerneltest.Run(t, "qemu-img", "convert", "-f", "vhdx", "-O", "raw", path, raw)
	out, err := os.ReadFile(raw)
	kerneltest.Must(t, err)
	return out
}

func sectorOf(c byte) []byte { return bytes.Repeat([]byte{c}, 4096) }

// A log is replayed in memory as qemu replays it in the file.
func TestLogIsReplayed(t *testing.T) {
	t.Parallel()
	raw, plain := blockmaptest.Disk(t, 9<<20)
	good := blockmaptest.Bytes(t, raw, "vhdx", "block_size=1M")
	table := regionOf(good, tableGUID)
	blocks := int(le.Uint64(good[table:])>>20) * mib // where the first block lies
	for name, fill := range map[string]func([]byte){
		"data and zeros": func(b []byte) {
			place(b, 0, entryOf(5, 0, len(b), write{blocks, sectorOf(7)}, write{blocks + 8192, nil}, write{blocks + 65536, sectorOf(9)}))
		},
		"several entries": func(b []byte) {
			place(b, 0, entryOf(5, 0, len(b), write{blocks, sectorOf(1)}, write{blocks + 4096, sectorOf(2)}))
			place(b, 3*4096, entryOf(6, 0, len(b), write{blocks + 4096, sectorOf(3)}))
			place(b, 5*4096, entryOf(7, 0, len(b), write{blocks, nil}))
		},
		"cut in the last": func(b []byte) { // what was not written whole never happened
			place(b, 0, entryOf(5, 0, len(b), write{blocks, sectorOf(1)}))
			e := entryOf(6, 0, len(b), write{blocks + 4096, sectorOf(3)})
			place(b, 2*4096, append(e[:4096:4096], sectorOf(0)...))
		},
		"the block table": func(b []byte) {
			changed := bytes.Clone(b[table : table+4096])
			le.PutUint64(changed, 2)
			place(b, 0, entryOf(5, 0, len(b), write{table, changed}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			data := emptyLog(good)
			fill(data)
			before := bytes.Clone(data)
			want := replayed(t, data)
			if bytes.Equal(want, plain) {
				t.Fatal("qemu replayed nothing")
			}
			dev, err := open(data)
			kerneltest.Must(t, err)
			blockmaptest.Shows(t, dev, want)
			if !bytes.Equal(data, before) {
				t.Error("the file was written")
			}
		})
	}
}

// The tail of the last entry says where the replay begins. QEMU goes by the first
// sound entry in the file, so that these are judged by the specification alone.
func TestTailOfTheLog(t *testing.T) {
	t.Parallel()
	raw, plain := blockmaptest.Disk(t, 9<<20)
	good := emptyLog(blockmaptest.Bytes(t, raw, "vhdx", "block_size=1M"))
	blocks := int(le.Uint64(good[regionOf(good, tableGUID):])>>20) * mib
	_, length := logOf(good)
	for name, c := range map[string]struct {
		fill func([]byte)
		want []byte // of the first sectors; 0 is unchanged
	}{
		"in the middle": {func(b []byte) { // the first entry is done with
			place(b, 0, entryOf(5, 0, len(b), write{blocks, sectorOf(1)}))
			place(b, 2*4096, entryOf(6, 2*4096, len(b), write{blocks + 4096, sectorOf(3)}))
		}, []byte{0, 3}},
		"before the end": {func(b []byte) {
			place(b, length-2*4096, entryOf(5, length-2*4096, len(b), write{blocks, sectorOf(1)}, write{blocks + 4096, sectorOf(2)}))
			place(b, 4096, entryOf(6, length-2*4096, len(b), write{blocks + 8192, sectorOf(3)}))
		}, []byte{1, 2, 3}},
		"of another ring": {func(b []byte) { // what is left of an earlier round
			place(b, 8*4096, entryOf(3, 8*4096, len(b), write{blocks, sectorOf(9)}))
			place(b, 0, entryOf(7, 0, len(b), write{blocks + 4096, sectorOf(8)}))
		}, []byte{0, 8}},
	} {
		data := bytes.Clone(good)
		c.fill(data)
		want := bytes.Clone(plain)
		for n, v := range c.want {
			if v != 0 {
				copy(want[n*4096:], sectorOf(v))
			}
		}
		dev, err := open(data)
		kerneltest.Must(t, err)
		t.Log(name)
		blockmaptest.Shows(t, dev, want)
	}
}

// A file that grew as the log says has zeros where nothing was written.
func TestLogThatGrowsTheFile(t *testing.T) {
	t.Parallel()
	raw, want := blockmaptest.Disk(t, 9<<20)
	data := emptyLog(blockmaptest.Bytes(t, raw, "vhdx", "block_size=1M"))
	table := regionOf(data, tableGUID)
	changed := bytes.Clone(data[table : table+4096])
	end := (len(data) + mib - 1) / mib * mib
	le.PutUint64(changed, uint64(end)|6)
	e := entryOf(5, 0, len(data), write{table, changed}, write{end + 8192, sectorOf(4)})
	le.PutUint64(e[56:], uint64(end+mib))
	seal(e)
	place(data, 0, e)
	clear(want[:mib])
	copy(want[8192:], sectorOf(4))
	dev, err := open(data)
	kerneltest.Must(t, err)
	blockmaptest.Shows(t, dev, want)
}

func TestHostileLogs(t *testing.T) {
	t.Parallel()
	raw, _ := blockmaptest.Disk(t, 4<<20)
	good := emptyLog(blockmaptest.Bytes(t, raw, "vhdx", "block_size=1M"))
	entry := func(change func(e []byte)) []byte {
		data := bytes.Clone(good)
		e := entryOf(5, 0, len(data), write{4 * mib, sectorOf(1)}, write{5 * mib, nil})
		change(e)
		seal(e)
		place(data, 0, e)
		return data
	}
	headed := func(at int, value uint64) []byte {
		data := entry(func([]byte) {})
		for _, h := range []int{headers, 2 * headers} {
			if at == 68 {
				le.PutUint32(data[h+at:], uint32(value))
			} else {
				le.PutUint64(data[h+at:], value)
			}
		}
		sealAll(data)
		return data
	}
	many := bytes.Clone(good)
	for at := 0; at < 1<<20; at += 4096 { // each claims the whole ring
		e := entryOf(5, 0, len(many))
		le.PutUint32(e[8:], 1<<20)
		place(many, at, e)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":             {good, "no whole sequence"},
		"tail elsewhere":    {entry(func(e []byte) { le.PutUint32(e[12:], 8192) }), "no whole sequence"},
		"tail outside":      {entry(func(e []byte) { le.PutUint32(e[12:], 1<<31) }), "no whole sequence"},
		"descriptors":       {entry(func(e []byte) { le.PutUint32(e[24:], 1<<31) }), "no whole sequence"},
		"descriptor number": {entry(func(e []byte) { e[64+24] = 6 }), "another sequence"},
		"data number":       {entry(func(e []byte) { e[8191] = 6 }), "another sequence"},
		"kind":              {entry(func(e []byte) { e[64] = 6 }), "no known kind"},
		"no data":           {entry(func(e []byte) { copy(e[96:], "desc") }), "data is missing"},
		"offset":            {entry(func(e []byte) { le.PutUint64(e[64+16:], 1<<63) }), "impossible"},
		"offset between":    {entry(func(e []byte) { e[64+16] = 1 }), "impossible"},
		"zeros":             {entry(func(e []byte) { le.PutUint64(e[96+8:], 1<<62) }), "impossible"},
		"flushed":           {entry(func(e []byte) { le.PutUint64(e[48:], 1<<40) }), "truncated"},
		"last":              {entry(func(e []byte) { le.PutUint64(e[56:], 1<<50) }), "impossible"},
		"log length":        {headed(68, 1<<31), "impossible"},
		"log outside":       {headed(72, 1<<40), "truncated"},
		"log place":         {headed(72, 4096), "impossible"},
		"many":              {many, "too many entries"},
	} {
		err := blockmaptest.Read(c.data, open)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(fmt.Sprint(err), "vhdx log") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	data := entry(func([]byte) {})
	start, _ := logOf(data)
	blockmaptest.Flips(t, data, start, start+128, 1, func(b []byte) (fsys.Device, error) {
		b = bytes.Clone(b)
		sealLog(b)
		return open(b)
	})
}
