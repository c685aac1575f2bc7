// Assay builds operating-system images from a JSON manifest, inspects any
// image, and proves that two builds are the same operating system.
//
// # The terminal contract
//
// Results go to stdout, everything else to stderr. There is no colour and no
// progress bar unless stderr is a terminal, and none at all where NO_COLOR is
// set or TERM is "dumb". An error is one line, "assay: …", that names the place and
// says what to do. Exit codes are the same in every command:
//
//	0    done, and the requirement is met
//	1    the requirement is not met (the subjects differ, an assertion fails)
//	2    inconclusive: something could not be read
//	3    bad input or usage
//	4    a stage, a tool or the system failed
//	130  interrupted
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/report"
)

// The exit codes of the contract.
const (
	exitUnmet        = 1
	exitInconclusive = 2
	exitUsage        = 3
	exitFailed       = 4
	exitInterrupted  = 130
)

// orderlyEnd is how long a command may take to end after a signal.
const orderlyEnd = 2 * time.Second

// An exitError ends the program with a code of the contract. Its error may be
// nil where the result on stdout says everything.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage marks err as the caller's fault: bad input or bad arguments.
func usage(err error) error { return &exitError{exitUsage, err} }

// unmet and inconclusive end a command whose result is already printed.
func unmet() error        { return &exitError{code: exitUnmet} }
func inconclusive() error { return &exitError{code: exitInconclusive} }

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is main without the process: it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks for an orderly end. One that comes after it should have
	// ended ends it at once; not earlier, for a terminal and the parent may both send one.
	defer context.AfterFunc(ctx, func() { time.AfterFunc(orderlyEnd, stop) })()
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil {
		err = interrupted(ctx, err)
	}
	if msg := oneLine(err.Error()); msg != "" {
		fmt.Fprintf(stderr, "assay: %s\n", msg)
	}
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		return exit.code
	default:
		return exitFailed
	}
}

// oneLine keeps a message to one line, and names of hostile input from writing
// to the terminal.
func oneLine(msg string) string {
	lines := strings.FieldsFunc(msg, func(c rune) bool { return c == '\n' || c == '\r' })
	return report.Printable(strings.Join(lines, "; "))
}

// interrupted is what a command ended with after a signal, in plain words where
// the signal is all there is to say.
func interrupted(ctx context.Context, err error) error {
	if errors.Is(err, context.Cause(ctx)) || errors.Is(err, context.Canceled) {
		return &exitError{exitInterrupted, errors.New("interrupted")}
	}
	return &exitError{exitInterrupted, fmt.Errorf("interrupted: %w", err)}
}

// newRoot assembles the command tree. Each command stands in a file of its own name.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "assay",
		Version:       version,
		Short:         "Build operating-system images, inspect them, prove that two are the same",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          unknownCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w; see %s --help", err, c.CommandPath()))
	})
	root.AddCommand(commands()...)
	strict(root)
	return root
}

// strict has the commands that cobra adds refuse what they do not know, as
// all others do.
func strict(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Short = "Print the script that completes commands in a shell"
			c.Args, c.RunE = unknownCommand, func(c *cobra.Command, _ []string) error { return c.Help() }
		case "help":
			c.Args = func(c *cobra.Command, args []string) error {
				found, rest, err := c.Root().Find(args)
				if err != nil {
					return usage(err)
				}
				return unknownCommand(found, rest)
			}
		}
	}
}

// unknownCommand refuses what no command took, with the nearest names.
func unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see " + c.CommandPath() + " --help"
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usage(fmt.Errorf("unknown command %q; %s", args[0], hint))
}

// positional makes a wrong number of arguments the caller's fault.
func positional(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usage(fmt.Errorf("%w; usage: %s", err, c.UseLine()))
		}
		return nil
	}
}
