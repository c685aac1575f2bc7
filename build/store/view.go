package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Mount presents the view at the existing directory target, in the mount
// namespace of the calling thread, which should be a private one. It needs
// CAP_SYS_ADMIN and /proc. Unmounting is the caller's, or comes with the end
// of the namespace.
func (v View) Mount(target string) error {
	var err error
	if v.Dir != "" {
		err = v.bind(target)
	} else {
		err = v.overlay(target)
	}
	if err != nil {
		return fmt.Errorf("mount tree at %s: %w", target, err)
	}
	return nil
}

// bind mounts a plain directory. A bind mount takes "read-only" only in a
// second step: mount(2).
func (v View) bind(target string) error {
	if err := unix.Mount(v.Dir, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", v.Dir, err)
	}
	if !v.ReadOnly {
		return nil
	}
	var s unix.Statfs_t
	if err := unix.Statfs(target, &s); err != nil {
		return err
	}
	// Flags that the mount has from the one below must be named again. The
	// ST_ and MS_ values of these three are the same.
	keep := uintptr(s.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if err := unix.Mount("", target, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|keep, ""); err != nil {
		return fmt.Errorf("make %s read-only: %w", target, err)
	}
	return nil
}

func (v View) overlay(target string) error {
	base, err := os.OpenFile(v.Base, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer base.Close() // a path handle: nothing to lose
	options, err := v.options(int(base.Fd()))
	if err != nil {
		return err
	}
	if v.Work != "" {
		// The mark of an earlier volatile mount refuses a second one, because
		// a crash between them could have lost data. Here no crash was: work
		// of a dead process is never mounted again.
		if err := os.RemoveAll(filepath.Join(v.Base, v.Work, "work", "incompat")); err != nil {
			return err
		}
	}
	var flags uintptr
	if v.ReadOnly {
		flags = unix.MS_RDONLY
	}
	if err := unix.Mount("overlay", target, "overlay", flags, options); err != nil {
		return fmt.Errorf("overlay of %d layers in %s: %w", len(v.Lower), v.Base, err)
	}
	return nil
}

// options is the data of the mount. Paths go through the open directory fd,
// which keeps them short and free of commas and colons, without a chdir that
// other threads would see.
//
//   - index=on keeps hard links together when one name is copied up.
//   - volatile leaves out every sync: Commit makes the layer durable.
//   - redirect_dir and metacopy are off: a layer is readable by its names alone.
func (v View) options(fd int) (string, error) {
	if len(v.Lower) == 0 {
		return "", fmt.Errorf("the view has neither a directory nor layers")
	}
	prefix := fmt.Sprintf("/proc/self/fd/%d/", fd)
	lower := make([]string, len(v.Lower))
	for i, l := range v.Lower {
		lower[i] = prefix + l
	}
	o := "redirect_dir=nofollow,metacopy=off,lowerdir=" + strings.Join(lower, ":")
	if v.Upper != "" {
		o = "index=on,volatile,upperdir=" + prefix + v.Upper + ",workdir=" + prefix + v.Work + "," + o
	}
	if size := os.Getpagesize(); len(o) >= size {
		return "", fmt.Errorf("%d layers need %d bytes of mount options, the kernel takes %d", len(v.Lower), len(o), size-1)
	}
	return o, nil
}
