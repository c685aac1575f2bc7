package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/bundle"
)

// arguments wants a manifest, or a bundle that has one.
func (b *buildCommand) arguments(c *cobra.Command, args []string) error {
	if b.bundle == "" {
		return cobra.ExactArgs(1)(c, args)
	}
	if len(args) > 0 {
		return errors.New("--bundle has the manifest in it; name no other")
	}
	return nil
}

// plan plans the manifest that is named, or that in the bundle, which is nil
// where there is none; the caller closes it.
func (b *buildCommand) plan(c *cobra.Command, args []string) (name string, _ *build.Plan, _ *bundle.Bundle, _ error) {
	if b.bundle == "" {
		_, plan, err := readPlan(c, args[0], b.exports)
		return args[0], plan, nil, err
	}
	packed, err := bundle.Open(b.bundle)
	if err != nil {
		return "", nil, nil, usage(err)
	}
	plan, err := newPlan(c, packed.Document, b.bundle, b.exports)
	if err != nil {
		return "", nil, nil, errors.Join(err, packed.Close())
	}
	return b.bundle, plan, packed, nil
}
