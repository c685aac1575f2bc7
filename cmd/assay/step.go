package main

import (
	"github.com/spf13/cobra"

	"github.com/assay-os/assay/assemblers"
	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/sandbox"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/stages"
)

// definitions are all native steps of this binary.
func definitions() []step.Definition {
	list := stages.All()
	for _, d := range assemblers.All() {
		list = append(list, *d)
	}
	return list
}

// newStep is the other side of every step that runs: see package sandbox.
func newStep() *cobra.Command {
	return &cobra.Command{
		Use: "__step", Hidden: true, Args: positional(cobra.NoArgs), DisableFlagParsing: true,
		Short: "Run one step, inside of a sandbox",
		RunE: func(c *cobra.Command, _ []string) error {
			sandbox.DieWithRunner()
			return exitWith(build.RunStep(c.Context(), definitions()))
		},
	}
}

// newSandbox is the process in a mount namespace that becomes bwrap.
func newSandbox() *cobra.Command {
	return &cobra.Command{
		Use: "__sandbox FILE", Hidden: true, DisableFlagParsing: true,
		Short: "Mount the views of one step and become bubblewrap",
		RunE:  func(_ *cobra.Command, args []string) error { return exitWith(sandbox.Main(args)) },
	}
}

// exitWith ends the program with a code of its own; everything is said already.
func exitWith(code int) error {
	if code == 0 {
		return nil
	}
	return &exitError{code: code}
}
