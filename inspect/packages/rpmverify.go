package packages

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// What is verified of a file, and what was found to differ (rpmvf.h,
// rpmVerifyAttrs).
const (
	verifyDigest = 1 << iota
	verifySize
	verifyLink
	verifyUser
	verifyGroup
	verifyMtime
	verifyMode
	verifyRdev
	verifyCaps

	verifyUnread = 1 << 29
)

// rpmResult is how rpm -V prints what differs.
func rpmResult(bits uint32) string {
	out := []byte(".........")
	for i, l := range []struct {
		bit    uint32
		letter byte
	}{
		{verifySize, 'S'}, {verifyMode, 'M'}, {verifyDigest, '5'}, {verifyRdev, 'D'}, {verifyLink, 'L'}, {verifyUser, 'U'}, {verifyGroup, 'G'},
		{verifyMtime, 'T'}, {verifyCaps, 'P'},
	} {
		if bits&l.bit != 0 {
			out[i] = l.letter
		}
	}
	if bits&verifyUnread != 0 {
		out[2] = '?'
	}
	return string(out)
}

// rpmAttribute is the letter that rpm -V prints of a file's attributes: the
// first that holds.
func rpmAttribute(flags uint32) string {
	for _, a := range []struct {
		bit    uint32
		letter string
	}{
		{rpmDoc, "d"}, {rpmConfig, "c"}, {1 << 5, "s"}, {rpmMissingOK, "m"}, {1 << 4, "n"}, {rpmGhost, "g"}, {rpmLicense, "l"}, {1 << 8, "r"}, {1 << 12, "a"},
	} {
		if flags&a.bit != 0 {
			return a.letter
		}
	}
	return ""
}

// rpmState is what rpm -V prints of a file's state; the usual ones are not told.
func rpmState(state uint8) string {
	switch state {
	case stateNormal, stateNotInstalled, stateNetShared, stateWrongColor:
		return ""
	case stateReplaced:
		return "replaced"
	case 255:
		return "no state"
	}
	return "unknown state"
}

// verify compares all files of the database, as rpm -Va --nodeps --noscripts does.
func (l *rpmFileTable) verify(ctx context.Context, v *verifier) error {
	if err := v.readNames(); err != nil {
		return err
	}
	v.result.BadHeaders = append(v.result.BadHeaders, l.badHeaders...)
	slices.Sort(v.result.BadHeaders)
	var trouble error
	for i := range l.packages {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := &l.packages[i]
		for j := range p.files {
			f := &p.files[j]
			d, err := v.rpmFile(ctx, f)
			trouble = firstError(trouble, err)
			if d == nil {
				continue
			}
			d.Path, d.Package, d.Manager, d.Attribute = report.Raw(f.path()), p.name, "rpm", rpmAttribute(f.flags)
			if err := v.differ(*d); err != nil {
				return err
			}
		}
	}
	return trouble
}

// firstError keeps the first of many.
func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// rpmFile compares one file; nil where all is as it should be.
func (v *verifier) rpmFile(ctx context.Context, f *rpmFile) (*report.Difference, error) {
	flags, state := f.verify, rpmState(f.state)
	switch f.state {
	case stateNetShared, stateNotInstalled:
		return nil, nil
	case stateReplaced: // of what another package replaced only the existence can be told
		flags = 0
	case stateWrongColor:
		flags &^= verifyDigest | verifySize | verifyMtime | verifyRdev
	}
	v.result.Files++
	if f.index < 0 {
		gone, err := v.missing(f.path())
		if err != nil || !gone || f.flags&(rpmMissingOK|rpmGhost) != 0 {
			return nil, err
		}
		return &report.Difference{Result: "missing"}, nil
	}
	c := &rpmComparison{v: v, f: f, node: v.followed(f)}
	bits, err := c.bits(ctx, c.restrict(flags))
	if bits&verifyMtime != 0 && v.owned.times[f.index] > 1 {
		// Several packages have it, each with a time of its own.
		bits &^= verifyMtime
	}
	if bits == 0 && state == "" {
		return nil, err
	}
	return &report.Difference{Result: rpmResult(bits), State: state, Facts: c.facts(bits)}, err
}

// followed is the file itself, or the directory that a link leads to where the package has a
// directory, if the link is root's or the file's owner's.
func (v *verifier) followed(f *rpmFile) *tree.File {
	file := &v.t.Files[f.index]
	if f.mode&sIFMT != sIFDIR || file.Node.Type != report.Symlink {
		return file
	}
	uid, known := v.uids[f.user]
	if to, err := v.t.Lookup(file.Path); err == nil && to.Node.Type == report.Directory && (file.Node.UID == 0 || known && uid == file.Node.UID) {
		return to
	}
	return file
}

// The kinds of inodes in a mode (inode(7)).
const (
	sIFMT  = 0o170000
	sIFDIR = 0o040000
	sIFCHR = 0o020000
	sIFBLK = 0o060000
)

