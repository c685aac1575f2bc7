package canonical

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/report"
)

// initramfs is the rule for what the kernel unpacks at boot: any number of
// cpio archives, one after the other, each compressed or not.
func initramfs() Rule {
	return Rule{
		Rule: report.Rule{Name: "initramfs", Version: 1,
			Reason: "the kernel unpacks members by their names; it does not see their order (unless a path comes twice), inode numbers, and times, nor how hard they were compressed",
			Source: "Linux, Documentation/driver-api/early-userspace/buffer-format.rst; init/initramfs.c"},
		Match:        matchInitramfs,
		canonicalise: canonicalInitramfs,
	}
}

// matchInitramfs takes a cpio archive anywhere, and a compressed one where its
// name says what it is.
func matchInitramfs(e *report.Entry, head []byte) bool {
	if bytes.HasPrefix(head, []byte(cpioMagic)) || bytes.HasPrefix(head, []byte(cpioMagicCRC)) {
		return true
	}
	base := path.Base(string(e.Path))
	named := strings.HasPrefix(base, "initrd") || strings.HasPrefix(base, "initramfs")
	return named && slices.ContainsFunc(bootCompressions(), func(c compression) bool { return bytes.HasPrefix(head, []byte(c.magic)) })
}

const (
	cpioMagic    = "070701"
	cpioMagicCRC = "070702"
	cpioHeader   = 110
	cpioTrailer  = "TRAILER!!!"
)

// A cpioMember is one member in the order of the archive, its content already
// replaced by its meaning.
type cpioMember struct {
	path string
	// name is the path as it is written: early members are found by it.
	name           string
	mode, uid, gid uint64
	device         string
	meaning        meaning
	// roles is the digest of the content with the disk's identifiers replaced;
	// empty where it names none.
	roles string
	links uint64
	// inode and archive tell names of one file.
	inode   [3]uint64
	archive int
	// early is set for members of plain archives at the start, the only place
	// where the kernel looks for microcode and ACPI tables.
	early bool
	// orphan is set when the directory was not there before: the kernel then
	// does not make the member.
	orphan bool
	size   uint64
	// sum is what the archive says is the sum of the content's bytes, where it says so.
	sum string
}

// An unpacking is the state over all archives of one initramfs.
type unpacking struct {
	in      *Input
	members []cpioMember
	dirs    map[string]bool
	archive int
	early   bool
	// formats are those of the compressed parts, in their order.
	formats []string
	// compression is that of the part which is read; empty for none.
	compression string
}

func canonicalInitramfs(ctx context.Context, in *Input, f *form) error {
	u := &unpacking{in: in, dirs: map[string]bool{"/": true}, early: true}
	r := &counter{r: bufio.NewReaderSize(&budgetReader{ctx: ctx, r: in.reader(), left: new(MaxUnfolded + in.Content.Size())}, 64<<10)}
	if err := u.archives(ctx, r, true); err != nil {
		return err
	}
	if len(u.members) == 0 {
		return malformed("no member in it")
	}
	if err := u.orderless(); err != nil {
		return err
	}
	byRole := u.byRole()
	if err := u.write(f); err != nil || byRole == nil || in.unfold.depth > 1 {
		return err
	}
	in.unfold.byRole = newForm(Identity())
	return byRole.write(in.unfold.byRole)
}

// archives reads archives until the end. Zeros may lie between two.
func (u *unpacking) archives(ctx context.Context, r *counter, outer bool) error {
	for {
		zeros, err := r.skipZeros()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return corrupt(err)
		}
		head, err := r.r.Peek(len(cpioMagic))
		if err != nil {
			return malformed("%d bytes at the end: %v", len(head), err)
		}
		switch {
		case string(head) == cpioMagic || string(head) == cpioMagicCRC:
			if zeros%4 != 0 && r.n%4 != 0 {
				return malformed("an archive at byte %d, which is no multiple of 4", r.n)
			}
			r.n = 0
			err = u.cpio(ctx, r)
		case outer:
			err = u.compressed(ctx, r)
		default:
			err = malformed("%q where an archive should begin", head)
		}
		if err != nil {
			return err
		}
	}
}

// cpio reads one archive up to its trailer: cpio(5), "New ASCII Format".
func (u *unpacking) cpio(ctx context.Context, r *counter) error {
	u.archive++
	u.surveyArchive()
	for {
		m, err := u.header(r)
		if err != nil {
			return corrupt(err)
		}
		if m.path == cpioTrailer {
			return nil
		}
		body := &io.LimitedReader{R: r, N: int64(m.size)}
		if m.meaning, err = u.content(ctx, m, u.survey(m, body)); err != nil {
			return corrupt(err)
		}
		if body.N > 0 {
			return malformed("%s: it ends %d bytes early", report.Raw(m.path), body.N)
		}
		if err := r.align(); err != nil {
			return corrupt(err)
		}
		u.add(m)
	}
}

// content is the meaning of a member's bytes. Only a file's are taken apart:
// those of a link are its target.
func (u *unpacking) content(ctx context.Context, m *cpioMember, body io.Reader) (meaning, error) {
	if m.kind() == cpioFile && !u.in.Identities.Empty() && identityMember(m.path) {
		return u.identified(ctx, m, body)
	}
	if m.kind() == cpioFile {
		return u.in.member(ctx, m.path, body)
	}
	if u.in.unfold.members--; u.in.unfold.members < 0 {
		return meaning{}, fmt.Errorf("%w: more than %d members", ErrLimit, MaxMembers)
	}
	return u.in.unfold.work.plain(body)
}

// header reads a member's header and name.
func (u *unpacking) header(r *counter) (*cpioMember, error) {
	var raw [cpioHeader]byte
	if _, err := io.ReadFull(r, raw[:]); err != nil {
		return nil, err
	}
	if magic := string(raw[:6]); magic != cpioMagic && magic != cpioMagicCRC {
		return nil, malformed("%q instead of a member's header", magic)
	}
	var v [13]uint64
	for i := range v {
		var err error
		if v[i], err = strconv.ParseUint(string(raw[6+8*i:14+8*i]), 16, 32); err != nil {
			return nil, malformed("a header holds %q, not a number", raw[6+8*i:14+8*i])
		}
	}
	// ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
	if v[11] == 0 || v[11] > 4096 {
		return nil, malformed("a name of %d bytes", v[11])
	}
	name := make([]byte, v[11])
	if _, err := io.ReadFull(r, name); err != nil {
		return nil, err
	}
	if name[len(name)-1] != 0 {
		return nil, malformed("%.40q: a name without an end", name)
	}
	name, _, _ = bytes.Cut(name, []byte{0})
	sum := ""
	if string(raw[:6]) == cpioMagicCRC {
		// A kernel that compares the sum refuses a wrong one.
		sum = fmt.Sprintf("%08x", v[12])
	}
	return &cpioMember{
		path: string(name), name: string(name), sum: sum, mode: v[1], uid: v[2], gid: v[3], links: v[4], size: v[6],
		inode: [3]uint64{v[7], v[8], v[0]}, device: fmt.Sprintf("%d:%d", v[9], v[10]), archive: u.archive, early: u.early,
	}, r.align()
}

// add records a member at the path where the kernel puts it.
func (u *unpacking) add(m *cpioMember) {
	m.path = path.Join("/", m.path)
	m.orphan = !u.dirs[path.Dir(m.path)]
	if m.kind() == cpioDir && !m.orphan {
		u.dirs[m.path] = true
	}
	u.members = append(u.members, *m)
}
