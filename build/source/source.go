// Package source brings the content that a manifest's sources name into a
// store, by checksum: org.osbuild.curl (http, https and file URLs) and
// org.osbuild.inline (data in the manifest itself).
//
// It checks nothing but checksums, and it never looks into content. What it
// leaves behind when it fails is either whole content under its checksum, or a
// partial download that the next run goes on with.
//
//	err := source.Fetch(ctx, m.Sources, wanted, store, source.Options{})
package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/store"
	"golang.org/x/sync/errgroup"
)

// The types of sources that can be fetched.
const (
	Curl   = "org.osbuild.curl"
	Inline = "org.osbuild.inline"
)

// Supported reports whether sources of this type can be fetched.
func Supported(sourceType string) bool { return sourceType == Curl || sourceType == Inline }

// Types lists the supported types, sorted.
func Types() []string { return []string{Curl, Inline} }

// A Dest keeps content by checksum; a store.Dir is one.
type Dest interface {
	Source(checksum string) (path string, ok bool)
	AddSource(ctx context.Context, checksum string, write func(io.Writer) error) error
	OpenPartial(ctx context.Context, checksum string, waiting func(holder string)) (*store.Partial, error)
}

// Options are the bounds of fetching. The zero value has sensible ones.
type Options struct {
	// Parallel is how many items are fetched at once; 8 when it is 0.
	Parallel int
	// Attempts is how often an item is tried while the trouble may pass; 5
	// when it is 0.
	Attempts int
	// Backoff is the pause after the first attempt; it doubles with each
	// one. Half a second when it is 0.
	Backoff time.Duration
	// Stall ends an attempt in which no byte arrives for that long; 30
	// seconds when it is 0.
	Stall time.Duration
	// MaxSize is the most bytes that one item may have; 64 GiB when it is 0.
	MaxSize int64
	// Transport does the requests; when it is nil, one with the proxy that
	// http.ProxyFromEnvironment finds. It is not changed.
	Transport *http.Transport
	// Progress is told of every step forward, one call at a time.
	Progress func(Progress)
	// Waiting is told once for an item that another process is fetching.
	Waiting func(holder string)
}

// A Progress is how far one item has come.
type Progress struct {
	Checksum string
	// URL is empty for inline data.
	URL string
	// Bytes of Size are there; Size is -1 while nobody knows it.
	Bytes, Size int64
	// Done comes once, when the item is in the store.
	Done bool
	// Err is why an attempt failed that is tried again.
	Err error
}

func (o Options) filled() Options {
	o.Parallel = orDefault(o.Parallel, 8)
	o.Attempts = orDefault(o.Attempts, 5)
	o.Backoff = orDefault(o.Backoff, time.Second/2)
	o.Stall = orDefault(o.Stall, 30*time.Second)
	o.MaxSize = orDefault(o.MaxSize, 64<<30)
	return o
}

func orDefault[T int | int64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// Fetch brings every wanted checksum that dest does not have into it. It ends
// with the first item that fails for good; the error names its URL.
func Fetch(ctx context.Context, sources []*manifest.Source, wanted []string, dest Dest, o Options) error {
	items, err := Plan(sources, wanted)
	if err != nil {
		return err
	}
	f := newFetcher(dest, o.filled())
	defer f.close()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(f.o.Parallel)
	for _, item := range items {
		if _, ok := dest.Source(item.Checksum); ok {
			continue
		}
		g.Go(func() error { return f.item(ctx, item) })
	}
	return g.Wait()
}

// An ItemError is one item that could not be had. It names the URL.
type ItemError struct {
	Checksum string
	Err      error
}

func (e *ItemError) Error() string { return e.Err.Error() }

// Unwrap is why.
func (e *ItemError) Unwrap() error { return e.Err }

func (f *fetcher) item(ctx context.Context, item Item) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if item.Inline != nil {
		if err := f.inline(ctx, item); err != nil {
			return &ItemError{item.Checksum, err}
		}
		return nil
	}
	if err := f.url(ctx, item); err != nil {
		return &ItemError{item.Checksum, fmt.Errorf("fetch %s: %w%s", item.shownURL(), err, advice(err))}
	}
	return nil
}

// advice is what to do about an item that could not be fetched, "" where the
// error says it.
func advice(err error) string {
	var mismatch *store.MismatchError
	var connection *net.OpError
	var name *net.DNSError
	switch {
	case errors.As(err, &mismatch):
		return "; what lies there is not what the manifest pins: make the manifest anew, or give it a URL that still has the old content"
	case errors.As(err, &connection), errors.As(err, &name):
		return "; check the URL, the network and the proxy"
	}
	return ""
}
