package stages

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

//go:embed copy.json
var copySchema json.RawMessage

func copyItems() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.copy",
		Kind:    step.Stage,
		Summary: "Copy files and directories from inputs or the tree into the tree",
		Description: `Copies with owners, modes, times, extended attributes and hard links, as
cp -a of GNU coreutils does:

- from with a slash at its end means what the directory holds, without it the
  directory itself;
- to that is a directory means a name inside of it; what is there is merged, and files
  are overwritten;
- to that is a symlink to a file overwrites that file, unless remove_destination
  takes the link away first.

A file of an input is named by its checksum: input://NAME/sha256:…. If it comes from a
source it is root's, with mode 0444 (org.osbuild.chmod changes that).

Works natively; mounts are not supported yet.`,
		Schema: copySchema,
		Inputs: []step.InputDefinition{{Name: step.AnyInput, Summary: "what paths name by input://NAME/"}},
		Since:  since,
		// Labels that the running kernel's policy does not know.
		Capabilities: []string{"CAP_MAC_ADMIN"},
		Run:          with(runCopy),
	}
}

type copyOptions struct {
	Paths []struct {
		From   string `json:"from"`
		To     string `json:"to"`
		Remove bool   `json:"remove_destination"`
	} `json:"paths"`
}

func runCopy(c *step.Context, o copyOptions) error {
	for i, p := range o.Paths {
		from, err := locate(c, p.From, "paths", i, "from")
		if err != nil {
			return err
		}
		to, err := locate(c, p.To, "paths", i, "to")
		if err != nil {
			return errors.Join(err, from.close())
		}
		tell(c, "copying %s to %s", p.From, p.To)
		cp := copier{from: from.root, to: to.root, entries: from.entries, remove: p.Remove, linked: map[inode]string{}}
		err = cp.run(from, to, i)
		if err := errors.Join(err, from.close()); err != nil {
			return err
		}
	}
	return nil
}

type inode struct{ device, number uint64 }

// A copier copies one item.
type copier struct {
	from, to *tree.Root
	entries  []report.Entry
	remove   bool
	// linked are the copies of inodes with several names.
	linked map[inode]string
	// top is the directory that the first copied directory became: it must
	// not come up among what is copied.
	top inode
}

func (cp *copier) run(from, to location, i int) error {
	info, err := cp.from.Lstat(from.name)
	if errors.Is(err, fs.ErrNotExist) {
		return step.BadOption(step.At("paths", i, "from"), "there is no %s to copy", from.name)
	}
	if err != nil {
		return err
	}
	if from.content && info.Type == report.Symlink {
		if from.name, err = cp.from.Resolve(from.name); err == nil {
			info, err = cp.from.Lstat(from.name)
		}
		if err != nil {
			return err
		}
	}
	if from.content && info.Type != report.Directory {
		return step.BadOption(step.At("paths", i, "from"), "%s ends in a slash and is a %s", from.name, info.Type)
	}
	name, err := cp.destination(from, to, i)
	if err != nil {
		return err
	}
	if to.root == from.root && inside(name, from.name) && info.Type == report.Directory {
		return step.BadOption(step.At("paths", i, "to"), "%s lies inside of %s, which is copied", name, from.name)
	}
	return cp.copy(from.name, name, info)
}

func inside(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}

