package stages

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/tree"
)

//go:embed rhsm_facts.json
var rhsmFactsSchema json.RawMessage

func rhsmFacts() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.rhsm.facts",
		Kind:    step.Stage,
		Summary: "Give facts to the subscription manager",
		Description: `Writes the facts as JSON to /etc/rhsm/facts/osbuild.facts, where
subscription-manager collects them, and makes the directory. A file that is there already is
an error. The keys are sorted.`,
		Schema: rhsmFactsSchema,
		Since:  since,
		Run:    with(writeFacts),
	}
}

type rhsmFactsOptions struct {
	Facts json.RawMessage `json:"facts"`
}

func writeFacts(c *step.Context, o rhsmFactsOptions) error {
	const dir = "/etc/rhsm/facts"
	if o.Facts == nil {
		return step.BadOption(step.At("facts"), "is missing")
	}
	if err := c.Tree.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return writeNew(c.Tree, dir+"/osbuild.facts", string(o.Facts))
}

// writeNew writes a file that must not be there yet.
func writeNew(root *tree.Root, name, text string) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return &fs.PathError{Op: "write", Path: name, Err: err}
	}
	return nil
}
