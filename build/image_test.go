package build_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/assay-os/assay/build/sandbox"
	"github.com/assay-os/assay/build/step"
)

// runImage writes down what the input "images" shows, and what osbuild's
// arguments say of it.
func runImage(_ context.Context, c *step.Context) error {
	var seen strings.Builder
	root := c.Inputs["images"].Path
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			info, ierr := e.Info()
			if ierr != nil {
				return ierr
			}
			fmt.Fprintf(&seen, "%s %d\n", strings.TrimPrefix(path, root+"/"), info.Size())
		}
		return err
	})
	if err != nil {
		return err
	}
	data, err := os.ReadFile(sandbox.ArgumentFile)
	if err != nil {
		return err
	}
	var arguments struct {
		Inputs map[string]struct{ Data json.RawMessage }
	}
	if err := json.Unmarshal(data, &arguments); err != nil {
		return err
	}
	fmt.Fprintf(&seen, "%s\n", arguments.Inputs["images"].Data)
	return c.Tree.WriteFile("/seen", []byte(seen.String()), 0o644)
}

// pushImage makes an image of two layers and pushes it to a registry of the test.
func pushImage(t *testing.T) (host string, image v1.Image) {
	t.Helper()
	site := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(site.Close)
	host = strings.TrimPrefix(site.URL, "http://")
	image, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	reference, err := name.ParseReference(host + "/some/image:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(reference, image); err != nil {
		t.Fatal(err)
	}
	return host, image
}

// TestContainersInput: a step finds the image as osbuild's input shows it, in
// the form of skopeo's "dir"; and it is built anew when the same image is
// packed in another way.
func TestContainersInput(t *testing.T) {
	b := newBench(t, t.TempDir())
	host, image := pushImage(t)
	id, err := image.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	doc := fmt.Sprintf(`{"version": "2", "pipelines": [{"name": "tree", "stages": [{"type": "test.image", "inputs": {
		"images": {"type": "org.osbuild.containers", "origin": "org.osbuild.source", "references": {%q: {"name": "localhost/x"}}}}}]}],
		"sources": {"org.osbuild.skopeo": {"items": {%q: {"image": {"name": "%s/some/image", "digest": %q}}}}}}`, id, id, host, digest)
	r, err := b.build(t.Context(), doc)
	if err != nil {
		t.Fatal(err)
	}
	dst := filepath.Join(t.TempDir(), "out")
	if err := b.builder.Export(t.Context(), r, "tree", dst); err != nil {
		t.Fatal(err)
	}
	seen, err := os.ReadFile(filepath.Join(dst, "seen"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		fmt.Sprintf("%s/manifest.json %d\n", id, len(manifest)), fmt.Sprintf("%s/version 33\n", id), fmt.Sprintf("%s/%s ", id, id.Hex),
		fmt.Sprintf(`{"archives":{%q:{"format":"dir","name":"localhost/x"}}}`, id),
	} {
		if !strings.Contains(string(seen), want) {
			t.Errorf("the step saw\n%swant %s", seen, want)
		}
	}
	if n := strings.Count(string(seen), "\n"); n != 6 {
		t.Errorf("the step saw\n%swant manifest, version, configuration and two layers", seen)
	}
	// Another packing has another manifest; that there is none shows that it was asked for.
	_, err = b.build(t.Context(), strings.ReplaceAll(doc, digest.String(), "sha256:"+strings.Repeat("a", 64)))
	if err == nil || !strings.Contains(err.Error(), "404 Not Found") {
		t.Errorf("another manifest of the same image came from the store: %v", err)
	}
}
