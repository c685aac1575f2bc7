package fat_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// grow gives a file of one cluster in the root directory of a FAT32 more, by
// writing its size and a chain of the clusters that follow.
func grow(t testing.TB, path, short string, size uint32) {
	t.Helper()
	le := binary.LittleEndian
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	kerneltest.Must(t, err)
	defer f.Close()
	boot := make([]byte, 512)
	_, err = f.ReadAt(boot, 0)
	kerneltest.Must(t, err)
	sector := int64(le.Uint16(boot[11:]))
	table, tableSize := int64(le.Uint16(boot[14:]))*sector, int64(le.Uint32(boot[36:]))*sector
	root := table + int64(boot[16])*tableSize
	data := make([]byte, 4096)
	_, err = f.ReadAt(data, root)
	kerneltest.Must(t, err)
	entry := bytes.Index(data, []byte(short))
	if entry < 0 {
		t.Fatalf("there is no entry %q", short)
	}
	first := le.Uint32(append(data[entry+26:entry+28:entry+28], data[entry+20:entry+22]...))
	le.PutUint32(data[entry+28:], size)
	_, err = f.WriteAt(data, root)
	kerneltest.Must(t, err)
	cluster := int64(boot[13]) * sector
	count := uint32((int64(size) + cluster - 1) / cluster)
	chain := make([]byte, 0, count*4)
	for i := uint32(1); i < count; i++ {
		chain = le.AppendUint32(chain, first+i)
	}
	chain = le.AppendUint32(chain, 0x0fffffff)
	for n := range int64(boot[16]) {
		_, err = f.WriteAt(chain, table+n*tableSize+int64(first)*4)
		kerneltest.Must(t, err)
	}
	info := sector * int64(le.Uint16(boot[48:])) // no hint of free clusters
	_, err = f.WriteAt(bytes.Repeat([]byte{0xff}, 8), info+0x1e8)
	kerneltest.Must(t, err)
}
