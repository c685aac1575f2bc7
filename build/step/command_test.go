package step_test

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/fixtures"
)

// TestMain lets the test's own static binary be the program of a tree.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "probe" {
		probe()
		return
	}
	os.Exit(m.Run())
}

func probe() {
	list, _ := os.ReadDir("/")
	dir, _ := os.Getwd()
	in, _ := io.ReadAll(os.Stdin)
	fmt.Printf("args %q, dir %s, env %s, stdin %q, root", os.Args[1:], dir, os.Getenv("EXTRA"), in)
	for _, entry := range list {
		fmt.Printf(" %s", entry.Name())
	}
}

func newContext(t *testing.T, entries map[string]string, log io.Writer) *step.Context {
	t.Helper()
	dir := fixtures.Tree(t, entries)
	root, err := tree.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return &step.Context{Tree: root, TreePath: dir, Log: log}
}

func TestCommand(t *testing.T) {
	var log bytes.Buffer
	c := newContext(t, nil, &log)
	if err := c.Command(t.Context(), "sh", "-c", "echo out; echo err >&2; pwd"); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); got != "out\nerr\n/\n" {
		t.Errorf("log: %q", got)
	}
	out, err := c.Output(t.Context(), step.Program{
		Argv: []string{"sh", "-c", "cat; echo $A >&2"}, Stdin: strings.NewReader("in"), Env: []string{"A=b"}, Dir: "/usr",
	})
	if err != nil || string(out) != "in" || !strings.HasSuffix(log.String(), "b\n") {
		t.Errorf("output: %q, %v, log %q", out, err, log.String())
	}
}

func TestCommandErrors(t *testing.T) {
	c := newContext(t, nil, nil)
	tests := []struct {
		program step.Program
		want    string
	}{
		{step.Program{}, "no program is named"},
		{step.Program{Argv: []string{"no-such-program", "-x"}}, "run no-such-program -x: there is no such program in the build root; add"},
		{step.Program{Argv: []string{"/no/such"}}, "there is no such program in the build root"},
		{step.Program{Argv: []string{"no-such-program"}, Chroot: true}, "run no-such-program in the tree: there is no such program; add"},
		{step.Program{Argv: []string{"sh", "-c", "echo first; echo the reason >&2; echo; exit 7"}}, "exit status 7: the reason"},
		{step.Program{Argv: []string{"true"}, Dir: "/no/such"}, "chdir /no/such"},
	}
	for _, test := range tests {
		err := c.Exec(t.Context(), test.program)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v, want %q", test.program.Argv, err, test.want)
		}
	}
	err := c.Command(t.Context(), "sh", "-c", "seq 10000; exit 3")
	var failed *step.CommandError
	var exit *exec.ExitError
	if !errors.As(err, &failed) || !errors.As(err, &exit) || exit.ExitCode() != 3 || len(failed.Tail) != 20 || failed.Tail[19] != "10000" {
		t.Errorf("got %v", err)
	}
	if _, err := c.Output(t.Context(), step.Program{Argv: []string{"head", "-c", "70000000", "/dev/zero"}}); err == nil {
		t.Error("unbounded output is not refused")
	}
}

// TestCommandEnds: a program that ends late, or whose child keeps the pipe,
// does not outlive the context.
func TestCommandEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	c := newContext(t, nil, nil)
	err := c.Command(ctx, "sh", "-c", "sleep 5 & sleep 6")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// addLibraries gives a tree what a dynamically linked program needs; the
// test's own is one where a package that it imports uses cgo.
func addLibraries(t *testing.T, root *tree.Root, program string) {
	t.Helper()
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var names []string
	if interpreter := file.Section(".interp"); interpreter != nil {
		name, err := interpreter.Data()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimRight(string(name), "\x00"))
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		if words := strings.Fields(line); len(words) == 6 && strings.Contains(words[5], ".so") && !slices.Contains(names, words[5]) {
			names = append(names, words[5])
		}
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(root.MkdirAll(filepath.Dir(name), 0o755), root.WriteFile(name, data, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestChroot(t *testing.T) {
	var log bytes.Buffer
	c := newContext(t, map[string]string{"/sbin": `link 0:0 "/usr/bin"`, "/usr/bin": `dir 0755 0:0`}, &log)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Tree.WriteFile("/usr/bin/probe", program, 0o755); err != nil {
		t.Fatal(err)
	}
	addLibraries(t, c.Tree, self)
	if err := c.Chroot(t.Context(), "probe", "a b"); err != nil {
		t.Fatal(err)
	}
	if want := `args ["a b"], dir /, env , stdin "", root`; !strings.HasPrefix(log.String(), want) {
		t.Errorf("got  %s\nwant %s", log.String(), want)
	}
	out, err := c.Output(t.Context(), step.Program{Argv: []string{"/sbin/probe"}, Chroot: true, Stdin: strings.NewReader("x"), Env: []string{"EXTRA=1"}})
	if want := `args [], dir /, env 1, stdin "x", root`; err != nil || !strings.HasPrefix(string(out), want) || strings.Contains(string(out), " proc") {
		t.Errorf("got  %s, %v\nwant %s", out, err, want)
	}
}
