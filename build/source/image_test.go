package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/store"
	"github.com/assay-os/assay/fixtures"
)

// A testRegistry is a registry with one image and an index of it.
type testRegistry struct {
	url                      string // without the scheme
	id, digest, index, layer string
}

// put uploads to the registry and returns the digest.
func put(t *testing.T, site, path, mediaType string, data []byte) string {
	t.Helper()
	h := sha256.Sum256(data)
	digest := "sha256:" + hex.EncodeToString(h[:])
	method, url := http.MethodPut, site+path+digest
	if strings.HasSuffix(path, "uploads/") {
		method, url = http.MethodPost, site+path+"?digest="+digest
	}
	request, err := http.NewRequest(method, url, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", mediaType)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		t.Fatalf("put %s: %s", url, answer.Status)
	}
	return digest
}

// replaced is JSON with the words replaced.
func replaced(text string, words ...string) []byte {
	return []byte(strings.NewReplacer(words...).Replace(text))
}

const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"
)

// newRegistry serves an image whose layer is the payload. Wrap, unless it is
// nil, stands between.
func newRegistry(t *testing.T, wrap func(http.Handler) http.Handler) testRegistry {
	t.Helper()
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	direct := httptest.NewServer(handler)
	defer direct.Close()
	const repo = "/v2/some/image"
	r := testRegistry{}
	r.layer = put(t, direct.URL, repo+"/blobs/uploads/", "", payload)
	r.id = put(t, direct.URL, repo+"/blobs/uploads/", "", []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`))
	document := replaced(`{"schemaVersion":2,"mediaType":"TYPE","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"ID","size":78},`+
		`"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"LAYER","size":1048576}]}`, "TYPE", ociManifest, "ID", r.id, "LAYER", r.layer)
	r.digest = put(t, direct.URL, repo+"/manifests/", ociManifest, document)
	r.index = put(t, direct.URL, repo+"/manifests/", ociIndex, replaced(
		`{"schemaVersion":2,"mediaType":"TYPE","manifests":[{"mediaType":"OTHER","digest":"DIGEST","size":1}]}`, "TYPE", ociIndex, "OTHER", ociManifest, "DIGEST", r.digest))
	if wrap != nil {
		handler = wrap(handler)
	}
	site := httptest.NewServer(handler)
	t.Cleanup(site.Close)
	r.url = strings.TrimPrefix(site.URL, "http://")
	return r
}

// imageSource is a source of one image or index.
func imageSource(t *testing.T, sourceType, id string, image map[string]any) []*manifest.Source {
	t.Helper()
	value, err := json.Marshal(map[string]any{"image": image})
	if err != nil {
		t.Fatal(err)
	}
	return []*manifest.Source{{Type: sourceType, Items: []manifest.Item{{ID: id, Value: value}}, Path: manifest.Path{"sources", sourceType}}}
}

func (r testRegistry) source(t *testing.T) []*manifest.Source {
	return imageSource(t, Skopeo, r.id, map[string]any{"name": r.url + "/some/image", "digest": r.digest})
}

// TestImage: every part is in the store, and looks as what skopeo makes of it.
func TestImage(t *testing.T) {
	r, d := newRegistry(t, nil), openStore(t)
	sources := r.source(t)
	catalog := NewCatalog(sources)
	if _, whole := catalog.Contents(d, r.id); whole {
		t.Error("the image is whole before it was fetched")
	}
	if err := Fetch(t.Context(), sources, []string{r.id}, d, quick()); err != nil {
		t.Fatal(err)
	}
	sums, whole := catalog.Contents(d, r.id)
	if !whole || len(sums) != 4 {
		t.Errorf("contents %v, whole %v", sums, whole)
	}
	for _, sum := range sums {
		if sound, err := d.CheckSource(sum); !sound || err != nil {
			t.Errorf("%s: %v, %v", sum, sound, err)
		}
	}
	fixtures.RequireTool(t, "skopeo")
	dir := t.TempDir()
	out, err := exec.Command("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", "docker://"+r.url+"/some/image@"+r.digest, "dir:"+dir).CombinedOutput()
	if err != nil {
		t.Fatalf("skopeo: %v\n%s", err, out)
	}
	sameAsDirectory(t, d, catalog, r.id, dir)
}

func sameAsDirectory(t *testing.T, d *store.Dir, catalog *Catalog, id, dir string) {
	t.Helper()
	names, err := catalog.Directory(d, id)
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != len(names) {
		t.Errorf("%d names, skopeo has %d (%v)", len(names), len(files), err)
	}
	for _, f := range files {
		want, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		path, _ := d.Source(names[f.Name()])
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not as skopeo has it (%v)", f.Name(), err)
		}
	}
}

