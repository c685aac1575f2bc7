package source

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// The encodings of inline data.
const (
	plainData = "base64"
	lzmaData  = "lzma+base64"
)

func checkEncoding(encoding string) error {
	if encoding != plainData && encoding != lzmaData {
		return fmt.Errorf("the encoding %q is neither %q nor %q", encoding, plainData, lzmaData)
	}
	return nil
}

// inline decodes data that stands in the manifest.
func (f *fetcher) inline(ctx context.Context, item Item) error {
	err := f.dest.AddSource(ctx, item.Checksum, func(w io.Writer) error {
		return decode(&limitedWriter{w: w, left: f.o.MaxSize, max: f.o.MaxSize}, *item.Inline)
	})
	if err != nil {
		return fmt.Errorf("decode inline data: %w", err)
	}
	return nil
}

// decode writes the content that data stands for.
func decode(w io.Writer, data InlineData) error {
	raw, err := base64.StdEncoding.DecodeString(strings.Map(onlyBase64, data.Data))
	if err != nil {
		return err
	}
	if data.Encoding == lzmaData {
		return decompress(w, raw)
	}
	_, err = w.Write(raw)
	return err
}

// onlyBase64 drops what is not of the alphabet, as Python's b64decode does.
func onlyBase64(r rune) rune {
	switch {
	case r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '+', r == '/', r == '=':
		return r
	}
	return -1
}

// decompress reads what Python's lzma.decompress reads: one stream or several,
// each an .xz or the older .lzma. What follows and is neither, it ignores.
func decompress(w io.Writer, data []byte) error {
	in := bytes.NewReader(data)
	for n := 0; n == 0 || in.Len() > 0; n++ {
		written, err := stream(w, in, data[len(data)-in.Len():])
		if err != nil && n > 0 && written == 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stream decompresses the one stream that rest, which in reads, starts with.
func stream(w io.Writer, in *bytes.Reader, rest []byte) (written int64, err error) {
	if bytes.HasPrefix(rest, []byte("\xfd7zXZ\x00")) {
		return xzStream(w, in, rest)
	}
	r, err := lzma.NewReader(in)
	if err != nil {
		return 0, err
	}
	return io.Copy(w, r)
}

// xzFooter is how every .xz stream ends.
const xzFooter = "YZ"

// xzStream knows a stream's end by its footer: the library takes some ends of
// the input for the end of a stream, and reads one byte behind a stream, which
// it calls an error.
func xzStream(w io.Writer, in *bytes.Reader, rest []byte) (written int64, err error) {
	r, err := xz.ReaderConfig{SingleStream: true}.NewReader(in)
	if err == nil {
		written, err = io.Copy(w, r)
	}
	taken := rest[:len(rest)-in.Len()]
	switch {
	case err == nil && !bytes.HasSuffix(taken, []byte(xzFooter)):
		return written, io.ErrUnexpectedEOF
	case err != nil && len(taken) > 0 && bytes.HasSuffix(taken[:len(taken)-1], []byte(xzFooter)):
		return written, in.UnreadByte()
	}
	return written, err
}
