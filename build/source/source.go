// Package source brings the content that a manifest's sources name into a
// store, by checksum: org.osbuild.curl (http, https and file URLs),
// org.osbuild.librepo (the same over lists of mirrors), org.osbuild.inline
// (data in the manifest itself), org.osbuild.skopeo and skopeo-index (container
// images and their indexes, from a registry).
//
// It checks checksums, and of container images that the parts belong together;
// it looks into no other content. What it leaves behind when it fails is either
// whole content under its checksum, or a partial download that the next run
// goes on with.
//
//	err := source.Fetch(ctx, m.Sources, wanted, store, source.Options{})
package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/store"
	"golang.org/x/sync/errgroup"
)

// A Dest keeps content by checksum; a store.Dir is one.
type Dest interface {
	Source(checksum string) (path string, ok bool)
	AddSource(ctx context.Context, checksum string, write func(io.Writer) error) error
	OpenPartial(ctx context.Context, checksum string, waiting func(holder string)) (*store.Partial, error)
}

// Options are the bounds of fetching. The zero value has sensible ones.
type Options struct {
	// Parallel is how many requests are made at once; 8 when it is 0.
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
	// Proxy is the URL of a proxy for every request, in place of Transport's.
	Proxy string
	// ClientTLS is what the secrets org.osbuild.mtls stand for.
	ClientTLS ClientTLS
	// Local has content at hand; with it nothing is got from anywhere else.
	Local Local
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

// ClientTLS are paths of PEM files: the certificate and key that a server asks
// for, and, unless it is empty, who may have signed the server's certificate.
// Their content is never shown, kept or logged.
type ClientTLS struct{ Cert, Key, CA string }

// Local is a place with content by checksum, such as a bundle.
type Local interface {
	// Open is for reading the content; the error is fs.ErrNotExist where it
	// has none.
	Open(checksum string) (io.ReadCloser, error)
	// String names the place.
	String() string
}

// Fetch brings every wanted checksum that dest does not have into it. It ends
// with the first item that fails for good; the error names its URLs.
func Fetch(ctx context.Context, sources []*manifest.Source, wanted []string, dest Dest, o Options) error {
	items, err := NewCatalog(sources).Plan(wanted)
	if err != nil {
		return err
	}
	f, err := newFetcher(dest, o.filled())
	if err != nil {
		return err
	}
	defer f.close()
	g, ctx := errgroup.WithContext(ctx)
	// More items than requests are under way: the disk takes as long to keep a
	// small file as the network to bring it.
	g.SetLimit(4 * f.o.Parallel)
	for _, item := range items {
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
	if f.complete(item) {
		return nil
	}
	var err error
	switch {
	case item.Image != nil:
		err = f.image(ctx, item)
	case item.Index != nil:
		err = f.index(ctx, item)
	case item.Inline != nil:
		err = f.inline(ctx, item)
	default:
		err = f.file(ctx, item)
	}
	if err != nil {
		return &ItemError{item.Checksum, err}
	}
	f.done(item)
	return nil
}

// complete says that everything of the item is there.
func (f *fetcher) complete(item Item) bool {
	sums, whole := contents(f.dest, item)
	return whole && !slices.ContainsFunc(sums, func(sum string) bool { _, ok := f.dest.Source(sum); return !ok })
}

// file brings one file from wherever its links and mirrors lead.
func (f *fetcher) file(ctx context.Context, item Item) error {
	return f.content(ctx, item.Checksum, func() ([]Link, error) { return f.links(ctx, item) })
}

// content brings one checksum: from the local place where there is one, else
// from the first link that has it. The links are only asked for when the
// content is not there yet.
func (f *fetcher) content(ctx context.Context, sum string, links func() ([]Link, error)) error {
	if _, ok := f.dest.Source(sum); ok {
		return nil
	}
	if f.o.Local != nil {
		return f.local(ctx, sum)
	}
	from, err := links()
	if len(from) == 0 && err != nil {
		return err
	}
	if failed := f.download(ctx, sum, from); failed != nil {
		return errors.Join(failed, err)
	}
	return nil
}

// local takes content that is at hand.
func (f *fetcher) local(ctx context.Context, sum string) error {
	in, err := f.o.Local.Open(sum)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s does not have %s; without the network it cannot be had", f.o.Local, sum)
	}
	if err != nil {
		return fmt.Errorf("take %s from %s: %w", sum, f.o.Local, err)
	}
	defer in.Close() // opened for reading: nothing to lose
	if err := f.copy(ctx, in, Progress{Checksum: sum, Size: -1}); err != nil {
		return fmt.Errorf("take content from %s: %w", f.o.Local, err)
	}
	return nil
}

// copy stores everything that in has.
func (f *fetcher) copy(ctx context.Context, in io.Reader, state Progress) error {
	return f.dest.AddSource(ctx, state.Checksum, func(w io.Writer) error {
		_, err := io.Copy(&limitedWriter{w: w, left: f.o.MaxSize, max: f.o.MaxSize}, f.counted(in, &state))
		return err
	})
}
