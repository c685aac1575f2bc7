package packages

import (
	"fmt"
	"strings"

	"github.com/assay-os/assay/inspect/rpmdb"
)

// The numbers of the tags of files (rpmtag.h).
const (
	tagFileSizes       = 1028
	tagFileStates      = 1029
	tagFileModes       = 1030
	tagFileRdevs       = 1033
	tagFileMtimes      = 1034
	tagFileDigests     = 1035
	tagFileLinkTos     = 1036
	tagFileFlags       = 1037
	tagFileUserName    = 1039
	tagFileGroupName   = 1040
	tagFileVerifyFlags = 1045
	tagLongFileSizes   = 5008
	tagFileCaps        = 5010
	tagFileDigestAlgo  = 5011
)

// A file's attributes (rpmfiles.h, rpmfileAttrs), and their letters in the order
// in which rpm puts them.
const (
	rpmConfig    = 1 << 0
	rpmDoc       = 1 << 1
	rpmMissingOK = 1 << 3
	rpmGhost     = 1 << 6
	rpmLicense   = 1 << 7
)

// The states of a file (rpmfiles.h, rpmfileState); -1, that of no state, is 255 in a
// header.
const (
	stateNormal       = 0
	stateReplaced     = 1
	stateNotInstalled = 2
	stateNetShared    = 3
	stateWrongColor   = 4
)

// An rpmFile is what a header says of one file.
type rpmFile struct {
	index int32 // in the tree, -1 where it is not
	state uint8

	mode             uint16
	rdev             uint16
	flags, verify    uint32
	mtime            uint32
	algorithm        uint8
	size             uint64
	dir, base        string
	digest, link     string
	user, group, cap string
}

func (f *rpmFile) path() string { return f.dir + f.base }

// An rpmFileTable is what all packages say of their files.
type rpmFileTable struct {
	owned    *claims
	packages []rpmFiles
	// badHeaders are packages and the names of digests.
	badHeaders []string
	count      int
}

// rpmFiles are one package's.
type rpmFiles struct {
	name  string
	files []rpmFile
}

// maxListed bounds the files of all packages together.
const maxListed = 1_000_000

// A column is the values of one tag, a value a file; nil where the header has no
// such tag.
type numbers []uint64

func (c numbers) at(i int) uint64 {
	if c == nil {
		return 0
	}
	return c[i]
}

type texts []string

func (c texts) at(i int) string {
	if c == nil {
		return ""
	}
	return c[i]
}

// rpmColumns are the tags of a header's files.
type rpmColumns struct {
	dirs, bases                                               []string
	sizes, states, modes, rdevs, mtimes, flags, verify, algos numbers
	digests, links, users, groups, caps                       texts
}

// columnsOf reads the tags, each of as many values as there are files.
func columnsOf(h *rpmdb.Header) (*rpmColumns, error) {
	dirs, bases, err := h.Names()
	if err != nil {
		return nil, err
	}
	c := &rpmColumns{dirs: dirs, bases: bases}
	for id, to := range map[uint32]*numbers{
		tagFileSizes: &c.sizes, tagFileStates: &c.states, tagFileModes: &c.modes, tagFileRdevs: &c.rdevs,
		tagFileMtimes: &c.mtimes, tagFileFlags: &c.flags, tagFileVerifyFlags: &c.verify,
	} {
		if *to = h.Find(id).Numbers(); *to != nil && len(*to) != len(bases) {
			return nil, fmt.Errorf("%s of %d values for %d files", rpmdb.TagName(id), len(*to), len(bases))
		}
	}
	if long := h.Find(tagLongFileSizes).Numbers(); len(long) == len(bases) {
		c.sizes = long
	}
	for id, to := range map[uint32]*texts{
		tagFileDigests: &c.digests, tagFileLinkTos: &c.links, tagFileUserName: &c.users, tagFileGroupName: &c.groups, tagFileCaps: &c.caps,
	} {
		if *to = h.Find(id).Strings(); *to != nil && len(*to) != len(bases) {
			return nil, fmt.Errorf("%s of %d values for %d files", rpmdb.TagName(id), len(*to), len(bases))
		}
	}
	c.algos = h.Find(tagFileDigestAlgo).Numbers()
	return c, nil
}

// add takes a package's files, and claims those that are installed: not what rpm
// left out, and not what another package has replaced.
func (l *rpmFileTable) add(h *rpmdb.Header) error {
	c, err := columnsOf(h)
	if err != nil {
		return fmt.Errorf("package %s: list files: %w", h.Name(), err)
	}
	if l.count += len(c.bases); l.count > maxListed {
		return fmt.Errorf("package %s: the packages list more than %d files", h.Name(), maxListed)
	}
	p := rpmFiles{name: text(h.Name()), files: make([]rpmFile, len(c.bases))}
	l.owned.newPackage(p.name)
	last, dir := "", "/"
	for i, base := range c.bases {
		f := &p.files[i]
		*f = c.file(i)
		if f.dir, f.base = c.dirs[i], base; !strings.HasPrefix(f.dir, "/") {
			return fmt.Errorf("package %s: %.60q is not an absolute path", h.Name(), f.path())
		}
		if f.dir != last {
			last, dir = f.dir, l.owned.dir(f.dir)
		}
		f.index = int32(l.owned.in(dir, base))
		if f.index >= 0 && (f.state == stateNormal || f.state == stateNetShared) {
			l.owned.take(int(f.index))
		}
	}
	l.packages = append(l.packages, p)
	return nil
}

func (c *rpmColumns) file(i int) rpmFile {
	f := rpmFile{
		state: uint8(c.states.at(i)), mode: uint16(c.modes.at(i)), rdev: uint16(c.rdevs.at(i)), flags: uint32(c.flags.at(i)), verify: ^uint32(0),
		mtime: uint32(c.mtimes.at(i)), size: c.sizes.at(i), digest: c.digests.at(i), link: c.links.at(i), user: c.users.at(i), group: c.groups.at(i),
		cap: c.caps.at(i), algorithm: digestMD5,
	}
	if c.verify != nil {
		f.verify = uint32(c.verify[i])
	}
	if len(c.algos) > 0 {
		f.algorithm = uint8(min(c.algos[0], 255))
	}
	return f
}
