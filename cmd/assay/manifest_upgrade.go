package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/manifest/pyjson"
)

func newManifestUpgrade() *cobra.Command {
	return &cobra.Command{
		Use:   "upgrade FILE|-",
		Short: "Write a version 1 manifest as version 2",
		Long: `Print the version 2 document that asks for the same: the same pipelines by the
same names, the same steps; an assembler becomes the stage that makes the same
output. assay manifest diff finds no difference, and builds give the same results.
Ids stay where nothing that they cover has another form in version 2; standard
error tells which do not. A step that version 2 cannot say is named, and then
nothing is printed. A version 2 document is printed as it is.`,
		Example: `  assay manifest upgrade old.json > new.json`,
		Args:    positional(cobra.ExactArgs(1)),
		RunE:    func(c *cobra.Command, args []string) error { return upgradeManifest(c, args[0]) },
	}
}

func upgradeManifest(c *cobra.Command, file string) error {
	data, name, err := readDocument(c, file)
	if err != nil {
		return err
	}
	m, err := manifest.Read(data, name)
	if err != nil {
		return tellProblems(c.ErrOrStderr(), err)
	}
	if m.Version == "2" {
		fmt.Fprintf(c.ErrOrStderr(), "%s is of version 2 already\n", name)
		_, err := io.Copy(c.OutOrStdout(), bytes.NewReader(data))
		return err
	}
	text, err := manifest.Upgrade(m)
	if err != nil {
		return tellProblems(c.ErrOrStderr(), fmt.Errorf("%s: %w", name, err))
	}
	doc, err := pyjson.Parse(text)
	if err != nil {
		return fmt.Errorf("read what was written: %w", err)
	}
	upgraded, problems := manifest.Load(doc)
	if err := problems.Err(); err != nil {
		return errors.Join(errors.New("read what was written"), err)
	}
	tellIDs(c.ErrOrStderr(), manifest.IDChanges(m, upgraded))
	_, err = c.OutOrStdout().Write(text)
	return err
}

// tellIDs says which steps have other ids now, and from where on.
func tellIDs(w io.Writer, changes []manifest.IDChange) {
	if len(changes) == 0 {
		fmt.Fprintln(w, "every id is the same")
	}
	for _, change := range changes {
		fmt.Fprintf(w, "%s: %d of %d ids are others, from stage %d (%s) on\n", change.Pipeline, change.Changed, change.Steps, change.Step, change.Type)
	}
}