// modeOf is a node's mode with its kind.
func modeOf(e *report.Entry) uint16 {
	kind := uint16(0)
	switch e.Type {
	case report.File:
		kind = 0o100000
	case report.Directory:
		kind = sIFDIR
	case report.Symlink:
		kind = 0o120000
	case report.Char:
		kind = sIFCHR
	case report.Block:
		kind = sIFBLK
	case report.FIFO:
		kind = 0o010000
	case report.Socket:
		kind = 0o140000
	}
	return kind | uint16(e.Mode)
}

// An rpmComparison is one file and what its package says.
type rpmComparison struct {
	v    *verifier
	f    *rpmFile
	node *tree.File
}

// restrict leaves out what cannot be compared of a file of this kind, and the
// content of what the package does not bring.
func (c *rpmComparison) restrict(flags uint32) uint32 {
	if c.node.Node.Type == report.Symlink {
		flags &^= verifyMode
	} else {
		flags &^= verifyLink
	}
	if c.node.Node.Type != report.File {
		flags &^= verifyDigest | verifySize | verifyMtime | verifyCaps
	}
	if c.f.flags&rpmGhost != 0 {
		flags &^= verifyDigest | verifySize | verifyMtime | verifyLink
	}
	return flags
}

// bits are what differs of what the flags name.
func (c *rpmComparison) bits(ctx context.Context, flags uint32) (uint32, error) {
	e, f := &c.node.Node.Entry, c.f
	var bits uint32
	set := func(bit uint32, differs bool) {
		if flags&bit != 0 && differs {
			bits |= bit
		}
	}
	set(verifyLink, string(e.Target) != f.link)
	set(verifySize, uint64(e.Size) != f.size)
	mask := uint16(0xffff)
	if f.flags&rpmGhost != 0 {
		mask = 0o7777
	}
	set(verifyMode, modeOf(e)&mask != f.mode&mask)
	set(verifyRdev, c.otherDevice())
	set(verifyCaps, !sameCapabilities(e.Capabilities, f.cap))
	set(verifyMtime, e.Mtime.Unix() != int64(f.mtime))
	set(verifyUser, !named(f.user, e.UID, c.v.users, c.v.uids))
	set(verifyGroup, !named(f.group, e.GID, c.v.groups, c.v.gids))
	if flags&verifyDigest == 0 {
		return bits, nil
	}
	differs, err := c.digest(ctx, bits&verifySize != 0)
	return bits | differs, err
}

// digest compares the content. One of another length is another.
func (c *rpmComparison) digest(ctx context.Context, otherSize bool) (uint32, error) {
	if c.f.digest == "" || otherSize {
		return verifyDigest, nil
	}
	result, err := c.v.compare(ctx, c.node, c.f.algorithm, c.f.digest, false)
	switch result {
	case different:
		return verifyDigest, nil
	case unreadable:
		return verifyDigest | verifyUnread, err
	}
	return 0, err
}

// named tells whether a number is that of a name, or has that name.
func named(name string, id uint32, names map[uint32]string, ids map[string]uint32) bool {
	if n, ok := ids[name]; ok && n == id {
		return true
	}
	is, ok := names[id]
	return ok && is == name
}

// otherDevice compares kinds of device nodes, and numbers by the 16 bits that a header
// has of them.
func (c *rpmComparison) otherDevice() bool {
	is, want := modeOf(&c.node.Node.Entry)&sIFMT, c.f.mode&sIFMT
	if (is == sIFCHR) != (want == sIFCHR) || (is == sIFBLK) != (want == sIFBLK) {
		return true
	}
	if is != sIFCHR && is != sIFBLK {
		return false
	}
	major, minor, _ := strings.Cut(c.node.Node.Device, ":")
	a, err := strconv.ParseUint(major, 10, 32)
	b, err2 := strconv.ParseUint(minor, 10, 32)
	return errors.Join(err, err2) != nil || uint16(a<<8|b&0xff) != c.f.rdev
}

// facts tell what is and what was recorded.
func (c *rpmComparison) facts(bits uint32) []string {
	e, f := &c.node.Node.Entry, c.f
	var list []string
	tell := func(bit uint32, what string, is, want any) {
		if bits&bit != 0 {
			list = append(list, text(fmt.Sprintf("%s %v, not %v", what, is, want)))
		}
	}
	tell(verifySize, "size", e.Size, f.size)
	tell(verifyMode, "mode", fmt.Sprintf("%06o", modeOf(e)), fmt.Sprintf("%06o", f.mode))
	tell(verifyRdev, "device", e.Device, fmt.Sprintf("%d:%d", f.rdev>>8, f.rdev&0xff))
	tell(verifyLink, "target", e.Target, f.link)
	tell(verifyUser, "user", nameOf(c.v.users, e.UID), f.user)
	tell(verifyGroup, "group", nameOf(c.v.groups, e.GID), f.group)
	tell(verifyMtime, "time", stamp(uint64(max(0, e.Mtime.Unix()))), stamp(uint64(f.mtime)))
	tell(verifyCaps, "capabilities", quoted(e.Capabilities), quoted(f.cap))
	return list
}

func nameOf(names map[uint32]string, id uint32) string {
	if name := names[id]; name != "" {
		return name
	}
	return strconv.FormatUint(uint64(id), 10)
}

func quoted(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
