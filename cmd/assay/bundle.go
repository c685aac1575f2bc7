package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/build/bundle"
	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/source"
	"github.com/assay-os/assay/build/store"
)

// A bundleCommand is the flags of assay bundle.
type bundleCommand struct {
	store  string
	output string
	jobs   int
}

func newBundle() *cobra.Command {
	var b bundleCommand
	c := &cobra.Command{
		Use:   "bundle MANIFEST|- -o FILE",
		Short: "Pack a manifest and everything that it needs into one file",
		Long: `Bundle fetches what every source of a manifest names and writes it, with the
manifest, to one file: an OCI image layout in a tar. "assay build --bundle FILE"
builds from it without a network. The same manifest gives the same bytes.

One line goes to standard output: the file, the digest of its contents, how many
there are and how many bytes they have. It needs no root. The manifest is packed
as it is: a password in a URL is in the bundle.`,
		Example: `  assay bundle debian.json -o debian.bundle
  assay build --bundle debian.bundle --output-directory out`,
		Args: positional(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return b.run(c, args[0]) },
	}
	f := c.Flags()
	f.StringVar(&b.store, "store", defaultStore, "use the store in `DIR`: it keeps sources")
	f.StringVarP(&b.output, "output", "o", "", "write the bundle to `FILE`, which is replaced")
	f.IntVar(&b.jobs, "jobs", 8, "fetch `N` files at once")
	return c
}

func (b *bundleCommand) run(c *cobra.Command, file string) error {
	if b.output == "" {
		return usage(errors.New("--output is missing: where should the bundle go?"))
	}
	if b.output == "-" {
		return usage(errors.New("--output -: a bundle goes to a file, not to standard output"))
	}
	if info, err := os.Stat(b.output); err == nil && info.IsDir() {
		return usage(fmt.Errorf("--output %s: it is a directory; name a file in it", b.output))
	}
	if b.jobs < 1 {
		return usage(fmt.Errorf("--jobs %d: at least one file must be fetched at once", b.jobs))
	}
	document, name, err := readDocument(c, file)
	if err != nil {
		return err
	}
	m, err := manifest.Read(document, name)
	if err != nil {
		return tellProblems(c.ErrOrStderr(), err)
	}
	s, err := openStore(b.store, "bundle "+filepath.Base(name))
	if err != nil {
		return err
	}
	release, err := s.Hold(c.Context(), waiting(c, b.store))
	if err != nil {
		return err
	}
	defer release()
	sums, err := b.fetch(c, m, s)
	if err != nil {
		return err
	}
	contents := bundle.Contents{Document: document, Checksums: sums, Source: s.Source}
	summary, err := b.write(c, contents)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "%s %s %d contents, %s\n", b.output, summary.Digest, summary.Contents, size(summary.Bytes))
	return nil
}

// fetch brings everything that the manifest's sources name into the store, and
// returns the checksums of what is not in the manifest itself.
func (b *bundleCommand) fetch(c *cobra.Command, m *manifest.Manifest, s *store.Dir) ([]string, error) {
	catalog := source.NewCatalog(m.Sources)
	items, err := catalog.Plan(catalog.All())
	if err != nil {
		return nil, usage(err)
	}
	var wanted []string
	for _, item := range items {
		if item.Inline != nil {
			continue
		}
		wanted = append(wanted, item.Checksum)
		// What is there and damaged is fetched anew.
		sums, _ := catalog.Contents(s, item.Checksum)
		for _, sum := range sums {
			if _, err := s.CheckSource(sum); err != nil {
				return nil, err
			}
		}
	}
	o := fetchOptions(b.jobs)
	o.Waiting = waiting(c, b.store)
	if err := source.Fetch(c.Context(), m.Sources, wanted, s, o); err != nil {
		return nil, err
	}
	var contents []string
	for _, sum := range wanted {
		sums, _ := catalog.Contents(s, sum)
		contents = append(contents, sums...)
	}
	return contents, nil
}

// write writes the bundle beside its place first: a reader never finds half
// of one there.
func (b *bundleCommand) write(c *cobra.Command, contents bundle.Contents) (_ *bundle.Summary, err error) {
	f, err := os.CreateTemp(filepath.Dir(b.output), ".bundle-*")
	if err != nil {
		return nil, usage(fmt.Errorf("write bundle: %w", err))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	summary, err := bundle.Write(c.Context(), f, contents)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	return summary, os.Rename(f.Name(), b.output)
}
