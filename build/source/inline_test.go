package source

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/fixtures"
)

// compress runs xz, the foreign maker of both formats.
func compress(t *testing.T, data []byte, args ...string) []byte {
	t.Helper()
	fixtures.RequireTool(t, "xz")
	cmd := exec.Command("xz", append([]string{"--stdout"}, args...)...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func inlineSource(t *testing.T, checksum, encoding, data string) []*manifest.Source {
	t.Helper()
	raw, err := json.Marshal(InlineData{encoding, data})
	if err != nil {
		t.Fatal(err)
	}
	return []*manifest.Source{{Type: Inline, Items: []manifest.Item{{ID: checksum, Value: raw}}, Path: manifest.Path{"sources", Inline}}}
}

func TestInline(t *testing.T) {
	encode := base64.StdEncoding.EncodeToString
	half := len(payload) / 2
	xz, alone := compress(t, payload), compress(t, payload, "--format=lzma")
	join := func(parts ...[]byte) string { return encode(bytes.Join(parts, nil)) }
	tests := map[string]struct{ encoding, data, err string }{
		"base64":            {plainData, encode(payload), ""},
		"with line breaks":  {plainData, strings.Join(strings.SplitAfter(encode(payload), "A"), "\n"), ""},
		"xz":                {lzmaData, encode(xz), ""},
		"xz without check":  {lzmaData, encode(compress(t, payload, "--check=none")), ""},
		"xz with SHA-256":   {lzmaData, encode(compress(t, payload, "--check=sha256")), ""},
		"lzma alone":        {lzmaData, encode(alone), ""},
		"two xz streams":    {lzmaData, join(compress(t, payload[:half]), compress(t, payload[half:])), ""},
		"xz, then lzma":     {lzmaData, join(compress(t, payload[:half]), compress(t, payload[half:], "--format=lzma")), ""},
		"xz, then garbage":  {lzmaData, join(xz, []byte("garbage that is no stream")), ""},
		"xz with padding":   {lzmaData, join(xz, make([]byte, 4)), ""},
		"lzma that ends":    {lzmaData, encode(alone[:len(alone)/2]), "EOF"},
		"xz that ends":      {lzmaData, encode(xz[:len(xz)/2]), "EOF"},
		"nothing":           {lzmaData, "", "EOF"},
		"no lzma":           {lzmaData, encode([]byte("this is no stream at all")), "lzma"},
		"no base64":         {plainData, "abcde", "illegal base64"},
		"wrong content":     {plainData, encode([]byte("other")), "content has checksum " + sum([]byte("other"))},
		"unknown encoding":  {"hex", "00", `the encoding "hex" is neither`},
		"more than allowed": {plainData, encode(append(payload, 0)), "that one item may have"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, o := openStore(t), quick()
			o.MaxSize = int64(len(payload))
			err := Fetch(t.Context(), inlineSource(t, sum(payload), tt.encoding, tt.data), []string{sum(payload)}, d, o)
			if tt.err == "" {
				if err != nil {
					t.Fatal(err)
				}
				wantContent(t, d, payload)
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if _, ok := d.Source(sum(payload)); ok {
				t.Error("the store has the content all the same")
			}
		})
	}
}

// TestDecompressAsPython holds both to the same streams, broken ones included.
func TestDecompressAsPython(t *testing.T) {
	fixtures.RequireTool(t, "python3")
	xz, alone := compress(t, payload[:1000]), compress(t, payload[:1000], "--format=lzma")
	flipped := bytes.Clone(xz)
	flipped[len(flipped)/2] ^= 1
	for name, data := range map[string][]byte{
		"xz": xz, "lzma": alone, "both": append(bytes.Clone(xz), alone...), "both, other way": append(bytes.Clone(alone), xz...),
		"flipped": flipped, "empty": {}, "short": xz[:20], "short lzma": alone[:20],
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("python3", "-c", "import lzma, sys; sys.stdout.buffer.write(lzma.decompress(sys.stdin.buffer.read()))")
			cmd.Stdin = bytes.NewReader(data)
			want, refused := cmd.Output()
			var got bytes.Buffer
			err := decompress(&got, data)
			if (err != nil) != (refused != nil) {
				t.Fatalf("error %v, Python's %v", err, refused)
			}
			if err == nil && !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%d bytes, Python has %d", got.Len(), len(want))
			}
		})
	}
}
