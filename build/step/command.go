package step

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/assay-os/assay/report"
)

// A Program is one run of a program.
type Program struct {
	// Argv is the program and its arguments. A program without a slash is
	// looked up: in the sandbox's PATH, or in the tree's usual directories.
	Argv []string
	// Chroot runs it inside of the tree; the definition must say Chroot too.
	Chroot bool
	// Env are additions ("NAME=value") to the environment that the sandbox
	// gives, which is cleared of everything of the host.
	Env []string
	// Dir is the working directory; "/" when empty.
	Dir string
	// Stdin is what it reads; nothing when nil.
	Stdin io.Reader
	// Stdout takes its standard output; [Context.Log] when nil. Standard
	// error always goes to the log.
	Stdout io.Writer
}

// maxOutput bounds what [Context.Output] takes from a program.
const maxOutput = 64 << 20

// Command runs a tool of the build root. Its output goes to the log.
func (c *Context) Command(ctx context.Context, name string, args ...string) error {
	return c.Exec(ctx, Program{Argv: append([]string{name}, args...)})
}

// Chroot runs a program of the tree, inside of the tree. Its output goes to the log.
func (c *Context) Chroot(ctx context.Context, argv ...string) error {
	return c.Exec(ctx, Program{Argv: argv, Chroot: true})
}

// Output runs a program and returns its standard output, at most 64 MiB of it.
func (c *Context) Output(ctx context.Context, p Program) ([]byte, error) {
	out := bounded{max: maxOutput}
	p.Stdout = &out
	if err := c.Exec(ctx, p); err != nil {
		return nil, err
	}
	return out.buf.Bytes(), nil
}

// Exec runs a program and waits for it. When ctx ends it is killed. Every
// error is a [CommandError].
func (c *Context) Exec(ctx context.Context, p Program) error {
	if len(p.Argv) == 0 {
		return &CommandError{Err: errors.New("no program is named")}
	}
	tail := &tail{}
	cmd, err := c.prepare(ctx, p)
	if err == nil {
		log := io.MultiWriter(c.log(), tail)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Stdin, p.Stdout, log
		if p.Stdout == nil {
			cmd.Stdout = log
		}
		err = cmd.Run()
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return &CommandError{Argv: p.Argv, Chroot: p.Chroot, Err: err, Tail: tail.lines()}
}

func (c *Context) log() io.Writer {
	if c.Log == nil {
		return io.Discard
	}
	return c.Log
}

func (c *Context) prepare(ctx context.Context, p Program) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, p.Argv[0], p.Argv[1:]...)
	cmd.Dir = p.Dir
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	if p.Env != nil {
		cmd.Env = append(cmd.Environ(), p.Env...)
	}
	// A grandchild that keeps the pipes open must not hold up the end.
	cmd.WaitDelay = 2 * time.Second
	if !p.Chroot {
		return cmd, nil
	}
	path, err := c.lookTree(p.Argv[0])
	if err != nil {
		return nil, err
	}
	// cmd.Err is what the look-up in the build root came to.
	cmd.Path, cmd.Err = path, nil
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.TreePath}
	return cmd, nil
}

// lookTree finds a program in the tree.
func (c *Context) lookTree(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		info, err := c.Tree.Stat(dir + "/" + name)
		if err == nil && info.Type == report.File && info.Mode&0o111 != 0 {
			return dir + "/" + name, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return "", err
		}
	}
	return "", exec.ErrNotFound
}

// A CommandError is a program that could not be run or did not succeed.
type CommandError struct {
	Argv   []string
	Chroot bool
	// Err is an *[exec.ExitError], the context's error, or why it did not start.
	Err error
	// Tail are the last lines that it printed, at most 20.
	Tail []string
}

// Error is one line: the program, how it ended, its last line.
func (e *CommandError) Error() string {
	where, what := "", e.Err.Error()
	if e.Chroot {
		where = " in the tree"
	}
	if errors.Is(e.Err, exec.ErrWaitDelay) {
		what = "it ended, but left programs running that hold its output; let it wait for them or end them"
	}
	if e.notFound() {
		what = "there is no such program in the build root; add the package that has it to the build pipeline"
		if e.Chroot {
			what = "there is no such program; add the package that has it to the tree"
		}
	}
	msg := fmt.Sprintf("run %s%s: %s", strings.Join(e.Argv, " "), where, what)
	if n := len(e.Tail); n > 0 {
		msg += ": " + e.Tail[n-1]
	}
	return msg
}

func (e *CommandError) notFound() bool {
	var path *fs.PathError
	return errors.Is(e.Err, exec.ErrNotFound) ||
		errors.As(e.Err, &path) && path.Op == "fork/exec" && errors.Is(path, fs.ErrNotExist)
}

// Unwrap is how it ended.
func (e *CommandError) Unwrap() error { return e.Err }

// A bounded keeps what is written and refuses more than max bytes.
type bounded struct {
	buf bytes.Buffer
	max int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.buf.Len()+len(p) > b.max {
		return 0, fmt.Errorf("the program prints more than %d bytes", b.max)
	}
	return b.buf.Write(p)
}

// A tail keeps the end of what is written.
type tail struct{ data []byte }

const (
	tailBytes = 8 << 10
	tailLines = 20
)

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if len(t.data) > 4*tailBytes {
		t.data = append(t.data[:0], t.data[len(t.data)-tailBytes:]...)
	}
	return len(p), nil
}

// lines are the last lines that hold something.
func (t *tail) lines() []string {
	var lines []string
	for line := range strings.Lines(string(t.data[max(0, len(t.data)-tailBytes):])) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-tailLines):]
}