// destination is the name that the copy of the item itself gets.
func (cp *copier) destination(from, to location, i int) (string, error) {
	info, err := cp.to.Stat(to.name)
	switch {
	case err == nil && info.Type == report.Directory && from.content:
		return to.name, nil
	case err == nil && info.Type == report.Directory:
		return path.Join(to.name, path.Base(from.name)), nil
	case errors.Is(err, fs.ErrNotExist) && to.content && !from.content:
		return "", step.BadOption(step.At("paths", i, "to"), "there is no directory %s", to.name)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	return to.name, nil
}

func (cp *copier) copy(from, to string, info tree.Info) error {
	if info.Type == report.Directory {
		return cp.copyDirectory(from, to, info)
	}
	if first, ok := cp.linked[inode{info.Device, info.Inode}]; ok && info.Links > 1 {
		if err := cp.clear(to); err != nil {
			return err
		}
		return cp.to.Link(first, to)
	}
	if info.Links > 1 {
		cp.linked[inode{info.Device, info.Inode}] = to
	}
	if info.Type == report.File {
		return cp.copyFile(from, to, info)
	}
	if err := cp.clear(to); err != nil {
		return err
	}
	if err := cp.makeNode(from, to, info); err != nil {
		return err
	}
	return cp.copyMetadata(from, to, info)
}

func (cp *copier) makeNode(from, to string, info tree.Info) error {
	if info.Type != report.Symlink {
		return cp.to.Mknod(to, info.Type, info.Mode, info.Major, info.Minor)
	}
	target, err := cp.from.Readlink(from)
	if err != nil {
		return err
	}
	return cp.to.Symlink(target, to)
}

// clear removes what is in the way of a node or a link; a directory stays and
// is an error later.
func (cp *copier) clear(to string) error {
	info, err := cp.to.Lstat(to)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Type == report.Directory {
		return nil
	}
	if err != nil {
		return err
	}
	return cp.to.Remove(to)
}

func (cp *copier) copyDirectory(from, to string, info tree.Info) error {
	if err := cp.to.Mkdir(to, 0o700); errors.Is(err, fs.ErrExist) {
		there, statErr := cp.to.Stat(to)
		if statErr != nil || there.Type != report.Directory {
			return fmt.Errorf("copy the directory %s: %w", from, err)
		}
		if to, err = cp.to.Resolve(to); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	made, err := cp.to.Lstat(to)
	if err != nil {
		return err
	}
	if cp.top == (inode{}) {
		cp.top = inode{made.Device, made.Inode}
	}
	if cp.top == (inode{info.Device, info.Inode}) {
		return fmt.Errorf("copy the directory %s: it would be copied into itself", from)
	}
	list, err := cp.from.ReadDir(from)
	if err != nil {
		return err
	}
	for _, child := range list {
		if err := cp.copy(path.Join(from, child.Name), path.Join(to, child.Name), child); err != nil {
			return err
		}
	}
	return cp.copyMetadata(from, to, info)
}

func (cp *copier) copyFile(from, to string, info tree.Info) (err error) {
	if cp.remove {
		err = cp.clear(to)
	} else {
		to, err = cp.to.Resolve(to)
	}
	if err != nil {
		return err
	}
	source, err := cp.from.OpenFile(from, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer source.Close()
	if there, err := cp.to.Stat(to); err == nil && there.Device == info.Device && there.Inode == info.Inode {
		return fmt.Errorf("copy %s: it is the same file as %s", from, to)
	}
	file, err := cp.to.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, source)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("copy %s to %s: %w", from, to, err)
	}
	return cp.copyMetadata(from, to, info)
}

// copyMetadata gives the copy the owner, mode, attributes and time of what it
// is a copy of: those of the recorded list where the input has one.
func (cp *copier) copyMetadata(from, to string, info tree.Info) error {
	uid, gid, mode := info.UID, info.GID, info.Mode
	entry, recorded := cp.entry(from)
	if recorded {
		uid, gid, mode = entry.UID, entry.GID, entry.Mode
	}
	if err := cp.to.Chown(to, uid, gid); err != nil {
		return err
	}
	if info.Type != report.Symlink {
		if err := cp.to.Chmod(to, mode); err != nil {
			return err
		}
	}
	attributes, err := cp.attributes(from, entry, recorded)
	if err != nil {
		return err
	}
	for _, a := range attributes {
		if err := cp.to.Setxattr(to, a.name, a.value); err != nil {
			return err
		}
	}
	return cp.to.Utimes(to, info.Mtime)
}

func (cp *copier) entry(name string) (report.Entry, bool) {
	i, found := slices.BinarySearchFunc(cp.entries, name, func(e report.Entry, name string) int {
		return strings.Compare(string(e.Path), name)
	})
	if !found {
		return report.Entry{}, false
	}
	return cp.entries[i], true
}
