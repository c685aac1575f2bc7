package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A Mirrored is a path below each of several mirrors.
type Mirrored struct {
	Path    string
	mirrors *mirrors
}

// mirrors is one entry of a librepo source's options.mirrors: a list of base
// URLs, which is fetched when it is first asked for, or one base URL.
type mirrors struct {
	link   Link // of the list
	format string

	mu    sync.Mutex // held while the list is fetched
	known bool
	bases []*url.URL
	err   error
}

// The types of a librepo source's mirrors.
const (
	mirrorList = "mirrorlist"
	metalink   = "metalink"
	baseURL    = "baseurl"
)

// mirrored reads {"path", "mirror"}.
func (c *Catalog) mirrored(o origin) (Mirrored, error) {
	var v struct{ Path, Mirror string }
	if err := json.Unmarshal(o.value, &v); err != nil {
		return Mirrored{}, fmt.Errorf("read the item: %w", err)
	}
	key := o.source.Path.At(v.Mirror).String()
	if c.mirrors[key] == nil {
		m, err := readMirrors(o.source.Options, v.Mirror)
		if err != nil {
			return Mirrored{}, err
		}
		c.mirrors[key] = m
	}
	return Mirrored{v.Path, c.mirrors[key]}, nil
}

// readMirrors reads one entry of options.mirrors. fastest-mirror is passed
// over: which mirror answers first changes nothing but the time.
func readMirrors(options json.RawMessage, name string) (*mirrors, error) {
	var all struct {
		Mirrors map[string]struct {
			URL       string
			Type      string
			Insecure  bool
			Secrets   *secrets
			Parallels float64 `json:"max-parallels"`
		}
	}
	if err := json.Unmarshal(options, &all); err != nil {
		return nil, fmt.Errorf("read the mirrors: %w", err)
	}
	v, ok := all.Mirrors[name]
	if !ok {
		return nil, fmt.Errorf("options.mirrors has no mirror %q", name)
	}
	provider, err := v.Secrets.provider()
	if err != nil {
		return nil, fmt.Errorf("mirror %q: %w", name, err)
	}
	u, err := readURL(v.URL)
	if err != nil {
		return nil, fmt.Errorf("mirror %q: %w", name, err)
	}
	if v.Type != baseURL && u.Scheme == "file" {
		return nil, fmt.Errorf("mirror %q: a %s is fetched by http or https; name a directory by %q", name, v.Type, baseURL)
	}
	m := &mirrors{link: Link{URL: u, Access: Access{v.Insecure, provider}}, format: v.Type}
	if v.Parallels >= 1 {
		m.link.slots = make(chan struct{}, int(math.Min(v.Parallels, 64)))
	}
	return m, nil
}

// links are the item's URLs, and those that its mirrors give. With an error
// there may be links all the same.
func (f *fetcher) links(ctx context.Context, item Item) ([]Link, error) {
	links := item.Links
	var errs []error
	for _, m := range item.Mirrored {
		bases, err := f.bases(ctx, m.mirrors)
		errs = append(errs, err)
		for _, base := range bases {
			link := m.mirrors.link
			link.URL = below(base, m.Path)
			links = append(links, link)
		}
	}
	return links, errors.Join(errs...)
}

// below is the URL of a path that is not escaped yet.
func below(base *url.URL, path string) *url.URL {
	u := *base
	u.Path = strings.TrimSuffix(u.Path, "/") + "/" + strings.TrimPrefix(path, "/")
	u.RawPath = ""
	return &u
}

// bases are the mirrors' base URLs, fetched once for all items.
func (f *fetcher) bases(ctx context.Context, m *mirrors) ([]*url.URL, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known {
		return m.bases, m.err
	}
	if m.format == baseURL {
		m.bases, m.known = []*url.URL{m.link.URL}, true
		return m.bases, nil
	}
	m.bases, m.err = f.mirrorList(ctx, m)
	m.known = context.Cause(ctx) == nil
	return m.bases, m.err
}

// maxList bounds a list of mirrors and a document of a registry in bytes.
const maxList = 4 << 20

func (f *fetcher) mirrorList(ctx context.Context, m *mirrors) ([]*url.URL, error) {
	data, err := f.small(ctx, m.link)
	if err != nil {
		return nil, fmt.Errorf("read the list of mirrors: %w", err)
	}
	parse := parseMirrorList
	if m.format == metalink {
		parse = parseMetalink
	}
	bases, err := parse(data)
	if err == nil && len(bases) == 0 {
		err = errors.New("it has no mirror with http or https")
	}
	if err != nil {
		return nil, fmt.Errorf("read the %s %s: %w", m.format, m.link.shown(), err)
	}
	return bases, nil
}

// small fetches a document of at most [maxList] bytes that no checksum pins.
func (f *fetcher) small(ctx context.Context, link Link) (data []byte, err error) {
	state := Progress{URL: link.shown(), Size: -1}
	retried := func(_ Link, err error) {
		state.Err = err
		f.progress(state)
	}
	err = f.rounds(ctx, []Link{link}, func(l Link, _ func()) error {
		data, err = f.smallOnce(ctx, l)
		return err
	}, retried)
	return data, err
}

func (f *fetcher) smallOnce(ctx context.Context, link Link) ([]byte, error) {
	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(f.o.Stall, func() { cancel(errStalled) })
	defer stall.Stop()
	response, err := f.request(attempt, link, 0)
	if err != nil {
		return nil, kind(ctx, attempt, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, refusal(response)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxList+1))
	if err != nil {
		return nil, kind(ctx, attempt, err)
	}
	if len(data) > maxList {
		return nil, &lastingError{fmt.Errorf("it has more than %d bytes", maxList)}
	}
	return data, nil
}
