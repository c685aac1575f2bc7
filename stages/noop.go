package stages

import (
	"context"
	_ "embed"
	"encoding/json"
	"maps"
	"slices"

	"github.com/assay-os/assay/build/step"
)

//go:embed noop.json
var noopSchema json.RawMessage

func noop() step.Definition {
	return step.Definition{
		Name:        "org.osbuild.noop",
		Kind:        step.Stage,
		Summary:     "Do nothing",
		Description: "Prints its options and the names of its inputs to the log, and leaves the tree as it is.",
		Schema:      noopSchema,
		Inputs:      []step.InputDefinition{{Name: step.AnyInput, Summary: "not looked at"}},
		Since:       since,
		Run: func(_ context.Context, c *step.Context) error {
			tell(c, "nothing is done with the options %s", c.Options)
			for _, name := range slices.Sorted(maps.Keys(c.Inputs)) {
				tell(c, "nothing is done with the input %s", name)
			}
			return nil
		},
	}
}
