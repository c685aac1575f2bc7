package ostree

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// memory is a tree of files by their names.
type memory map[string][]byte

func (m memory) Walk(_ context.Context, fn func(*fsys.Node) error) error {
	for _, dir := range []report.Raw{"/objects", "/refs"} {
		if err := fn(&fsys.Node{Entry: report.Entry{Path: dir, Type: report.Directory}}); err != nil {
			return err
		}
	}
	for name, data := range m {
		n := &fsys.Node{Entry: report.Entry{Path: report.Raw("/" + name), Type: report.File, Mode: 0o644, Size: int64(len(data))}}
		if err := fn(n); err != nil {
			return err
		}
	}
	return nil
}

func (m memory) Open(n *fsys.Node) (fsys.Content, error) {
	return file{bytes.NewReader(m[string(n.Path[1:])])}, nil
}

type file struct{ *bytes.Reader }

func (file) Close() error                      { return nil }
func (f file) Extents() ([]fsys.Extent, error) { return []fsys.Extent{{Length: f.Size()}}, nil }

// add stores an object by its checksum.
func (m memory) add(kind string, data []byte) []byte {
	sum := sha256.Sum256(data)
	m[place(fmt.Sprintf("%x", sum), kind)] = data
	return sum[:]
}

// FuzzObjects gives the parsers objects of any bytes, each named by its checksum so that
// it is believed: a commit, a dirtree, a dirmeta, the header of a file.
func FuzzObjects(f *testing.F) {
	zeros := make([]byte, 32)
	ay := encodeTuple([]kind{text, text}, []byte("user.a\x00"), []byte("value"))
	meta := encodeTuple([]kind{number32, number32, number32, text}, []byte{0, 0, 0, 1}, []byte{0, 0, 0, 2}, []byte{0, 0, 0o101, 0o355}, encodeArray([][]byte{ay}))
	tree := func(file, dir []byte) []byte {
		one := encodeTuple([]kind{text, text}, []byte("f\x00"), file)
		two := encodeTuple([]kind{text, text, text}, []byte("d\x00"), dir, zeros)
		return encodeTuple([]kind{text, text}, encodeArray([][]byte{one}), encodeArray([][]byte{two}))
	}
	head := encodeTuple([]kind{{8, 8}, number32, number32, number32, number32, text, text}, []byte{7: 3}, zeros[:4], zeros[:4], []byte{0, 0, 0o201, 0o244}, zeros[:4], []byte{0}, nil)
	framed := append([]byte{0, 0, 0, byte(len(head)), 0, 0, 0, 0}, head...)
	framed = append(framed, 0x4a, 0x4c, 0x4a, 0x06, 0x00) // "abc"
	f.Add([]byte{}, tree(zeros, zeros), meta, framed)
	f.Add(bytes.Repeat([]byte{0}, 80), tree(zeros, meta), meta, framed[:20])
	f.Fuzz(func(t *testing.T, rawCommit, rawTree, rawMeta, rawFile []byte) {
		m := memory{"config": []byte("[core]\nrepo_version=1\nmode=archive-z2\n")}
		sum := sha256.Sum256(rawFile)
		m[place(fmt.Sprintf("%x", sum), "filez")] = rawFile
		deepest := m.add("dirtree", rawTree)
		top := m.add("dirtree", tree(sum[:], deepest))
		parts := [][]byte{nil, nil, nil, {0}, {0}, make([]byte, 8), top, m.add("dirmeta", rawMeta)}
		var offsets []int
		var commit []byte
		for i, p := range parts {
			commit = append(commit, p...)
			for i == 4 && len(commit)%8 != 0 {
				commit = append(commit, 0)
			}
			if i < len(parts)-1 && i != 5 {
				end := len(commit)
				if i == 4 {
					end = 2
				}
				offsets = append([]int{end}, offsets...)
			}
		}
		m["refs/heads/good"] = fmt.Appendf(nil, "%x\n", m.add("commit", appendOffsets(commit, offsets)))
		m["refs/heads/any"] = fmt.Appendf(nil, "%x\n", m.add("commit", rawCommit))
		repo, err := Detect(t.Context(), m, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := repo.Open("good"); err != nil {
			t.Fatalf("a good commit: %v", err)
		}
		for _, ref := range []string{"good", "any"} {
			if c, err := repo.Open(ref); err == nil {
				readAll(t, c)
			}
		}
	})
}

// readAll reads every file of a commit.
func readAll(t *testing.T, c *Commit) {
	err := c.Walk(t.Context(), func(n *fsys.Node) error {
		if n.Size < 0 || n.Type == "" {
			t.Fatalf("node %+v", n)
		}
		if n.Type != report.File || n.Err != nil {
			return nil
		}
		content, err := c.Open(n)
		if err != nil {
			return nil
		}
		if got, err := io.Copy(io.Discard, io.NewSectionReader(content, 0, content.Size())); err != nil || got != n.Size {
			t.Fatalf("%s: %d bytes of %d, %v", n.Path, got, n.Size, err)
		}
		return content.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
}
