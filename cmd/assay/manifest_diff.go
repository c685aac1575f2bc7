package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/build/manifest"
)

func newManifestDiff() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "diff A|- B|-",
		Short: "Show what two manifests say differently",
		Long: `Compare the meaning of two manifests: which pipeline, which stage, and which of
its options, inputs, devices and mounts; which content of the sources. Layout, the
order of keys and the version of the document mean nothing. Stages are aligned:
one that is put in is one line. Exit code 0 where both say the same, 1 else.`,
		Example: `  assay manifest diff old.json new.json
  assay manifest diff --format json old.json new.json | jq '.changes[].path'`,
		Args: positional(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error { return diffManifests(c, args[0], args[1], format) },
	}
	formatFlag(c.Flags(), &format)
	return c
}

func diffManifests(c *cobra.Command, a, b, format string) error {
	if err := checkFormat(format); err != nil {
		return err
	}
	if a == "-" && b == "-" {
		return usage(fmt.Errorf("only one of the two manifests can be standard input"))
	}
	left, err := loadManifest(c, a)
	if err != nil {
		return err
	}
	right, err := loadManifest(c, b)
	if err != nil {
		return err
	}
	changes := manifest.Compare(left, right)
	if format == "json" {
		err = writeJSON(c.OutOrStdout(), newManifestDifference(changes))
	} else {
		_, err = io.WriteString(c.OutOrStdout(), changesText(changes))
	}
	if err == nil && len(changes) > 0 {
		return unmet()
	}
	return err
}

// loadManifest reads a document that could be built, as far as the document itself tells.
func loadManifest(c *cobra.Command, file string) (*manifest.Manifest, error) {
	data, name, err := readDocument(c, file)
	if err != nil {
		return nil, err
	}
	m, err := manifest.Read(data, name)
	if err != nil {
		return nil, tellProblems(c.ErrOrStderr(), err)
	}
	return m, nil
}

// A manifestDifference is the JSON of manifest diff.
type manifestDifference struct {
	Same    bool             `json:"same"`
	Changes []manifestChange `json:"changes"`
}

// A manifestChange has its place as people write it.
type manifestChange struct {
	manifest.Change
	Path string `json:"path"`
}

func newManifestDifference(changes []manifest.Change) manifestDifference {
	d := manifestDifference{Same: len(changes) == 0, Changes: []manifestChange{}}
	for _, change := range changes {
		d.Changes = append(d.Changes, manifestChange{change, change.Path.String()})
	}
	return d
}

// changesText is one line for a place, and indented below it what differs there.
func changesText(changes []manifest.Change) string {
	var b strings.Builder
	place := ""
	for _, change := range changes {
		at := change.Place()
		if len(change.Path) == 0 {
			place = at
			fmt.Fprintf(&b, "%s %s: %s %s\n", sign(change.Kind), at, change.Part, change.Kind)
			continue
		}
		margin := ""
		if at != "" {
			margin = "  "
		}
		if at != place && at != "" {
			fmt.Fprintf(&b, "~ %s\n", at)
		}
		place = at
		fmt.Fprintf(&b, "%s%s %s%s\n", margin, sign(change.Kind), change.Path, sides(change))
	}
	return b.String()
}

func sign(kind manifest.ChangeKind) string {
	switch kind {
	case manifest.Added:
		return "+"
	case manifest.Removed:
		return "-"
	}
	return "~"
}

// sides are the values, unless they say nothing.
func sides(change manifest.Change) string {
	switch {
	case change.Kind == manifest.Moved:
		return fmt.Sprintf(": other order: %s → %s", clip(change.Old), clip(change.New))
	case change.Old != nil && change.New != nil:
		return fmt.Sprintf(": %s → %s", clip(change.Old), clip(change.New))
	case string(change.Old)+string(change.New) == "{}":
		return ""
	}
	return fmt.Sprintf(": %s", clip(append(change.Old, change.New...)))
}

// clip keeps a long value to the width of a few lines; --format json has all of it.
func clip(value []byte) string {
	const most = 200
	if len(value) <= most {
		return string(value)
	}
	return string(value[:most]) + "…"
}
