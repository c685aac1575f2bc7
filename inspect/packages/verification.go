package packages

import (
	"cmp"
	"context"
	"crypto/md5"  //nolint:gosec // what packages are recorded with
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func (c *catalogue) verification() section.Section {
	return section.Section{
		Name: "verification", Source: "what the databases of dpkg and rpm record of each file, /var/lib/dpkg/info/*.md5sums, /etc/passwd, /etc/group; the files themselves",
		Oracle: "rpm -Va --nodeps --noscripts, dpkg -V", Fill: c.fillVerification,
	}
}

func (c *catalogue) fillVerification(ctx context.Context, t *tree.Tree, r *report.Report) error {
	c.load(ctx, t)
	v := &verifier{t: t, owned: c.owned, contents: c.Contents, result: &report.Verification{Different: []report.Difference{}}}
	any := false
	var err error
	for _, d := range c.read {
		if d.verify != nil {
			any = true
			err = firstError(err, d.verify(ctx, v))
		}
	}
	_, trouble := c.trouble()
	if !any {
		if trouble == nil {
			return section.Absent("no package manager that records its files' digests")
		}
		return trouble
	}
	slices.SortStableFunc(v.result.Different, func(a, b report.Difference) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Package, b.Package))
	})
	r.Verification = v.result
	return firstError(trouble, err)
}

// A verifier compares files with what packages say.
type verifier struct {
	t      *tree.Tree
	owned  *claims
	result *report.Verification
	// contents says that files are read where nobody has their digest.
	contents bool
	// users and groups are the first of a number in the image's tables, uids and gids the first
	// of a name.
	users, groups map[uint32]string
	uids, gids    map[string]uint32
	buffer        []byte
}

// maxDifferences bounds the list.
const maxDifferences = 1_000_000

func (v *verifier) differ(d report.Difference) error {
	if len(v.result.Different) == maxDifferences {
		return fmt.Errorf("more than %d files differ", maxDifferences)
	}
	v.result.Different = append(v.result.Different, d)
	return nil
}

// readNames reads the names of owners.
func (v *verifier) readNames() error {
	var err, err2 error
	v.users, v.uids, err = v.readTable("/etc/passwd")
	v.groups, v.gids, err2 = v.readTable("/etc/group")
	return firstError(err, err2)
}

// readTable reads a table whose lines begin NAME:X:NUMBER. rpm knows root
// without one.
func (v *verifier) readTable(name string) (map[uint32]string, map[string]uint32, error) {
	names, numbers := map[uint32]string{0: "root"}, map[string]uint32{"root": 0}
	data, err := v.t.ReadFile(name, section.MaxTable)
	if errors.Is(err, fs.ErrNotExist) {
		return names, numbers, nil
	}
	if err != nil {
		return names, numbers, err
	}
	err = section.EachLine(data, func(_ int, line string) error {
		fields := strings.SplitN(line, ":", 4)
		if len(fields) < 3 {
			return nil // the section of the table tells it
		}
		if n, err := strconv.ParseUint(fields[2], 10, 32); err == nil {
			if _, known := names[uint32(n)]; !known {
				names[uint32(n)] = fields[0]
			}
			if _, known := numbers[fields[0]]; !known {
				numbers[fields[0]] = uint32(n)
			}
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return names, numbers, err
}

// missing tells whether the file is certainly not there; an error says that this cannot
// be known.
func (v *verifier) missing(name string) (bool, error) {
	_, err := v.t.Lstat(name)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err != nil, nil
	}
	if errors.Is(err, tree.ErrUnread) {
		return false, err
	}
	return true, nil // too many links, as the image would find
}

// The digests by which packages know contents: RFC 9580's numbers, as rpm uses.
const (
	digestMD5    = 1
	digestSHA1   = 2
	digestSHA256 = 8
	digestSHA384 = 9
	digestSHA512 = 10
	digestSHA224 = 11
)

// digester makes a hash by its number, nil for one that is not known.
func digester(algorithm uint8) hash.Hash {
	switch algorithm {
	case digestMD5:
		return md5.New() //nolint:gosec // as recorded
	case digestSHA1:
		return sha1.New() //nolint:gosec // as recorded
	case digestSHA256:
		return sha256.New()
	case digestSHA384:
		return sha512.New384()
	case digestSHA512:
		return sha512.New()
	case digestSHA224:
		return sha256.New224()
	}
	return nil
}

// recorded is the SHA-256 that the walk has found of a file's content.
func recorded(f *tree.File) string {
	if f.First != nil {
		f = f.First
	}
	return f.Node.SHA256
}

// A comparison of a content with a digest.
type comparison int

const (
	equal comparison = iota
	different
	notCompared
	unreadable
)

// compare compares a file's content with a digest. It reads the file only when asked to,
// or when always is set.
func (v *verifier) compare(ctx context.Context, f *tree.File, algorithm uint8, want string, always bool) (comparison, error) {
	got := ""
	if algorithm == digestSHA256 {
		got = recorded(f)
	}
	if got == "" {
		if !v.contents && !always {
			v.result.Unread++
			return notCompared, nil
		}
		h := digester(algorithm)
		if h == nil {
			v.result.Unread++
			return notCompared, nil
		}
		var err error
		if got, err = v.digest(ctx, f, h); err != nil {
			return unreadable, err
		}
	}
	v.result.Contents++
	if strings.EqualFold(got, want) {
		return equal, nil
	}
	return different, nil
}

// digest reads a file.
func (v *verifier) digest(ctx context.Context, f *tree.File, h hash.Hash) (string, error) {
	c, err := f.Open()
	if err != nil {
		return "", err
	}
	defer c.Close()
	if v.buffer == nil {
		v.buffer = make([]byte, 1<<18)
	}
	for at := int64(0); at < c.Size(); {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		part := v.buffer[:min(int64(len(v.buffer)), c.Size()-at)]
		if n, err := c.ReadAt(part, at); n < len(part) {
			return "", fmt.Errorf("read %s: %w", f.Path, cmp.Or(err, io.ErrUnexpectedEOF))
		}
		h.Write(part)
		at += int64(len(part))
	}
	if err := image.Unchanged(c); err != nil {
		return "", fmt.Errorf("read %s: %w", f.Path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
