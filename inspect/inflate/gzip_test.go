package inflate_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/assay-os/assay/inspect/inflate"
)

func gzipOf(t testing.TB, data []byte, header gzip.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Header = header
	_, err := w.Write(data)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readGzip(r io.Reader, size int) ([]byte, error) {
	g, err := inflate.NewGzip(bufio.NewReaderSize(r, size))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(g)
}

// What comes out does not depend on how the bytes come in.
func TestGzip(t *testing.T) {
	for name, data := range contents(t) {
		packed := gzipOf(t, data, gzip.Header{Name: name, Comment: "a comment", Extra: bytes.Repeat([]byte("x"), 700)})
		for way, r := range map[string]io.Reader{
			"whole": bytes.NewReader(packed), "half": iotest.HalfReader(bytes.NewReader(packed)), "with its error": iotest.DataErrReader(bytes.NewReader(packed)),
		} {
			for _, size := range []int{16, 600, 4096, 1 << 20} {
				got, err := readGzip(r, size)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s, %s, %d: %d of %d bytes, %v", name, way, size, len(got), len(data), err)
				}
				r = bytes.NewReader(packed)
			}
		}
	}
}

func TestGzipMembers(t *testing.T) {
	a, b := gzipOf(t, []byte("the one, "), gzip.Header{}), gzipOf(t, []byte("the other"), gzip.Header{})
	if got, err := readGzip(bytes.NewReader(append(bytes.Clone(a), b...)), 4096); string(got) != "the one, the other" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	r := bufio.NewReader(bytes.NewReader(append(bytes.Clone(a), b...)))
	g, err := inflate.NewGzip(r)
	if err != nil {
		t.Fatal(err)
	}
	g.One()
	if got, err := io.ReadAll(g); string(got) != "the one, " || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if err := g.Reset(r); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(g); string(got) != "the other" || err != nil {
		t.Errorf("%q %v", got, err)
	}
}

// Whatever Go's reader refuses is refused, and the other way round.
func TestGzipErrors(t *testing.T) {
	good := gzipOf(t, bytes.Repeat([]byte("some content "), 100), gzip.Header{Name: "name"})
	check := func(what string, b []byte) {
		t.Helper()
		var want []byte
		r, refused := gzip.NewReader(bytes.NewReader(b))
		if refused == nil {
			want, refused = io.ReadAll(r)
		}
		got, err := readGzip(bytes.NewReader(b), 4096)
		if (err == nil) != (refused == nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("%s: %v, Go says %v", what, err, refused)
		}
	}
	for n := range good {
		check("cut off", good[:n])
		for bit := range 8 {
			b := bytes.Clone(good)
			if b[n] ^= 1 << bit; b[3]&0xe0 == 0 { // flags that have no meaning are refused by zlib alone
				check("flipped", b)
			}
		}
	}
	check("zeros behind", append(bytes.Clone(good), 0, 0, 0))
	check("another header behind", append(bytes.Clone(good), good[:5]...))
}
