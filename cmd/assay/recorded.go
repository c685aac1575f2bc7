package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/diff"
	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/imageinfo"
	"github.com/assay-os/assay/report"
)

// fromImageInfo is the one value of --from.
const fromImageInfo = "image-info"

// runRecorded compares two subjects by what osbuild-image-info records of a system.
// The verdict is never better than inconclusive: it records no file.
func runRecorded(c *cobra.Command, paths []string, from string, how opening, format string, judge judgement) error {
	if err := oneOf("from", from, fromImageInfo); err != nil {
		return err
	}
	if err := oneOf("format", format, diffFormats()...); err != nil {
		return err
	}
	if len(paths) != 2 || paths[0] == stdinName || paths[1] == stdinName {
		return usage(errors.New("diff: --from is for two files or directories"))
	}
	var docs [2]imageinfo.Recorded
	for i, path := range paths {
		var err error
		if docs[i], err = recorded(c.Context(), path, how); err != nil {
			return err
		}
	}
	a, b, err := imageinfo.Pair(docs[0], docs[1])
	if err != nil {
		return usage(err)
	}
	result := diff.CompareBy(judge.rules, a, b)
	if err := writeDiff(c.OutOrStdout(), result, format, judge.required, &subject{report: a}, &subject{report: b}); err != nil {
		return err
	}
	return verdictExit(result.Verdict, judge.required)
}

// recorded is a document of osbuild-image-info; of anything else, what that would
// have recorded of it.
func recorded(ctx context.Context, path string, how opening) (imageinfo.Recorded, error) {
	doc, err := readRecorded(ctx, path, how)
	if doc != nil || err != nil {
		return doc, err
	}
	r, err := inspectSubject(ctx, path, how, inspect.Options{})
	if err != nil {
		return nil, err
	}
	return imageinfo.Reduce(r)
}

// readRecorded gives nil for what is no document of osbuild-image-info.
func readRecorded(ctx context.Context, path string, how opening) (imageinfo.Recorded, error) {
	f, err := how.file(ctx, path)
	if f == nil || err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 64)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.HasPrefix(bytes.TrimLeft(head[:n], " \t\r\n"), []byte("{")) {
		return nil, nil
	}
	data, err := io.ReadAll(io.NewSectionReader(f, 0, imageinfo.MaxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if !imageinfo.IsDocument(data) {
		return nil, nil
	}
	doc, err := imageinfo.Read(bytes.NewReader(data))
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", path, err))
	}
	return doc, nil
}

// recordedReport is a report made of a document of osbuild-image-info.
func recordedReport(ctx context.Context, path, from string, how opening) (*report.Report, error) {
	if err := oneOf("from", from, fromImageInfo); err != nil {
		return nil, err
	}
	doc, err := readRecorded(ctx, path, how)
	if err != nil {
		return nil, err
	}
	if doc == nil {
		return nil, usage(fmt.Errorf("%s: it is no document of osbuild-image-info", path))
	}
	r, err := imageinfo.Decode(doc)
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", path, err))
	}
	return r, nil
}
