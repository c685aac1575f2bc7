package luks_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// memory is a device of bytes.
type memory []byte

func (m memory) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(m).ReadAt(p, off) }
func (m memory) Size() int64                             { return int64(len(m)) }
func (m memory) Extents() ([]fsys.Extent, error) {
	return []fsys.Extent{{Length: int64(len(m))}}, nil
}

// headers are a volume of each version, cut to what opening them needs.
func headers(t testing.TB) [][]byte {
	t.Helper()
	var out [][]byte
	for _, flags := range [][]string{{"luks1"}, nil} {
		path, _ := encrypted(t, flags...)
		data, err := os.ReadFile(path)
		must(t, err)
		out = append(out, data[:16<<20+4096])
	}
	return out
}

func TestFlippedBytesAreSurvived(t *testing.T) {
	t.Parallel()
	step := 13
	if os.Getenv("ASSAY_FULL") == "1" {
		step = 1
	}
	for version, data := range headers(t) {
		if _, err := unlock(t, data); err != nil {
			t.Fatal(err)
		}
		end := 592
		if version == 1 {
			end = 4096 + len(bytes.TrimRight(data[4096:16<<10], "\x00"))
		}
		for at := 0; at < end; at += step {
			for _, v := range []byte{0x01, 0x80} {
				kept := bytes.Clone(data[:512])
				data[at] ^= v
				if version == 1 && at >= 512 {
					summed(data)
				}
				start := time.Now()
				_, _ = unlock(t, data)
				data[at] ^= v
				copy(data, kept)
				if took := time.Since(start); took > 20*time.Second {
					t.Fatalf("version %d, byte %d: %v", version+1, at, took)
				}
			}
		}
	}
}

func TestTruncationIsTold(t *testing.T) {
	t.Parallel()
	for version, data := range headers(t) {
		for n := 0; n < 16<<20; n += 1700 << 10 {
			if _, err := unlock(t, data[:n]); err == nil {
				t.Errorf("version %d: cut at %d bytes it opens", version+1, n)
			}
		}
	}
}

// FuzzOpen changes bytes of real headers, and makes the checksum right again.
func FuzzOpen(f *testing.F) {
	targets := headers(f)
	for i := range targets {
		f.Add(uint8(i), []byte{0, 108, 1, 0, 8, 0xff})
		f.Add(uint8(i), []byte{16, 20, '9', 16, 90, '{'})
	}
	f.Fuzz(func(t *testing.T, which uint8, patches []byte) {
		data := targets[int(which)%len(targets)]
		head := bytes.Clone(data[:32<<10])
		for ; len(patches) >= 3; patches = patches[3:] {
			head[(int(patches[0])<<8|int(patches[1]))%len(head)] = patches[2]
		}
		if which%2 == 1 {
			head = summed(head)
		}
		_, _ = unlock(t, append(head, data[32<<10:300<<10]...))
	})
}
