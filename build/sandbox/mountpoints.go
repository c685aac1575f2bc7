package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/store"
)

// madeFile lists the mount points that were made, one a line.
const madeFile = "mount-points"

// mountPoints are the directories that a chroot step has private mounts on.
func mountPoints() []string { return []string{"dev", "proc", "run", "sys", "tmp"} }

// makeMountPoints makes those that a tree lacks, with mode 0000, and lists
// them in the file list. The root's mtime stays as it was.
func makeMountPoints(tree, list string) error {
	var made []string
	err := keepTimes(tree, func() error {
		for _, name := range mountPoints() {
			err := unix.Mkdir(filepath.Join(tree, name), 0)
			if err != nil && err != unix.EEXIST {
				return fmt.Errorf("make mount point /%s in the tree: %w", name, err)
			}
			if err == nil {
				made = append(made, name)
			}
			if !isDirectory(tree, name) {
				return fmt.Errorf("the tree's /%s is no directory: programs cannot run in this tree", name)
			}
		}
		return nil
	})
	return errors.Join(err, os.WriteFile(list, []byte(strings.Join(made, "\n")), 0o600))
}

// removeMountPoints removes those that were made from the directory that
// carries the changes of view, which is mounted nowhere any more. A mount
// point that the step gave a mode is its own and stays.
func removeMountPoints(view store.View, list string) error {
	data, err := os.ReadFile(list)
	if err != nil {
		return fmt.Errorf("clean tree: %w", err)
	}
	made := strings.Fields(string(data))
	if len(made) == 0 {
		return nil
	}
	dir := view.Dir
	if dir == "" {
		dir = filepath.Join(view.Base, view.Upper)
	}
	return keepTimes(dir, func() error {
		for _, name := range made {
			path := filepath.Join(dir, name)
			info, err := os.Lstat(path)
			if err != nil || !info.IsDir() || info.Mode().Perm() != 0 {
				continue // the step removed it, or it is the step's now
			}
			if err := unix.Rmdir(path); err != nil {
				return fmt.Errorf("remove mount point /%s from the tree: %w", name, err)
			}
		}
		return nil
	})
}

// keepTimes puts a directory's times back after a change.
func keepTimes(dir string, change func() error) error {
	var before unix.Stat_t
	if err := unix.Lstat(dir, &before); err != nil {
		return fmt.Errorf("look at tree: %w", err)
	}
	if err := change(); err != nil {
		return err
	}
	times := []unix.Timespec{before.Atim, before.Mtim}
	return unix.UtimesNanoAt(unix.AT_FDCWD, dir, times, unix.AT_SYMLINK_NOFOLLOW)
}
