package fat_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/inspect/image/fat"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// A volume is a FAT16 in memory, whose bytes a test may change.
type volume struct {
	data             []byte
	table, tableSize int
	root, clusters   int
}

// smallVolume holds /a and /b of four clusters, /c, and /d/sub.
func smallVolume(t testing.TB) *volume {
	t.Helper()
	path := mkfs(t, 2300<<10, "-F 16 -s 1 -r 64 --invariant")
	dir := t.TempDir()
	kerneltest.Must(t, os.WriteFile(filepath.Join(dir, "A"), noise(2000), 0o644), os.WriteFile(filepath.Join(dir, "B"), noise(2001), 0o644),
		os.WriteFile(filepath.Join(dir, "C"), []byte("hello"), 0o644))
	run(t, "mcopy", "-i", path, filepath.Join(dir, "A"), filepath.Join(dir, "B"), filepath.Join(dir, "C"), "::")
	run(t, "mmd", "-i", path, "::D", "::D/SUB")
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	le := binary.LittleEndian
	v := &volume{data: data, table: int(le.Uint16(data[14:])) * 512, tableSize: int(le.Uint16(data[22:])) * 512}
	v.root = v.table + 2*v.tableSize
	v.clusters = v.root + 64*32
	for _, name := range []string{"A", "B", "C", "D"} {
		v.entry(name)[12] = 0x18 // in lower case
	}
	v.inside("D", 2)[12] = 0x18
	return v
}

// entry is that of a name in the root directory.
func (v *volume) entry(name string) []byte {
	at := bytes.Index(v.data[v.root:v.clusters], []byte((name + "           ")[:11]))
	return v.data[v.root+at : v.root+at+32]
}

// first is the first cluster of a name.
func (v *volume) first(name string) int {
	return int(binary.LittleEndian.Uint16(v.entry(name)[26:]))
}

// inside is an entry of a directory.
func (v *volume) inside(name string, n int) []byte {
	at := v.clusters + (v.first(name)-2)*512 + n*32
	return v.data[at : at+32]
}

// set changes what follows a cluster, in both tables.
func (v *volume) set(cluster, next int) {
	for _, table := range []int{v.table, v.table + v.tableSize} {
		binary.LittleEndian.PutUint16(v.data[table+2*cluster:], uint16(next))
	}
}

func (v *volume) list(t testing.TB) map[string]string {
	t.Helper()
	fs, err := fat.Open(context.Background(), bytes.NewReader(v.data), int64(len(v.data)))
	kerneltest.Must(t, err)
	return fsystest.Contents(t, fs)
}
