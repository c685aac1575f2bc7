package tarball_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/tarball"
)

// with is a raw member of which bytes are replaced, by their offsets in the header.
func with(kind byte, name, data string, fields map[int]string) []byte {
	b := rawMember(kind, name, data)
	for at, value := range fields {
		copy(b[at:512], value)
	}
	copy(b[148:156], "        ")
	sum := 0
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

func join(members ...[]byte) []byte {
	return append(bytes.Join(members, nil), make([]byte, 1024)...)
}

// TestFields decodes what no archiver here writes, or only by chance: one archive, and
// the line of one path.
func TestFields(t *testing.T) {
	const zero = " 1970-01-01T00:00:00Z"
	gnu := map[int]string{257: "ustar  \x00"}
	pax := func(kind byte, name, data string, lines ...string) []byte {
		return join(rawMember('x', "x", records(lines...)), with(kind, name, data, map[int]string{157: "a"}))
	}
	for name, c := range map[string]struct {
		archive    []byte
		path, want string
	}{
		"base-256 owner":       {join(with('0', "f", "", map[int]string{108: "\x80\x00\x00\x00\xff\xff\xff\xfe", 257: gnu[257]})), "/f", "file 0644 4294967294:0 0" + zero},
		"base-256 time":        {join(with('0', "f", "", map[int]string{136: strings.Repeat("\xff", 12)})), "/f", "file 0644 0:0 0 1969-12-31T23:59:59Z"},
		"base-256 too large":   {join(with('0', "f", "", map[int]string{136: "\x80\x01" + strings.Repeat("\x00", 10)})), "/f", "file 0644 0:0 0" + zero + " !mtime: the number 800100000000000000000000 is too large"},
		"owner is no number":   {join(with('0', "f", "x", map[int]string{108: "joe\x00"}), rawMember('0', "next", "")), "/f", "file 0644 0:0 1" + zero + ` !uid: "joe\x00000\x00" are no octal digits`},
		"what follows is read": {join(with('0', "f", "x", map[int]string{108: "joe\x00"}), rawMember('0', "next", "")), "/next", "file 0644 0:0 0"},
		"pax mends the owner":  {join(rawMember('x', "x", records("uid=12345")), with('0', "f", "", map[int]string{108: "joe\x00"})), "/f", "file 0644 12345:0 0" + zero},
		"v7 has no prefix":     {join(with('0', "f", "", map[int]string{257: "\x00\x00\x00\x00\x00\x00\x00\x00", 345: "dir"})), "/f", "file 0644 0:0 0"},
		"v7 directory":         {join(with(0, "d/", "", map[int]string{257: "\x00\x00\x00\x00\x00\x00\x00\x00"})), "/d", "directory 0644 0:0" + zero},
		"gnu has no prefix":    {join(with('0', "f", "", map[int]string{257: gnu[257], 345: "12345670123\x00"})), "/f", "file 0644 0:0 0"},
		"ustar has":            {join(with('0', "f", "", map[int]string{345: "dir"})), "/dir/f", "file 0644 0:0 0"},
		"star's is shorter":    {join(with('0', "f", "", map[int]string{345: "dir", 476: "12345670123\x0012345670123", 508: "tar\x00"})), "/dir/f", "file 0644 0:0 0"},
		"spaces for zeros":     {join(with('0', "f", "", map[int]string{100: "   644 \x00", 108: "        "})), "/f", "file 0644 0:0 0"},
		"contiguous":           {join(with('7', "f", "x", nil)), "/f", "file 0644 0:0 1"},
		"dump":                 {join(with('D', "d", "Yf\x00\x00", gnu), rawMember('0', "next", "")), "/d", "directory 0644 0:0"},
		"behind a dump":        {join(with('D', "d", "Yf\x00\x00", gnu), rawMember('0', "next", "")), "/next", "file"},
		"other volume":         {join(with('M', "f", "data", gnu)), "/", "directory 0755 0:0" + zero + ` !member "f" is the rest of a file whose beginning is on another volume: left out`},
		"unknown type":         {join(with('Z', "f", "data", nil)), "/", "directory 0755 0:0" + zero + ` !member "f" is of the unknown type 'Z': left out`},
		"device numbers":       {pax('3', "c", "", "SCHILY.devmajor=70000", "SCHILY.devminor=99999"), "/c", "char 0644 0:0" + zero + " 70000:99999"},
		"flags":                {pax('0', "f", "", "SCHILY.fflags=schg,nodump,nonsense"), "/f", "file 0644 0:0 0" + zero + " immutable,nodump"},
		"label":                {pax('0', "f", "", "RHT.security.selinux=a:b:c:s0"), "/f", "file 0644 0:0 0" + zero + ` security.selinux="a:b:c:s0\x00" [a:b:c:s0|]`},
		"names of GNU":         {pax('0', "f", "", "SCHILY.xattr.user.a%25b%3Dc=1"), "/f", "file 0644 0:0 0" + zero + ` user.a%b=c="1"`},
		"names of libarchive":  {pax('0', "f", "", "LIBARCHIVE.xattr.user.a%2525=MQ", "SCHILY.xattr.user.a%25=1"), "/f", "file 0644 0:0 0" + zero + ` user.a%25="1"`},
		"NFS list":             {pax('0', "f", "", "SCHILY.acl.ace=everyone@:r:allow"), "/f", "file 0644 0:0 0" + zero + ` !access control list of the kind "ace": Linux has none such, not read`},
		"name without number":  {pax('0', "f", "", "SCHILY.acl.access=user:joe:r--"), "/f", "file 0644 0:0 0" + zero + ` !access control list: the entry "user:joe:r--" names an owner without a number`},
		"masked":               {pax('0', "f", "", "SCHILY.acl.access=u::rw-,u:7:rwx\t#effective:r--,g::---,m::r--,o::--x"), "/f", "file 0641 0:0 0" + zero + " system.posix_acl_access"},
		"deleted by pax":       {join(rawMember('g', "g", records("uid=12345", "gid=7777")), rawMember('x', "x", records("uid=")), rawMember('0', "f", "")), "/f", "file 0644 0:7777 0"},
		"sparse of star":       {join(with('S', "f", "data", map[int]string{508: "tar\x00"}), rawMember('0', "next", "")), "/f", "file 0644 0:0 4" + zero + " !a sparse file in the form of star or Solaris is not read"},
		"sparse of Solaris":    {pax('0', "f", "data", "SUN.holesdata= 0 512 4096"), "/f", "file 0644 0:0 4" + zero + " !a sparse file in the form of star or Solaris is not read"},
		"sparse 2.0":           {pax('0', "f", "data", "GNU.sparse.major=2", "GNU.sparse.minor=0"), "/f", "file 0644 0:0 4" + zero + " !sparse format 2.0 is not known"},
		"map of many runs":     {pax('0', "f", "99999999\n", "GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=1"), "/f", "file 0644 0:0 9" + zero + " !the map of the sparse file has"},
		"one block of zeros":   {append(rawMember('0', "f", ""), make([]byte, 512)...), "/", "directory 0755 0:0" + zero},
		"no end":               {rawMember('0', "f", ""), "/", "directory 0755 0:0" + zero + " !byte 512: the archive is truncated: it has no end"},
		"link with size":       {join(rawMember('0', "a", "x"), with('1', "l", "", map[int]string{157: "a", 124: "00000000001\x00"}), rawMember('0', "next", "")), "/next", "file"},
		"link with content":    {join(rawMember('0', "a", "x"), rawMember('x', "x", records("comment=link")), with('1', "l", "x", map[int]string{157: "a"}), rawMember('0', "next", "")), "/next", "file"},
		"and that is told":     {join(rawMember('0', "a", "x"), rawMember('x', "x", records("comment=link")), with('1', "l", "x", map[int]string{157: "a"})), "/", "directory 0755 0:0" + zero + ` !member "l": a hard link has a content of its own: not read`},
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := tarball.Open(context.Background(), bytes.NewReader(c.archive), int64(len(c.archive)))
			kerneltest.Must(t, err)
			if got := fsystest.List(t, tree)[c.path]; !strings.HasPrefix(got, c.want) || strings.Contains(got, "!") != strings.Contains(c.want, "!") {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestGNUDuplicates appends members to an archive, and joins archives: the last of a name
// wins, as in their extraction.
func TestGNUDuplicates(t *testing.T) {
	source, archive := modest(t), t.TempDir()+"/archive"
	runMaker(t, gnuPack+".", "TREE", source, "ARCHIVE", archive)
	more := modest(t)
	kerneltest.Run(t, "sh", "-c", "echo newer >'"+more+"/a'; rm '"+more+"/z/last'; echo other >'"+more+"/b/c'")
	runMaker(t, "tar -rf ARCHIVE -C TREE --numeric-owner .", "TREE", more, "ARCHIVE", archive)
	second := t.TempDir() + "/second"
	runMaker(t, gnuPack+"./a ./link", "TREE", source, "ARCHIVE", second)
	runMaker(t, "tar -Af ARCHIVE SECOND", "ARCHIVE", archive, "SECOND", second)
	compareExtracted(t, archive, gnuTar)
}
