package tree

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/report"
)

// Chmod sets the permission bits, set-user-ID, set-group-ID and sticky
// included. A symlink is refused, for it has no mode: use [Root.Resolve]
// first to change what it leads to.
func (r *Root) Chmod(name string, mode report.Mode) error {
	return r.in("chmod", name, func(a at) error { return chmodat(a, mode) })
}

// chmodat goes over /proc: fchmodat(2) would follow a final symlink out of
// the tree, and fchmodat2(2) is as young as Linux 6.6.
func chmodat(a at, mode report.Mode) error {
	fd, err := unix.Openat(a.fd, a.name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if typeOf(st.Mode) == report.Symlink {
		return fmt.Errorf("is a symlink, which has no mode")
	}
	if err := unix.Fchmodat(fd, "", uint32(mode), unix.AT_EMPTY_PATH); err == nil {
		return nil
	}
	return unix.Chmod(fmt.Sprintf("/proc/self/fd/%d", fd), uint32(mode))
}

// Chown sets owner and group of name; a symlink's own, not of what it points
// to. The kernel takes set-user-ID and set-group-ID from a file that it is
// done to.
func (r *Root) Chown(name string, uid, gid uint32) error {
	return r.in("chown", name, func(a at) error {
		return unix.Fchownat(a.fd, a.name, int(uid), int(gid), unix.AT_SYMLINK_NOFOLLOW)
	})
}

// Utimes sets access and modification time; a symlink's own.
func (r *Root) Utimes(name string, t time.Time) error {
	return r.in("utimes", name, func(a at) error {
		ts, err := unix.TimeToTimespec(t)
		if err != nil {
			return err
		}
		return unix.UtimesNanoAt(a.fd, a.name, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
	})
}

// Setxattr sets an extended attribute by its full name; a symlink's own.
func (r *Root) Setxattr(name, attr string, value []byte) error {
	return r.in("setxattr", name, func(a at) error { return unix.Lsetxattr(a.proc(), attr, value, 0) })
}

// Removexattr removes an extended attribute; a symlink's own.
func (r *Root) Removexattr(name, attr string) error {
	return r.in("removexattr", name, func(a at) error { return unix.Lremovexattr(a.proc(), attr) })
}

// Getxattr is the value of an extended attribute; a symlink's own.
func (r *Root) Getxattr(name, attr string) ([]byte, error) {
	var value []byte
	err := r.in("getxattr", name, func(a at) (err error) {
		value, err = getXattr(a, attr)
		return err
	})
	return value, err
}

// Listxattr lists the names of the extended attributes, sorted; a symlink's own.
func (r *Root) Listxattr(name string) ([]string, error) {
	var names []string
	err := r.in("listxattr", name, func(a at) (err error) {
		names, err = listXattrs(a)
		return err
	})
	return names, err
}

// proc is a path that leads to the component and follows no symlink there:
// the xattr calls take no directory before Linux 6.13.
func (a at) proc() string { return fmt.Sprintf("/proc/self/fd/%d/%s", a.fd, a.name) }

func getXattr(a at, attr string) ([]byte, error) {
	return sized(func(buf []byte) (int, error) { return unix.Lgetxattr(a.proc(), attr, buf) })
}

func listXattrs(a at) ([]string, error) {
	list, err := sized(func(buf []byte) (int, error) { return unix.Llistxattr(a.proc(), buf) })
	if err == unix.ENOTSUP {
		return nil, nil
	}
	if err != nil || len(list) == 0 {
		return nil, err
	}
	names := strings.Split(strings.TrimSuffix(string(list), "\x00"), "\x00")
	slices.Sort(names)
	return names, nil
}

// sized calls get with a buffer that is large enough: 64 KiB is the kernel's
// own limit for a value and for a list (xattr(7)).
func sized(get func([]byte) (int, error)) ([]byte, error) {
	buf := make([]byte, 64<<10)
	n, err := get(buf)
	if err != nil {
		return nil, err
	}
	return buf[:n], nil
}
