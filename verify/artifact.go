package verify

import (
	"context"
	"os"
	"path/filepath"

	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/report"
)

// An artifact is what an export holds, read back.
type artifact struct {
	// path is the one file of the export where that is something that can be
	// inspected, else the export's directory, which is then a tree.
	path   string
	report *report.Report
	// sum is the SHA-256 of the file, or report.TreeDigest of the tree.
	sum  string
	size int64
}

func openArtifact(ctx context.Context, dir string) (*artifact, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(entries) == 1 && entries[0].Type().IsRegular() {
		file := filepath.Join(dir, entries[0].Name())
		if img, err := image.Open(ctx, file, image.Options{}); err == nil {
			return readArtifact(ctx, file, img)
		}
		// No image: then the file is compared as the one entry of a tree.
	}
	img, err := image.Open(ctx, dir, image.Options{})
	if err != nil {
		return nil, err
	}
	return readArtifact(ctx, dir, img)
}

// readArtifact inspects img, which lies at path, and closes it.
func readArtifact(ctx context.Context, path string, img *image.Image) (*artifact, error) {
	defer img.Close()
	r, err := inspect.Inspect(ctx, img, inspect.Options{})
	if err != nil {
		return nil, err
	}
	a := &artifact{path: path, report: r}
	a.sum, a.size, err = fingerprint(path, r)
	return a, err
}

// fingerprint is the SHA-256 and size of a file, or the digest of a tree of
// which r is the report.
func fingerprint(path string, r *report.Report) (string, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", 0, err
	}
	if !info.IsDir() {
		return hashFile(path)
	}
	sum, err := report.TreeDigest(r.Files)
	return sum, 0, err
}
