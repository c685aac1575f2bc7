// Package tree is the one path by which native steps write into a tree.
//
// A [Root] resolves every name inside of its directory as if that were the
// root of the system: absolute symlinks start there, ".." stops there. No
// name leaves it (openat2(2) with RESOLVE_IN_ROOT), whatever links the tree
// holds.
//
//	root, err := tree.Open("/run/assay/tree")
//	…
//	err = root.WriteFile("/etc/hostname", []byte("web1\n"), 0o644)
//
// Modes are exact: the process's umask never counts. Where a method meets a
// symlink as the last component, its comment says whether that is followed;
// those before the last always are. Errors are [fs.PathError]s whose path is
// the name inside of the tree.
//
// The package does not run programs, records nothing and knows no file
// format.
package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"
)

// MaxFile is the size in bytes up to which [Root.ReadFile] reads a file. The
// texts that steps edit are far smaller.
const MaxFile = 64 << 20

// maxLinks is how many symlinks one name may lead through, as in
// path_resolution(7).
const maxLinks = 40

// A Root is an open directory that confines every name given to it. Its
// methods may be called concurrently.
type Root struct {
	dir string
	fd  int
}

// Open opens a directory. The caller closes it.
func Open(dir string) (*Root, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open tree", Path: dir, Err: err}
	}
	r := &Root{dir: dir, fd: fd}
	probe, err := r.openat2(".", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("open tree %s: %w", dir, kernelError(err))
	}
	unix.Close(probe)
	return r, nil
}

// kernelError says what to do where openat2(2) is not to be had: kernels
// before 5.6 answer ENOSYS, some seccomp filters EPERM.
func kernelError(err error) error {
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return fmt.Errorf("the kernel (or a seccomp filter) refuses openat2(2), without which no name is safe; use Linux 5.6 or newer: %w", err)
	}
	return err
}

// Close closes the directory; the tree stays as it is.
func (r *Root) Close() error { return unix.Close(r.fd) }

// Dir is the directory's path as it was given to [Open].
func (r *Root) Dir() string { return r.dir }

// openat2 opens a name inside of the root. The kernel answers EAGAIN when a
// rename anywhere in the system ran while it resolved "..": then it is to be
// asked again.
func (r *Root) openat2(name string, flags int) (int, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	for tries := 0; ; tries++ {
		fd, err := unix.Openat2(r.fd, relative(name), &how)
		if again := err == unix.EAGAIN || err == unix.EINTR; !again || tries == 1000 {
			return fd, err
		}
	}
}

// relative is a name in a form that openat2 takes: not empty.
func relative(name string) string {
	if name == "" {
		return "."
	}
	return name
}

// An at is a last component and the open directory that holds it.
type at struct {
	fd   int
	name string
	// dir is the directory's name as the caller spelled it.
	dir string
}

func (a at) close() { unix.Close(a.fd) }

// parent opens the directory that holds the last component of name. For the
// root itself, and for a name that ends in "..", the component is ".".
func (r *Root) parent(op, name string) (at, error) {
	if strings.IndexByte(name, 0) >= 0 {
		return at{}, &fs.PathError{Op: op, Path: name, Err: unix.EINVAL}
	}
	dir, last := split(name)
	if last == ".." {
		dir, last = name, "."
	}
	fd, err := r.openat2(dir, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return at{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return at{fd, last, dir}, nil
}

// split cuts a name before its last component. Only trailing slashes and
// "." are cleaned away: "a/../b" is the kernel's to resolve, since a may be a
// symlink.
func split(name string) (dir, last string) {
	for {
		name = strings.TrimRight(name, "/")
		if name == "." || name == "" {
			return "", "."
		}
		if !strings.HasSuffix(name, "/.") {
			break
		}
		name = strings.TrimSuffix(name, "/.")
	}
	i := strings.LastIndexByte(name, '/')
	return name[:i+1], name[i+1:]
}

// in runs do on the last component of name; a symlink there is not followed.
func (r *Root) in(op, name string, do func(at) error) error {
	a, err := r.parent(op, name)
	if err != nil {
		return err
	}
	defer a.close()
	if err := do(a); err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

// Resolve follows the symlinks that the last component of name may be, inside
// of the root, and returns a name whose last component is none. It need not
// exist: what a dangling link points to is where open(2) would create.
func (r *Root) Resolve(name string) (string, error) {
	asked := name
	for range maxLinks {
		a, err := r.parent("resolve", name)
		if err != nil {
			return "", err
		}
		target, err := readlinkat(a)
		a.close()
		if err == unix.EINVAL || err == unix.ENOENT {
			return name, nil
		}
		if err != nil {
			return "", &fs.PathError{Op: "resolve", Path: asked, Err: err}
		}
		name = a.dir + target
		if strings.HasPrefix(target, "/") {
			name = target
		}
	}
	return "", &fs.PathError{Op: "resolve", Path: asked, Err: unix.ELOOP}
}
