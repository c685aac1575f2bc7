package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/verify"
)

// newVary is how a run of a verification starts: the process enters the
// environment that it is given and becomes this program again.
func newVary() *cobra.Command {
	return &cobra.Command{
		Use:    "__vary ENVIRONMENT -- ARG...",
		Short:  "Enter a varied environment and run assay in it (internal)",
		Hidden: true,
		Args:   positional(cobra.MinimumNArgs(2)),
		RunE: func(_ *cobra.Command, args []string) error {
			var e verify.Environment
			if err := json.Unmarshal([]byte(args[0]), &e); err != nil {
				return usage(fmt.Errorf("read environment: %w", err))
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			if err := e.Enter(); err != nil {
				return err
			}
			return unix.Exec(self, append([]string{"assay"}, args[1:]...), os.Environ())
		},
	}
}

// newProbe prints what a process of a run sees of its surroundings.
func newProbe() *cobra.Command {
	return &cobra.Command{
		Use:    "__probe",
		Short:  "Print what this process sees of its surroundings (internal)",
		Hidden: true,
		Args:   positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := verify.Look()
			if err != nil {
				return err
			}
			return writeJSON(c.OutOrStdout(), p)
		},
	}
}
