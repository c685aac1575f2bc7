package sandbox

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Bubblewrap is the [Runner] that uses bwrap(1).
type Bubblewrap struct {
	bwrap string
	self  string
	// static is nil when self runs without libraries.
	static func() error
}

// NewBubblewrap finds bwrap. Self is the program that is started again, on
// the host as `SELF __sandbox` and inside as [Program]; it must be static for
// build roots without its libraries. The error is one line that says what is
// missing on this host and what to do.
func NewBubblewrap(self string) (*Bubblewrap, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("building needs root (mounts, owners, device nodes): run it as root, with sudo for example")
	}
	bwrap, err := findBwrap()
	if err != nil {
		return nil, err
	}
	return &Bubblewrap{bwrap, self, sync.OnceValue(func() error { return checkStatic(self) })}, nil
}

// checkStatic refuses a program that asks for a dynamic loader: elf(5).
func checkStatic(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is no static program, so it cannot run in a build root: build it with CGO_ENABLED=0", path)
		}
	}
	return nil
}

// An ExitError says that the step ran and failed.
type ExitError struct {
	// State tells how: "exit status 1", "signal: killed".
	State string
	// Tail is the last lines of what it printed.
	Tail string
}

func (e *ExitError) Error() string {
	lines := LastLines(e.Tail, 1)
	if lines == "" {
		return e.State
	}
	return e.State + ": " + lines
}

// LastLines is the last n lines of text that are not blank.
func LastLines(text string, n int) string {
	var lines []string
	all := strings.Split(text, "\n")
	for i := len(all) - 1; i >= 0 && len(lines) < n; i-- {
		if line := strings.TrimRight(all[i], " \t\r"); line != "" {
			lines = append([]string{line}, lines...)
		}
	}
	return strings.Join(lines, "\n")
}

// Run implements [Runner].
func (b *Bubblewrap) Run(ctx context.Context, spec Spec) (Result, error) {
	if spec.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, spec.Timeout, fmt.Errorf("it took longer than %s", spec.Timeout))
		defer cancel()
	}
	if !spec.hostRoot() {
		if err := b.static(); err != nil {
			return Result{}, err
		}
	}
	path, err := b.prepare(spec)
	if err != nil {
		return Result{}, err
	}
	log := filepath.Join(spec.Work, "log")
	out, err := newCapture(log, spec.Output)
	if err != nil {
		return Result{}, err
	}
	start := time.Now()
	state, err := b.start(ctx, path, out)
	result := Result{Log: log, Tail: out.text(), Duration: time.Since(start)}
	if cerr := out.close(); err == nil {
		err = cerr
	}
	if err != nil {
		return result, err
	}
	// Where both are wrong, how the step ended says more: a full disk leaves a
	// result that is cut off.
	document, unread := readResult(filepath.Join(spec.Work, "meta"))
	result.Document = document
	if err = outcome(ctx, spec.Work, state, result.Tail); err == nil {
		err = unread
	}
	if err == nil && spec.Chroot && spec.Tree != nil {
		err = removeMountPoints(*spec.Tree, filepath.Join(spec.Work, madeFile))
	}
	return result, err
}

// start runs the process to its end. The goroutine stays on its thread: the
// kernel sends the parent-death signal when the thread ends, not the process.
func (b *Bubblewrap) start(ctx context.Context, path string, out io.Writer) (*os.ProcessState, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, b.self, "__sandbox", path)
	// The name that the program has inside too, whatever its file is called.
	cmd.Args[0] = filepath.Base(Program)
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID, Pdeathsig: unix.SIGKILL, Setpgid: true}
	cmd.WaitDelay = time.Second
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	cmd.ExtraFiles = []*os.File{theirs}
	defer ours.Close() // nothing is ever written
	err = cmd.Start()
	_ = theirs.Close() // only read, by the child
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, refused("start sandbox", err)
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		return nil, fmt.Errorf("wait for sandbox: %w", err)
	}
	return cmd.ProcessState, nil
}

// outcome turns the end of the process into an error, nil for success.
func outcome(ctx context.Context, work string, state *os.ProcessState, tail string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if state.Success() {
		return nil
	}
	if reason, err := os.ReadFile(filepath.Join(work, errorFile)); err == nil {
		return fmt.Errorf("set up sandbox: %s", bytes.TrimSpace(reason))
	}
	if last := LastLines(tail, 1); strings.HasPrefix(last, "bwrap: ") {
		return fmt.Errorf("set up sandbox: %s; %s", last, bwrapAdvice)
	}
	return &ExitError{State: state.String(), Tail: tail}
}

const bwrapAdvice = "bubblewrap needs root in a root entered by pivot_root (not a plain chroot(8)), and a kernel that grants it namespaces"

// prepare fills the work directory and returns the setup's path.
func (b *Bubblewrap) prepare(spec Spec) (string, error) {
	if !filepath.IsAbs(spec.Work) {
		return "", fmt.Errorf("the work directory %q is no absolute path", spec.Work)
	}
	for _, dir := range []string{"var/tmp", "meta", "inputs"} {
		if err := os.MkdirAll(filepath.Join(spec.Work, dir), 0o755); err != nil {
			return "", fmt.Errorf("prepare sandbox: %w", err)
		}
	}
	if err := os.Chmod(filepath.Join(spec.Work, "var/tmp"), 0o1777|os.ModeSticky); err != nil {
		return "", fmt.Errorf("prepare sandbox: %w", err)
	}
	for _, in := range spec.Inputs {
		if err := prepareInput(filepath.Join(spec.Work, "inputs"), in); err != nil {
			return "", err
		}
	}
	masks, err := writeMasks(filepath.Join(spec.Work, "proc"), "/proc")
	if err != nil {
		return "", fmt.Errorf("prepare sandbox: %w", err)
	}
	arguments := spec.Arguments
	if arguments == nil {
		arguments = json.RawMessage("{}")
	}
	if err := os.WriteFile(filepath.Join(spec.Work, "arguments.json"), arguments, 0o644); err != nil {
		return "", fmt.Errorf("prepare sandbox: %w", err)
	}
	data, err := json.Marshal(setup{Spec: spec, Bwrap: b.bwrap, Self: b.self, Masks: masks})
	if err != nil {
		return "", fmt.Errorf("prepare sandbox: %w", err)
	}
	path := filepath.Join(spec.Work, setupFile)
	return path, os.WriteFile(path, data, 0o600)
}
