package disk

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-os/assay/assemblers/layout"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/report"
)

// A Loader is GRUB 2 for BIOS machines (i386-pc).
type Loader struct {
	// Prefix is GRUB's directory in the tree; empty takes the one that is there.
	Prefix string
	// Images is where GRUB's modules lie; empty means /usr/lib/grub/i386-pc.
	Images string
}

const imageDir = "/usr/lib/grub/i386-pc"

// coreModules are built into core.img: what finds the configuration and can
// boot or complain on screen and serial console when nothing else can be read.
func coreModules() []string {
	return []string{
		"biosdisk", "part_gpt", "part_msdos", "ext2", "search", "search_fs_uuid", "normal", "configfile", "linux",
		"gzio", "echo", "test", "serial", "terminal", "minicmd", "ls", "cat", "reboot", "halt",
	}
}

// Where boot.img and core.img want to be told of the disk: GRUB's
// include/grub/i386/pc/boot.h and grub-core/boot/i386/pc/{boot,diskboot}.S.
const (
	sector = 512
	// bootCode is how much of the first sector is code; the rest holds the
	// disk's id and the partition table.
	bootCode = 440
	// kernelSector (8 bytes): where core.img starts.
	kernelSector = 0x5c
	// driveCheck (2 bytes): two NOPs make boot.img distrust the drive number
	// that a BIOS passes, as grub-bios-setup does for every hard disk.
	driveCheck = 0x66
	// blockList (12 bytes): first sector, number of sectors, and segment of
	// what follows core.img's first sector.
	blockList   = 0x1f4
	loadSegment = 0x820
)

// check finds out whether there is room for core.img and a place for its
// directory.
func (g *Loader) check(l *layout.Layout) layout.Problems {
	var problems layout.Problems
	if l.Label == layout.GPT && l.OfType("bios-boot") == 0 {
		problems = append(problems, layout.Problem{
			Path: "partitions", Message: "grub2 on gpt needs one of type bios-boot (1 MiB is enough)",
		})
	}
	if _, _, ok := l.Holding("/boot"); !ok {
		problems = append(problems, layout.Problem{
			Path: "partitions", Message: "grub2 needs a filesystem that holds /boot; give one the mountpoint /",
		})
	}
	return problems
}

// prefix is GRUB's directory in the tree.
func (g *Loader) prefix(entries []report.Entry) string {
	if g.Prefix != "" {
		return g.Prefix
	}
	for _, e := range entries {
		if e.Path == "/boot/grub2" && e.Type == report.Directory {
			return "/boot/grub2"
		}
	}
	return "/boot/grub"
}

// install makes core.img and writes both of GRUB's pieces into the image.
func (s Spec) install(ctx context.Context) error {
	images := s.Loader.Images
	if images == "" {
		images = imageDir
	}
	boot, err := os.ReadFile(filepath.Join(images, "boot.img"))
	if err != nil {
		return fmt.Errorf("%w; the build root needs grub-pc-bin (Debian) or grub2-pc-modules (Fedora)", err)
	}
	core, err := s.core(ctx, images)
	if err != nil {
		return err
	}
	at, room := s.embeddingArea()
	if int64(len(core)) > room {
		return fmt.Errorf("core.img has %d bytes and its place %d; enlarge the bios-boot partition", len(core), room)
	}
	if err := patch(boot, core, at/sector); err != nil {
		return err
	}
	return s.write(boot[:bootCode], core, at)
}

// embeddingArea is where core.img goes: the BIOS-boot partition, or the gap
// between the MBR and the first partition.
func (s Spec) embeddingArea() (at, room int64) {
	if i := s.Layout.OfType("bios-boot"); i > 0 {
		p := s.Layout.Partitions[i-1]
		return p.Start, p.Size
	}
	return sector, s.Layout.Partitions[0].Start - sector
}

// core makes core.img, which finds its filesystem by UUID. Its size is a
// multiple of the sector's.
func (s Spec) core(ctx context.Context, images string) ([]byte, error) {
	prefix := s.Loader.prefix(s.Entries)
	fs, inner, ok := s.Layout.Holding(prefix)
	if !ok {
		return nil, fmt.Errorf("no filesystem of the layout holds %s", prefix)
	}
	s.warn(prefix + "/grub.cfg")
	early := fmt.Sprintf("search.fs_uuid %s root\nset prefix=($root)%s\n", strings.ToLower(fs.UUID), inner)
	config := filepath.Join(s.Scratch, "early.cfg")
	if err := os.WriteFile(config, []byte(early), 0o600); err != nil {
		return nil, err
	}
	out := filepath.Join(s.Scratch, "core.img")
	argv := append([]string{mkimage(), "-O", "i386-pc", "-d", images, "-o", out, "-p", inner, "-c", config, "-C", "auto"}, coreModules()...)
	if err := s.Step.Exec(ctx, step.Program{Argv: argv, Env: []string{"LC_ALL=C"}}); err != nil {
		return nil, err
	}
	core, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	if pad := len(core) % sector; pad > 0 {
		core = append(core, make([]byte, sector-pad)...)
	}
	return core, nil
}

// warn tells of a disk that will stop at GRUB's prompt.
func (s Spec) warn(config string) {
	has := slices.ContainsFunc(s.Entries, func(e report.Entry) bool { return string(e.Path) == config })
	if !has && s.Step.Log != nil {
		fmt.Fprintf(s.Step.Log, "the tree has no %s: the disk will start GRUB and nothing else\n", config)
	}
}

// mkimage is the program's name: Fedora's packages call it grub2-mkimage.
func mkimage() string {
	if _, err := exec.LookPath("grub2-mkimage"); err == nil {
		return "grub2-mkimage"
	}
	return "grub-mkimage"
}

// patch tells both pieces where core.img lies, in sectors.
func patch(boot, core []byte, at int64) error {
	if len(boot) != sector || len(core) < 2*sector {
		return fmt.Errorf("boot.img has %d bytes and core.img %d; they are not GRUB's", len(boot), len(core))
	}
	binary.LittleEndian.PutUint64(boot[kernelSector:], uint64(at))
	boot[driveCheck], boot[driveCheck+1] = 0x90, 0x90
	rest := core[blockList:]
	binary.LittleEndian.PutUint64(rest, uint64(at)+1)
	binary.LittleEndian.PutUint16(rest[8:], uint16(len(core)/sector-1))
	binary.LittleEndian.PutUint16(rest[10:], loadSegment)
	return nil
}

func (s Spec) write(code, core []byte, at int64) error {
	f, err := os.OpenFile(s.Image, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err1 := f.WriteAt(code, 0)
	_, err2 := f.WriteAt(core, at)
	return errors.Join(err1, err2, f.Close())
}
