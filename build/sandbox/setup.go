package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/store"
)

// A setup is what the process in the private mount namespace is told: the
// spec, with the places that the runner prepared.
type setup struct {
	Spec
	// Bwrap and Self are paths of programs on the host.
	Bwrap string
	Self  string
	Masks []mask
}

const (
	setupFile = "sandbox.json"
	// errorFile is where the process in the namespace tells why it could not
	// become bwrap; its stderr belongs to the step's log.
	errorFile = "sandbox.error"
)

// Main is the command `assay __sandbox FILE`: it mounts what the file says,
// in the mount namespace that it was started in, and becomes bwrap. It
// returns only an exit code for failure.
func Main(args []string) int {
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "assay: __sandbox is started by assay itself")
		return 3
	}
	// A keyring belongs to the thread; the thread that leaves it must be the
	// one that executes bwrap.
	runtime.LockOSThread()
	err := enter(args[0])
	path := filepath.Join(filepath.Dir(args[0]), errorFile)
	if werr := os.WriteFile(path, []byte(err.Error()), 0o600); werr != nil {
		fmt.Fprintln(os.Stderr, "assay:", errors.Join(err, werr))
	}
	return 125
}

func enter(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read sandbox: %w", err)
	}
	var s setup
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("read sandbox %s: %w", path, err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return refused("make mounts private", err)
	}
	forgetSys()
	// The process numbers are its own, so that with it ends whatever bwrap has
	// started and not yet tied to itself. Bwrap looks itself up under /proc.
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return refused("mount /proc", err)
	}
	places, err := s.mountViews()
	if err != nil {
		return err
	}
	if err := leaveSession(); err != nil {
		return err
	}
	caps, err := granted(s.Capabilities)
	if err != nil {
		return err
	}
	argv, err := s.bwrapArguments(places, caps)
	if err != nil {
		return err
	}
	if err := limitTo(caps); err != nil {
		return err
	}
	if err := closeOthers(); err != nil {
		return err
	}
	return fmt.Errorf("execute %s: %w", s.Bwrap, unix.Exec(s.Bwrap, argv, []string{}))
}

// forgetSys takes /sys, and the control groups below it, out of the namespace.
// No step sees them either way, so it may fail: it only saves time, for bwrap
// reads the list of all mounts at every bind.
func forgetSys() { _ = unix.Unmount("/sys", unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) }

// A places is where the views are mounted, on the host's side.
type places struct {
	root, tree string
	inputs     map[string]string
}

// mountViews mounts every view below one tmpfs, which goes with the namespace.
func (s *setup) mountViews() (places, error) {
	top := filepath.Join(s.Work, "mnt")
	if err := os.Mkdir(top, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return places{}, err
	}
	if err := unix.Mount("tmpfs", top, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0700"); err != nil {
		return places{}, refused("mount tmpfs "+top, err)
	}
	p := places{root: s.Root.Dir, inputs: map[string]string{}}
	var err error
	if !s.hostRoot() && !s.noRoot() {
		if p.root, err = mountView(s.Root, top, "root"); err != nil {
			return p, err
		}
	}
	if s.Tree != nil {
		if p.tree, err = mountView(*s.Tree, top, "tree"); err != nil {
			return p, err
		}
	}
	for i, in := range s.Inputs {
		p.inputs[in.Name] = filepath.Join(s.Work, "inputs", in.Name)
		if in.View != nil {
			p.inputs[in.Name], err = mountView(*in.View, top, fmt.Sprintf("input-%d", i))
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

func mountView(v store.View, top, name string) (string, error) {
	dir := filepath.Join(top, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	if err := v.Mount(dir); err != nil {
		return "", refused("mount "+name, err)
	}
	return dir, nil
}

// hostRoot says that the build root is the host itself.
func (s *Spec) hostRoot() bool { return s.Root.Dir == "/" }

// noRoot says that there is no build root at all.
func (s *Spec) noRoot() bool { return s.Root.Dir == "" && s.Root.Base == "" }

// leaveSession cuts what a process inherits outside of the namespaces that
// bwrap makes: the umask, resource limits, the session keyring.
func leaveSession() error {
	unix.Umask(0o022)
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("set limit of core dumps: %w", err)
	}
	limit := unix.Rlimit{Cur: 1024, Max: 4096}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("set limit of open files: %w", err)
	}
	// Kernels without keyrings, and seccomp filters, have nothing to leave.
	_, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)
	if err != nil && !slices.Contains([]error{unix.ENOSYS, unix.EPERM, unix.EOPNOTSUPP}, err) {
		return fmt.Errorf("leave session keyring: %w", err)
	}
	return nil
}

// closeOthers leaves bwrap the three standard files alone: who started assay
// may have left it more, a lock or a pipe, which would go on to the step.
func closeOthers() error {
	err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err == nil || !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EINVAL) {
		return err
	}
	list, err := os.ReadDir("/proc/self/fd") // before Linux 5.11
	for _, entry := range list {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return err
}

// refused says what to do where the kernel refuses mounts.
func refused(doing string, err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%s: %w; the sandbox needs root with CAP_SYS_ADMIN: run as root, outside of an unprivileged container", doing, err)
	case errors.Is(err, unix.EINVAL) && doing == "make mounts private":
		return fmt.Errorf("%s: %w; this root is no mount point (a plain chroot(8)?): enter it by pivot_root, "+
			"as systemd-nspawn and bwrap do, or mount --bind it onto itself first", doing, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// findBwrap finds bubblewrap on the host.
func findBwrap() (string, error) {
	path, err := exec.LookPath("bwrap")
	if err != nil {
		return "", errors.New("bwrap is not installed; install it (Debian, Fedora: the package bubblewrap)")
	}
	return filepath.Abs(path)
}
