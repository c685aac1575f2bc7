package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

const document = `{"version": "2"}`

// files writes contents to files and returns what a bundle of them is made of.
func files(t *testing.T, contents map[string]string) Contents {
	t.Helper()
	dir := t.TempDir()
	c := Contents{Document: []byte(document)}
	for sum, data := range contents {
		if err := os.WriteFile(filepath.Join(dir, sum), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		c.Checksums = append(c.Checksums, sum)
	}
	c.Source = func(sum string) (string, bool) { _, ok := contents[sum]; return filepath.Join(dir, sum), ok }
	return c
}

func pack(t *testing.T, c Contents) ([]byte, *Summary) {
	t.Helper()
	var out bytes.Buffer
	s, err := Write(t.Context(), &out, c)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), s
}

// open opens a bundle with these bytes.
func open(t *testing.T, data []byte) (*Bundle, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := Open(path)
	if err == nil {
		t.Cleanup(func() { b.Close() })
	}
	return b, err
}

func TestRoundTrip(t *testing.T) {
	// One content under two checksums, an empty one, a large one.
	contents := map[string]string{"md5:1": "one", "sha256:2": "one", "sha512:3": "", "sha1:4": strings.Repeat("x", 1<<20)}
	first, summary := pack(t, files(t, contents))
	second, _ := pack(t, files(t, contents))
	if !bytes.Equal(first, second) {
		t.Error("packed twice, the bytes differ")
	}
	b, err := open(t, first)
	if err != nil {
		t.Fatal(err)
	}
	if string(b.Document) != document || b.Digest != summary.Digest || summary.Contents != 4 {
		t.Errorf("document %s, digest %s, summary %+v", b.Document, b.Digest, summary)
	}
	for sum, want := range contents {
		r, err := b.Open(sum)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); string(got) != want || err != nil {
			t.Errorf("%s: %d bytes, %v", sum, len(got), err)
		}
	}
	if _, err := b.Open("md5:5"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
}

// TestForeignReaders: tar(1) and skopeo take a bundle for what it says it is.
func TestForeignReaders(t *testing.T) {
	fixtures.RequireTool(t, "tar", "skopeo")
	data, summary := pack(t, files(t, map[string]string{"md5:1": "one", "sha256:2": "two"}))
	dir := t.TempDir()
	cmd := exec.Command("tar", "-x", "-C", dir)
	cmd.Stdin = bytes.NewReader(data)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	out, err := exec.Command("skopeo", "inspect", "--raw", "oci:"+dir).Output()
	if err != nil {
		t.Fatalf("skopeo: %v", err)
	}
	if got := digestOf(bytes.TrimSuffix(out, []byte("\n"))); got != summary.Digest {
		t.Errorf("skopeo reads a manifest with the digest %s, want %s", got, summary.Digest)
	}
}

// change rewrites the files of a bundle; a file that becomes "" is left out.
func change(t *testing.T, data []byte, edit func(name, data string) string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, r := tar.NewWriter(&out), tar.NewReader(bytes.NewReader(data))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		content, rerr := io.ReadAll(r)
		if err != nil || rerr != nil {
			t.Fatal(err, rerr)
		}
		changed := edit(h.Name, string(content))
		if changed == "" {
			continue
		}
		h.Size = int64(len(changed))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, changed); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestHostile(t *testing.T) {
	good, summary := pack(t, files(t, map[string]string{"md5:1": "one"}))
	replace := func(old, with string) []byte {
		return change(t, good, func(_, data string) string { return strings.ReplaceAll(data, old, with) })
	}
	without := func(part string) []byte {
		return change(t, good, func(name, data string) string {
			if strings.Contains(name, part) {
				return ""
			}
			return data
		})
	}
	hex := strings.TrimPrefix(summary.Digest, "sha256:")
	for name, tt := range map[string]struct {
		data []byte
		err  string
	}{
		"empty":            {nil, "oci-layout or index.json is missing"},
		"text":             {bytes.Repeat([]byte("text"), 1000), "it is no whole tar file"},
		"no index":         {without("index.json"), "is missing"},
		"no layout":        {without("oci-layout"), "is missing"},
		"no artifact":      {without(hex), summary.Digest + " is missing"},
		"no document":      {without(strings.TrimPrefix(digestOf([]byte(document)), "sha256:")), "is missing"},
		"no content":       {without(strings.TrimPrefix(digestOf([]byte("one")), "sha256:")), "which is the content md5:1, is missing"},
		"other document":   {replace(document, `{"version": "1"}`), "the bundle is damaged"},
		"other artifact":   {replace("md5:1", "md5:2"), "the bundle is damaged"},
		"other kind":       {replace(typeBundle, "application/x"), "names nothing of type"},
		"broken index":     {change(t, good, func(n, d string) string { return strings.TrimPrefix(d, `{"schemaVersion":2,"mediaType":"`+typeIndex) }), "index.json: invalid"},
		"a file twice":     {append(good[:len(good)-1024:len(good)-1024], good...), "twice"},
		"cut in a content": {good[:len(good)-1024-512-1], "it is no whole tar file"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := open(t, tt.data); err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

// TestEveryCut: a bundle that ends anywhere is refused, never half taken.
func TestEveryCut(t *testing.T) {
	good, _ := pack(t, files(t, map[string]string{"md5:1": "one"}))
	for n := 0; n < len(good)-1024; n += 97 {
		if b, err := open(t, good[:n]); err == nil {
			r, oerr := b.Open("md5:1")
			if oerr != nil {
				t.Fatalf("cut at %d: the content is gone without a word", n)
			}
			if data, rerr := io.ReadAll(r); string(data) != "one" || rerr != nil {
				t.Errorf("cut at %d: content %q, %v", n, data, rerr)
			}
		}
	}
}

func TestWriteFails(t *testing.T) {
	c := files(t, map[string]string{"md5:1": "one"})
	c.Checksums = append(c.Checksums, "md5:2")
	if _, err := Write(t.Context(), io.Discard, c); err == nil || err.Error() != "pack md5:2: file does not exist" {
		t.Errorf("error %v", err)
	}
	full := errors.New("the disk is full")
	if _, err := Write(t.Context(), failing{full}, files(t, nil)); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func FuzzOpen(f *testing.F) {
	var out bytes.Buffer
	if _, err := Write(f.Context(), &out, Contents{Document: []byte(document)}); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := open(t, data); err == nil && digestOf(b.Document) == "" {
			t.Error("no document")
		}
	})
}
