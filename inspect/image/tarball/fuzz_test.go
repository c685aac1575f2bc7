package tarball_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/tarball"
	"github.com/assay-os/assay/report"
)

// FuzzOpen changes bytes of real archives, and mends the checksum of the first
// header so that the change is looked at.
func FuzzOpen(f *testing.F) {
	seeds := [][]byte{
		archive(f, file("a/b", "content"), member{tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "a"}, ""}, member{tar.Header{Name: "h", Typeflag: tar.TypeLink, Linkname: "a/b"}, ""}),
		archive(f, member{tar.Header{Name: strings.Repeat("long/", 40) + "n", Format: tar.FormatGNU}, "x"}),
		archive(f, member{tar.Header{Name: "f", PAXRecords: map[string]string{"SCHILY.xattr.user.a": "b", "SCHILY.acl.access": "user::rw-,user:1:r--,group::r--,mask::r--,other::---"}}, "x"}),
		sparseArchive("1.0"), sparseArchive("0.1"),
	}
	for i := range seeds {
		f.Add(uint8(i), []byte{0, 10, 'x'}, uint16(0))
		f.Add(uint8(i), []byte{2, 20, '9'}, uint16(700))
	}
	f.Fuzz(func(t *testing.T, which uint8, patches []byte, cut uint16) {
		data := bytes.Clone(seeds[int(which)%len(seeds)])
		for ; len(patches) >= 3; patches = patches[3:] {
			at := int(patches[0])<<8 | int(patches[1])
			data[at%len(data)] = patches[2]
		}
		data = data[:len(data)-int(cut)%len(data)]
		for at := 0; at+512 <= len(data); at += 512 {
			mend(data[at : at+512])
		}
		tree, err := tarball.Open(context.Background(), bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		readTree(t, tree)
	})
}

// readTree walks a tree and reads a part of every file.
func readTree(t *testing.T, tree *tarball.Tree) {
	err := tree.Walk(context.Background(), func(n *fsys.Node) error {
		if n.Size < 0 || !strings.HasPrefix(string(n.Path), "/") || strings.Contains(string(n.Path), "/../") {
			t.Fatalf("node %q of %d bytes", n.Path, n.Size)
		}
		if n.Type != report.File {
			return nil
		}
		c, err := tree.Open(n)
		if err != nil {
			return nil
		}
		defer c.Close()
		_, err = io.CopyN(io.Discard, io.NewSectionReader(c, 0, c.Size()), 1<<20)
		if err != nil && err != io.EOF && n.Err == nil {
			t.Fatalf("%q has no error, but reads with one: %v", n.Path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// mend writes the checksum of a block that looks like a header.
func mend(b []byte) {
	if !bytes.HasPrefix(b[257:], []byte("ustar")) {
		return
	}
	sum := 0
	copy(b[148:156], "        ")
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:], []byte{'0' + byte(sum>>15&7), '0' + byte(sum>>12&7), '0' + byte(sum>>9&7), '0' + byte(sum>>6&7), '0' + byte(sum>>3&7), '0' + byte(sum&7), 0})
}

// sparseArchive has one sparse file, which archive/tar cannot write.
func sparseArchive(form string) []byte {
	var out []byte
	if form == "0.1" {
		out = append(rawMember('x', "x", records("GNU.sparse.map=10,2,100,3", "GNU.sparse.size=200")), rawMember('0', "s", "abcde")...)
	} else {
		text := "2\n10\n2\n100\n3\n"
		out = append(rawMember('x', "x", records("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=s", "GNU.sparse.realsize=200")),
			rawMember('0', "GNUSparseFile.0/s", text+strings.Repeat("\x00", 512-len(text))+"abcde")...)
	}
	return append(out, make([]byte, 1024)...)
}

// rawMember is a header block and its padded data.
func rawMember(kind byte, name, data string) []byte {
	b := make([]byte, 512)
	copy(b, name)
	copy(b[100:], "0000644\x000000000\x000000000\x00")
	copy(b[124:], fmt.Sprintf("%011o\x0000000000000\x00", len(data)))
	b[156] = kind
	copy(b[257:], "ustar\x0000")
	mend(b)
	return append(append(b, data...), make([]byte, (512-len(data)%512)%512)...)
}

// records are the lines of an extended header; each counts its own length.
func records(lines ...string) string {
	var out string
	for _, line := range lines {
		n := len(line) + 3 // a digit, a space, a newline
		for len(fmt.Sprint(n))+len(line)+2 != n {
			n++
		}
		out += fmt.Sprintf("%d %s\n", n, line)
	}
	return out
}

func TestSparseFiles(t *testing.T) {
	for _, form := range []string{"1.0", "0.1"} {
		data := sparseArchive(form)
		tree, err := tarball.Open(context.Background(), bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		want := make([]byte, 200)
		copy(want[10:], "ab")
		copy(want[100:], "cde")
		found := false
		err = tree.Walk(context.Background(), func(n *fsys.Node) error {
			if n.Path != "/s" {
				return n.Err
			}
			found = true
			c, err := tree.Open(n)
			if err != nil {
				return err
			}
			got, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
			if !bytes.Equal(got, want) {
				t.Errorf("%s: %q", form, got)
			}
			return err
		})
		if err != nil || !found {
			t.Errorf("%s: %v, found %v", form, err, found)
		}
	}
}