// TestImageResumes: what a part lost is fetched again, and no other part.
func TestImageResumes(t *testing.T) {
	var paths []string
	r := newRegistry(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			paths = append(paths, q.URL.Path)
			h.ServeHTTP(w, q)
		})
	})
	d := openStore(t)
	for range 2 {
		if err := Fetch(t.Context(), r.source(t), []string{r.id}, d, quick()); err != nil {
			t.Fatal(err)
		}
	}
	path, _ := d.Source(r.layer)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	before := len(paths)
	if err := Fetch(t.Context(), r.source(t), []string{r.id}, d, quick()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(paths[before:], " "); got != "/v2/ /v2/some/image/blobs/"+r.layer {
		t.Errorf("requests %s", got)
	}
}

func TestIndex(t *testing.T) {
	r, d := newRegistry(t, nil), openStore(t)
	image := map[string]any{"name": r.url + "/some/image", "tls-verify": false}
	if err := Fetch(t.Context(), imageSource(t, SkopeoIndex, r.index, image), []string{r.index}, d, quick()); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Source(r.index); !ok {
		t.Error("the index is not in the store")
	}
	err := Fetch(t.Context(), imageSource(t, SkopeoIndex, r.digest, image), []string{r.digest}, d, quick())
	if err == nil || !strings.Contains(err.Error(), "not an index of images") {
		t.Errorf("error %v", err)
	}
}

// TestImageFaults: each gives one message with the image's name.
func TestImageFaults(t *testing.T) {
	none := sum([]byte("none"))
	only := func(part string, answer http.HandlerFunc) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, part) {
					answer(w, r)
					return
				}
				h.ServeHTTP(w, r)
			})
		}
	}
	tests := map[string]struct {
		wrap   func(http.Handler) http.Handler
		change func(*testRegistry)
		err    string
	}{
		"no digest":       {nil, func(r *testRegistry) { r.digest = none }, "/manifests/" + none + ": the server answers 404 Not Found"},
		"another id":      {nil, func(r *testRegistry) { r.id = none }, "not " + none},
		"an index":        {nil, func(r *testRegistry) { r.digest = r.index }, "the digest is of an index"},
		"dead":            {nil, func(r *testRegistry) { r.url = strings.TrimPrefix(deadURL(), "http://") }, "connection refused"},
		"no blob":         {only("/blobs/", status(404)), nil, "/blobs/"},
		"wrong blob":      {only("/blobs/", whole([]byte("x"))), nil, "content has checksum"},
		"wrong manifest":  {only("/manifests/", whole([]byte("x"))), nil, "content has checksum"},
		"busy":            {only("/v2/", status(503)), nil, "503"},
		"stuck":           {only("/v2/", stuck(payload, 0)), nil, "(tried 3 times)"},
		"forbidden":       {only("/v2/", status(403)), nil, "the registry answers 403 Forbidden"},
		"stuck in a blob": {only("/blobs/", stuck(payload, 10)), nil, "sends nothing any more"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, d := newRegistry(t, tt.wrap), openStore(t)
			if tt.change != nil {
				tt.change(&r)
			}
			err := Fetch(t.Context(), r.source(t), []string{r.id}, d, quick())
			if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), "image "+r.url+"/some/image@"+r.digest) {
				t.Errorf("error %v, want the image and %q", err, tt.err)
			}
			if _, ok := d.Source(r.id); ok {
				t.Error("the image counts as there")
			}
			if problems, err := d.Verify(t.Context(), nil); err != nil || len(problems) > 0 {
				t.Errorf("the store is damaged: %v, %v", problems, err)
			}
		})
	}
}

// shelf is a local place with content.
type shelf map[string][]byte

func (s shelf) String() string { return "the shelf" }

func (s shelf) Open(sum string) (io.ReadCloser, error) {
	data, ok := s[sum]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// TestLocal: with content at hand nothing is asked of anyone, and it is
// checked as what comes from afar is.
func TestLocal(t *testing.T) {
	r, d := newRegistry(t, nil), openStore(t)
	sources := append(r.source(t), curl(t, sum(payload), deadURL())...)
	if err := Fetch(t.Context(), r.source(t), []string{r.id}, d, quick()); err != nil {
		t.Fatal(err)
	}
	here := shelf{}
	sums, _ := NewCatalog(sources).Contents(d, r.id)
	for _, sum := range sums {
		path, _ := d.Source(sum)
		here[sum], _ = os.ReadFile(path)
	}
	offline := quick()
	offline.Transport = &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return nil, errors.New("the network was used") }}
	offline.Local = here
	fresh := openStore(t)
	if err := Fetch(t.Context(), sources, []string{r.id, sum(payload)}, fresh, offline); err != nil {
		t.Fatal(err)
	}
	wantContent(t, fresh, payload)
	here[sum(payload)] = []byte("damaged")
	err := Fetch(t.Context(), sources, []string{sum(payload)}, openStore(t), offline)
	if err == nil || !strings.Contains(err.Error(), "from the shelf: ") || !strings.Contains(err.Error(), "not "+sum(payload)) {
		t.Errorf("error %v", err)
	}
	delete(here, sum(payload))
	err = Fetch(t.Context(), sources, []string{sum(payload)}, openStore(t), offline)
	if err == nil || !strings.Contains(err.Error(), "the shelf does not have "+sum(payload)) {
		t.Errorf("error %v", err)
	}
}
