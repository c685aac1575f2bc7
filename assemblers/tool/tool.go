// Package tool runs the programs of the build root that assemblers are made
// of, each in the same plain environment, and turns what goes wrong into one
// error with the command and its last lines.
package tool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// maxTail is how much of a failed program's output its error carries.
const maxTail = 2000

// A Command is one run of a program.
type Command struct {
	Name string
	Args []string
	// Env is added to the environment, "NAME=value".
	Env []string
	// Stdin may be nil. Stdout goes to the log when it is nil.
	Stdin  io.Reader
	Stdout io.Writer
	// Stderr takes a copy of the program's complaints, for programs whose
	// exit code does not tell; nil when it does.
	Stderr io.Writer
	// Log takes what the program prints.
	Log io.Writer
}

// Run runs the command and waits for it.
func Run(ctx context.Context, c Command) error {
	cmd := exec.CommandContext(ctx, c.Name, c.Args...)
	// Nothing but this reaches a tool: PATH is the sandbox's, and the locale
	// decides how names sort and how messages read.
	cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC0"}, c.Env...)
	log := c.Log
	if log == nil {
		log = io.Discard
	}
	var last tail
	cmd.Stdin = c.Stdin
	cmd.Stdout = io.MultiWriter(log, &last)
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	complaints := []io.Writer{log, &last}
	if c.Stderr != nil {
		complaints = append(complaints, c.Stderr)
	}
	cmd.Stderr = io.MultiWriter(complaints...)
	if err := cmd.Run(); err != nil {
		return failure(ctx, c, err, last.String())
	}
	return nil
}

// failure says which command failed, how, and with which last words.
func failure(ctx context.Context, c Command, err error, words string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("run %s: the build root has no such program; add the package that holds it to the build pipeline", c.Name)
	}
	argv := strings.Join(append([]string{c.Name}, c.Args...), " ")
	if words = strings.TrimSpace(words); words != "" {
		return fmt.Errorf("run %s: %w: %s", argv, err, words)
	}
	return fmt.Errorf("run %s: %w", argv, err)
}

// A tail keeps the last bytes written to it.
type tail struct{ buf bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	t.buf.Write(p)
	if n := t.buf.Len() - maxTail; n > 0 {
		t.buf.Next(n)
	}
	return len(p), nil
}

func (t *tail) String() string { return t.buf.String() }
