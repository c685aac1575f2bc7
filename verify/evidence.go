package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/assay-os/assay/diff"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/report"
)

// EvidenceVersion is the version of the form of [Evidence].
const EvidenceVersion = 1

// Evidence is what a verification leaves: what was built from what, by what,
// how the runs differed, and what came out. Beside it in its directory stand
// the manifest, the report of each run, and the comparison.
type Evidence struct {
	Version int `json:"version"`
	// ProvedAt is when the verification ended. It is about the proof; nothing
	// of it is in the images.
	ProvedAt time.Time `json:"proved_at"`
	// Manifest, Binary and Sources are SHA-256: of the manifest's bytes, of
	// the program that built, and over the checksums of all sources used.
	Manifest string `json:"manifest_sha256"`
	Binary   string `json:"binary_sha256"`
	Sources  string `json:"sources_sha256"`
	Export   string `json:"export"`
	Runs     []Run  `json:"runs"`
	// Variations are those between the first run and each other one.
	Variations [][]Variation `json:"variations"`
	// Verdict is the worst verdict between the first run and any other one.
	Verdict diff.Verdict `json:"verdict"`
	// Tree says whether the image holds exactly the tree that was packed.
	Tree *TreeProof `json:"tree,omitempty"`
	// Tools are versions of what of this machine took part.
	Tools map[string]string `json:"tools"`
	// HostDependent is true when a step ran in the host's /usr.
	HostDependent bool `json:"host_dependent"`
}

// A Run is one build.
type Run struct {
	Environment Environment `json:"environment"`
	Probe       Probe       `json:"probe"`
	// Artifact is the exported file, relative to the output directory.
	Artifact string `json:"artifact"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
	// Digest is the functional digest of what was inspected in it.
	Digest string `json:"digest"`
	// Seconds are how long the build and the inspection took.
	BuildSeconds   float64 `json:"build_seconds"`
	InspectSeconds float64 `json:"inspect_seconds"`
}

// A TreeProof compares the tree that was packed, as the store recorded it,
// with what was read back from the image.
type TreeProof struct {
	// Pipeline is the name of the packed tree.
	Pipeline string       `json:"pipeline"`
	Entries  int          `json:"entries"`
	Verdict  diff.Verdict `json:"verdict"`
	// Explained are the rules that explain a difference, with their counts.
	Explained map[string]int `json:"explained,omitempty"`
}

// The files of an evidence directory.
const (
	evidenceFile = "evidence.json"
	manifestFile = "manifest.json"
	diffFile     = "diff.json"
	// markFile stands in the output directory itself.
	markFile = ".assay-verify"
)

func reportFile(run int) string { return fmt.Sprintf("report-%d.json", run) }

// Load reads the evidence in dir; it is nil when there is none.
func Load(dir string) (*Evidence, error) {
	data, err := os.ReadFile(filepath.Join(dir, evidenceFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var e Evidence
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("read evidence in %s: %w", dir, err)
	}
	if e.Version != EvidenceVersion {
		return nil, fmt.Errorf("read evidence in %s: version %d is not known here", dir, e.Version)
	}
	return &e, nil
}

// Holds returns why the evidence says nothing about this manifest, these
// sources and this program, or "" when it does.
func (e *Evidence) Holds(manifest, sources, binary, export string) string {
	for _, part := range []struct{ name, was, is string }{
		{"the manifest", e.Manifest, manifest}, {"the set of sources", e.Sources, sources},
		{"the program", e.Binary, binary}, {"the export", e.Export, export},
	} {
		if part.was != part.is {
			return part.name + " differs from what was proved"
		}
	}
	return ""
}

// ArtifactsMatch checks that the files under dir are still those of the runs.
func (e *Evidence) ArtifactsMatch(ctx context.Context, dir string) error {
	for i, r := range e.Runs {
		sum, err := currentSum(ctx, filepath.Join(dir, r.Artifact))
		if err != nil {
			return fmt.Errorf("artifact of run %d: %w", i+1, err)
		}
		if sum != r.SHA256 {
			return fmt.Errorf("artifact of run %d: %s is not what was proved", i+1, r.Artifact)
		}
	}
	return nil
}

// currentSum is the fingerprint of an artifact as it lies there now.
func currentSum(ctx context.Context, path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		sum, _, err := hashFile(path)
		return sum, err
	}
	img, err := image.Open(ctx, path, image.Options{})
	if err != nil {
		return "", err
	}
	a, err := readArtifact(ctx, path, img)
	if err != nil {
		return "", err
	}
	return a.sum, nil
}

// save writes a document into the evidence directory, whole or not at all.
func save(dir, name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(dir, "."+name+".*")
	if err != nil {
		return err
	}
	err = errors.Join(write(f), f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", name, errors.Join(err, os.Remove(f.Name())))
	}
	return os.Rename(f.Name(), filepath.Join(dir, name))
}

func saveJSON(dir, name string, v any) error {
	return save(dir, name, func(w io.Writer) error { return report.NewEncoder(w, "  ").Encode(v) })
}

// hashFile returns the hex SHA-256 and the length of a file.
func hashFile(name string) (string, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return "", 0, fmt.Errorf("read %s: %w", name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}
