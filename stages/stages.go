// Package stages holds the native stages: what osbuild's stages of the same
// names do, written anew, and stages of our own (dev.assay.*).
//
// A stage is three files: NAME.go with its [step.Definition], NAME.json with
// the JSON Schema of its options, NAME_test.go. NAME is the short name with
// "_" for "." and "-". docs/adding-a-stage.md shows how one is made.
//
//	for _, d := range stages.All() {
//		fmt.Println(d.Name, d.Summary)
//	}
//
// A stage writes into the tree through [step.Context.Tree] only, reads no
// clock, and depends on nothing but its context. Its options are an unordered
// object, as in JSON: where upstream takes them in the document's order, a
// stage here takes them in a fixed one, so that equal ids mean equal trees.
//
// The package runs no sandbox and knows no manifest.
package stages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

// since is the version of assay that has all stages which name no other.
const since = "0.1.0"

// All is the one list of native stages, in the order of the reference.
func All() []step.Definition {
	return []step.Definition{
		hostname(),
		locale(),
		keymap(),
		timezone(),
		users(),
		groups(),
		systemd(),
		systemdUnit(),
		systemdUnitCreate(),
		fstab(),
		kernelCmdline(),
		machineID(),
		firstBoot(),
		sshdConfig(),
		cloudInit(),
		mkdir(),
		copyItems(),
		chmod(),
		chown(),
		ln(),
		sysconfig(),
		modprobe(),
		sysctld(),
		tmpfilesd(),
		systemdJournald(),
		systemdLogind(),
		dracutConf(),
		truncate(),
		rhsmFacts(),
		noop(),
		failure(),
		debs(),
		pristine(),
		grub(),
	}
}

// with makes a step's function of one that takes decoded options.
func with[T any](do func(*step.Context, T) error) func(context.Context, *step.Context) error {
	return func(_ context.Context, c *step.Context) error {
		options, err := step.Options[T](c)
		if err != nil {
			return err
		}
		return do(c, options)
	}
}

// tell writes one line to the step's log.
func tell(c *step.Context, format string, args ...any) {
	if c.Log != nil {
		fmt.Fprintf(c.Log, format+"\n", args...)
	}
}

// overwrite removes what is at name (a symlink itself) and writes a new file.
func overwrite(root *tree.Root, name string, data string, mode report.Mode) error {
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return root.WriteFile(name, []byte(data), mode)
}
