package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// A repository is one of a registry, with the token that it gave.
type repository struct {
	mu     sync.Mutex // held while the registry is asked
	client *http.Client
}

// acceptManifests is what is asked for where an image's manifest or an index
// is wanted: a registry may convert a manifest to what is asked for.
var acceptManifests = strings.Join([]string{
	string(types.OCIManifestSchema1), string(types.DockerManifestSchema2),
	string(types.OCIImageIndex), string(types.DockerManifestList),
}, ", ")

// registryLink is the link to one manifest or blob.
func (f *fetcher) registryLink(ctx context.Context, image *Image, kind, sum string) ([]Link, error) {
	client, err := f.login(ctx, image)
	if err != nil {
		return nil, err
	}
	link := Link{URL: registryURL(image, image.Repository.RepositoryStr()+"/"+kind+"/"+sum), client: client}
	if kind == manifests {
		link.accept = acceptManifests
	}
	return []Link{link}, nil
}

func registryURL(image *Image, path string) *url.URL {
	// The client turns it to plain http where the registry has only that.
	return &url.URL{Scheme: "https", Host: image.Repository.RegistryStr(), Path: "/v2/" + path}
}

// login asks the registry which scheme and token it wants, once for each
// repository. Only what everybody may read is read.
func (f *fetcher) login(ctx context.Context, image *Image) (*http.Client, error) {
	f.mu.Lock()
	key := fmt.Sprintf("%s %v", image.Repository, image.Insecure)
	r := f.registries[key]
	if r == nil {
		r = &repository{}
		f.registries[key] = r
	}
	f.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		return r.client, nil
	}
	base, err := f.client(Access{Insecure: image.Insecure})
	if err != nil {
		return nil, err
	}
	try := func(Link, func()) error {
		r.client, err = f.loginOnce(ctx, image, base)
		return err
	}
	state := Progress{URL: image.Repository.RegistryStr(), Size: -1}
	retried := func(_ Link, err error) {
		state.Err = err
		f.progress(state)
	}
	return r.client, f.rounds(ctx, []Link{{URL: registryURL(image, "")}}, try, retried)
}

func (f *fetcher) loginOnce(ctx context.Context, image *Image, base *http.Client) (*http.Client, error) {
	attempt, cancel := context.WithTimeoutCause(ctx, f.o.Stall, errStalled)
	defer cancel()
	scope := image.Repository.Scope(transport.PullScope)
	authorized, err := transport.NewWithContext(attempt, image.Repository.Registry, authn.Anonymous, base.Transport, []string{scope})
	if err != nil {
		return nil, loginError(ctx, attempt, err)
	}
	return &http.Client{Transport: authorized, CheckRedirect: checkRedirect}, nil
}

func loginError(ctx, attempt context.Context, err error) error {
	var answer *transport.Error
	if !errors.As(err, &answer) {
		return kind(ctx, attempt, err)
	}
	// The whole error repeats what the registry says, in its own words.
	short := fmt.Errorf("the registry answers %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	if answer.Temporary() {
		return &passingError{short}
	}
	return &lastingError{short}
}
