// Package ext4 makes an ext4 filesystem that holds exactly a recorded tree,
// bit for bit the same wherever and whenever it is made, without mounting it.
//
// Contents and names come from a directory; everything else (owner, mode,
// times, attributes, devices) comes from the record of that directory, which
// is the truth. It is done by the build root's e2fsprogs: mke2fs fills the
// filesystem, debugfs lists its inodes and sets their fields.
package ext4

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/report"
)

// Sizes in bytes that a filesystem may have. A journal takes at least 2,048
// blocks, mke2fs(8) -j; beyond 16 TiB nothing was tried.
const (
	MinSize = 8 << 20
	MaxSize = 1 << 44
)

const (
	blockSize = 4096
	// bytesPerInode is mke2fs' own default; more inodes are made where the
	// tree needs them.
	bytesPerInode = 16384
	// reservedInodes are those below the first that files may have, and
	// lost+found.
	reservedInodes = 11
)

// features are all that the filesystem has, so that nothing depends on the
// build root's mke2fs.conf. GRUB 2.06 and every kernel since 4.0 read them;
// metadata_csum_seed and orphan_file are left out because they do not.
const features = "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg," +
	"sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum"

// A Spec is a filesystem to be made.
type Spec struct {
	// Image is a file that exists; the filesystem takes Size bytes of it from
	// Offset on, which must read as zeros.
	Image        string
	Offset, Size int64
	UUID, Label  string
	// Source is the directory that holds the tree. The filesystem stays
	// empty when Entries is.
	Source  string
	Entries []report.Entry
	// Epoch is every time that the tree does not give.
	Epoch time.Time
	// Scratch is an existing directory for the script and the attributes.
	Scratch string
	// Step runs the tools.
	Step *step.Context
}

// Make makes the filesystem.
func Make(ctx context.Context, s Spec) error {
	if need := Need(s.Entries); need > s.Size {
		return fmt.Errorf("make ext4: the tree needs about %d MiB, the filesystem has %d; enlarge it", need>>20, s.Size>>20)
	}
	if err := os.WriteFile(s.config(), []byte(mke2fsConf), 0o600); err != nil {
		return fmt.Errorf("make ext4: %w", err)
	}
	if err := s.mke2fs(ctx); err != nil {
		return fmt.Errorf("make ext4: %w", err)
	}
	inodes, err := s.match(ctx)
	if err != nil {
		return fmt.Errorf("make ext4: %w", err)
	}
	if err := s.apply(ctx, inodes); err != nil {
		return fmt.Errorf("make ext4: %w", err)
	}
	if err := dig(s.Image, s.Offset, s.Size); err != nil {
		return fmt.Errorf("make ext4: %w", err)
	}
	return nil
}

// Need is the least number of bytes that the entries take in ext4, journal
// and inodes left out: what certainly does not fit can be refused before work.
func Need(entries []report.Entry) int64 {
	var n int64
	for _, e := range entries {
		switch {
		case e.Hardlink != "" && e.Hardlink != e.Path:
		case e.Type == report.File && e.Size <= surelySolid:
			n += (e.Size + blockSize - 1) / blockSize * blockSize
		case e.Type == report.Directory:
			n += blockSize
		}
	}
	return n
}

// surelySolid is the size up to which a file counts whole: a larger one may be
// all holes, and its recorded size then is no bound.
const surelySolid = 1 << 20

// mke2fs makes the filesystem and copies names and contents into it.
func (s Spec) mke2fs(ctx context.Context) error {
	extended := []string{
		"offset=" + strconv.FormatInt(s.Offset, 10), "nodiscard", "no_copy_xattrs",
		"hash_seed=" + s.UUID, "lazy_itable_init=0", "lazy_journal_init=0", "root_owner=0:0",
	}
	argv := []string{
		"mke2fs", "-q", "-F", "-t", "ext4", "-O", features, "-b", strconv.Itoa(blockSize), "-I", "256",
		"-N", strconv.FormatInt(s.inodes(), 10), "-m", "5", "-e", "continue", "-o", "Linux",
		"-U", s.UUID, "-E", strings.Join(extended, ","),
	}
	if s.Label != "" {
		argv = append(argv, "-L", s.Label)
	}
	if len(s.Entries) > 0 {
		argv = append(argv, "-d", s.Source)
	}
	argv = append(argv, s.Image, strconv.FormatInt(s.Size/blockSize, 10))
	err := s.Step.Exec(ctx, step.Program{Argv: argv, Env: s.env()})
	var failed *step.CommandError
	if errors.As(err, &failed) && strings.Contains(strings.Join(failed.Tail, "\n"), "allocate block") {
		return fmt.Errorf("the tree does not fit into the filesystem's %d MiB; enlarge it: %w", s.Size>>20, err)
	}
	return err
}

// inodes is how many inodes the filesystem gets: the usual share of its size,
// and always an eighth more than the tree has.
func (s Spec) inodes() int64 {
	n := int64(len(s.Entries))
	return max(s.Size/bytesPerInode, n+n/8+reservedInodes+16)
}

// mke2fsConf knows the kinds of filesystem that mke2fs looks up, with nothing
// of its own to say: the command line says all. A kind without any setting
// counts as unknown.
const mke2fsConf = `[fs_types]
	ext4 = {
		inode_size = 256
	}
	floppy = {
		inode_size = 256
	}
	small = {
		inode_size = 256
	}
	big = {
		inode_size = 256
	}
	huge = {
		inode_size = 256
	}
`

// config is where mke2fs finds mke2fsConf.
func (s Spec) config() string { return filepath.Join(s.Scratch, "mke2fs.conf") }

// env gives e2fsprogs its clock, its configuration, and the order of names:
// mke2fs -d sorts by the locale.
func (s Spec) env() []string {
	// e2fsprogs takes 0 for "not set" and reads the clock.
	now := max(s.Epoch.Unix(), 1)
	return []string{"E2FSPROGS_FAKE_TIME=" + strconv.FormatInt(now, 10), "MKE2FS_CONFIG=" + s.config(), "LC_ALL=C"}
}

// device is the filesystem as debugfs takes it.
func (s Spec) device() string { return fmt.Sprintf("%s?offset=%d", s.Image, s.Offset) }
