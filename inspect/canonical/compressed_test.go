package canonical_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/canonical"
	"github.com/assay-os/assay/report"
)

func TestCompressed(t *testing.T) {
	text := []byte(strings.Repeat("the quick brown fox jumps over the lazy dog\n", 2000))
	other := bytes.Clone(text)
	other[len(other)/2] ^= 1
	for _, c := range []struct {
		tool, path string
		a, b       []string
	}{
		{"gzip", "/usr/share/man/man1/x.1.gz", []string{"-1", "-c"}, []string{"-9", "-c"}},
		{"xz", "/x.xz", []string{"-0", "-c", "--check=crc32"}, []string{"-6", "-c", "--check=crc32", "--block-size=10000"}},
		{"xz", "/x.ko.xz", []string{"-c", "--check=none"}, []string{"-c", "--check=none", "--lzma2=dict=1MiB"}},
		{"zstd", "/x.zst", []string{"-1", "-c"}, []string{"-19", "-c", "--no-check"}},
		{"bzip2", "/x.bz2", []string{"-1", "-c"}, []string{"-9", "-c"}},
	} {
		t.Run(c.tool+" "+strings.Join(c.b, " "), func(t *testing.T) {
			fixtures.RequireTool(t, c.tool)
			a := run(t, "", text, c.tool, c.a...)
			same(t, "another level", c.path, a, run(t, "", text, c.tool, c.b...))
			differ(t, "one bit", c.path, a, run(t, "", other, c.tool, c.a...))
		})
	}
}

// TestXzKind: the kernel reads firmware and modules with CRC32 or no check, and
// one stream only.
func TestXzKind(t *testing.T) {
	fixtures.RequireTool(t, "xz")
	kind := func(text, check string) []byte { return run(t, "", []byte(text), "xz", "-c", "--check="+check) }
	differ(t, "check", "/lib/firmware/x.xz", kind("page", "crc32"), kind("page", "crc64"))
	differ(t, "streams", "/lib/firmware/x.xz", kind("page", "crc32"), append(kind("pa", "crc32"), kind("ge", "crc32")...))
}

func gzipOf(t *testing.T, name string, mtime int64, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Name, w.ModTime = name, time.Unix(mtime, 0)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGzipHeader(t *testing.T) {
	a, b := gzipOf(t, "a", 1, []byte("page")), gzipOf(t, "b", 2, []byte("page"))
	same(t, "name and time", "/x.gz", a, b)
	same(t, "two members", "/x.gz", a, append(gzipOf(t, "", 0, []byte("pa")), gzipOf(t, "", 0, []byte("ge"))...))
	differ(t, "content", "/x.gz", a, gzipOf(t, "a", 1, []byte("Page")))
	bad := bytes.Clone(a)
	bad[len(bad)-8] ^= 1
	if _, err := try("/x.gz", bad, nil); !errors.Is(err, canonical.ErrMalformed) {
		t.Errorf("wrong checksum: %v", err)
	}
}

// TestXzChecks holds that what xz refuses has no form.
func TestXzChecks(t *testing.T) {
	fixtures.RequireTool(t, "xz")
	good := run(t, "", []byte(strings.Repeat("some text ", 500)), "xz", "-c", "--block-size=1000")
	apply(t, "/x.xz", append(append(bytes.Clone(good), 0, 0, 0, 0), good...))
	refused := 0
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x10
		c, err := try("/x.xz", bad, nil)
		if c != nil {
			t.Fatalf("byte %d of %d changed: a form came out", i, len(good))
		}
		if err != nil {
			refused++
		}
	}
	// Only the magic bytes themselves make it another content.
	if refused < len(good)-6 {
		t.Errorf("%d of %d changes refused", refused, len(good))
	}
}

// TestXzDictionary holds that a header cannot ask for gigabytes.
func TestXzDictionary(t *testing.T) {
	fixtures.RequireTool(t, "xz")
	data := run(t, "", []byte("small"), "xz", "-c")
	size := (int(data[12]) + 1) * 4
	header := data[12 : 12+size]
	i := bytes.Index(header, []byte{0x21, 1})
	header[i+2] = 40 // 4 GiB - 1
	binary.LittleEndian.PutUint32(header[size-4:], crc32.ChecksumIEEE(header[:size-4]))
	if _, err := try("/x.xz", data, nil); !errors.Is(err, canonical.ErrLimit) {
		t.Errorf("%v, want ErrLimit", err)
	}
}

func TestNestedTooDeep(t *testing.T) {
	data := []byte("core")
	for range canonical.MaxDepth + 1 {
		data = gzipOf(t, "", 0, data)
	}
	if _, err := try("/x.gz", data, nil); !errors.Is(err, canonical.ErrLimit) {
		t.Errorf("%v, want ErrLimit", err)
	}
}

// TestBomb unfolds 64 KiB to more than the bound: a zstd frame of blocks that
// each say "128 KiB of zeros" (RFC 8878, 3.1.1.2).
func TestBomb(t *testing.T) {
	data := []byte("\x28\xb5\x2f\xfd\x00\x38")
	const block = 128 << 10
	for n := int64(0); n <= canonical.MaxUnfolded; n += block {
		header := uint32(block<<3 | 1<<1)
		data = append(data, byte(header), byte(header>>8), byte(header>>16), 0)
	}
	data = append(data, 1, 0, 0)
	if _, err := try("/x.zst", data, nil); !errors.Is(err, canonical.ErrLimit) {
		t.Errorf("%d bytes: %v, want ErrLimit", len(data), err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err := canonical.Apply(ctx, canonical.Input{
		Entry: &report.Entry{Path: "/x.gz"}, Content: bytes.NewReader(gzipOf(t, "", 0, []byte("page"))),
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was cancelled", err)
	}
}
