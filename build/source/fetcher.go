package source

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// maxRedirects is how many redirects one request follows.
const maxRedirects = 10

// A fetcher holds what the items of one Fetch share.
type fetcher struct {
	dest     Dest
	o        Options
	checked  *http.Client
	insecure *http.Client
	mu       sync.Mutex // guards calls of o.Progress
}

func newFetcher(dest Dest, o Options) *fetcher {
	transport := o.Transport
	if transport == nil {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: o.Stall}
	}
	transport = transport.Clone()
	// A server may pack content on the way; checksums are over what it packs.
	transport.DisableCompression = true
	transport.MaxIdleConnsPerHost = o.Parallel
	careless := transport.Clone()
	if careless.TLSClientConfig == nil {
		careless.TLSClientConfig = &tls.Config{}
	}
	careless.TLSClientConfig.InsecureSkipVerify = true
	return &fetcher{
		dest:     dest,
		o:        o,
		checked:  &http.Client{Transport: transport, CheckRedirect: checkRedirect},
		insecure: &http.Client{Transport: careless, CheckRedirect: checkRedirect},
	}
}

// close ends idle connections.
func (f *fetcher) close() {
	f.checked.CloseIdleConnections()
	f.insecure.CloseIdleConnections()
}

// errRedirects ends a chain of redirects; trying again would not help.
var errRedirects = fmt.Errorf("more than %d redirects", maxRedirects)

func checkRedirect(_ *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errRedirects
	}
	return nil
}

func (f *fetcher) progress(p Progress) {
	if f.o.Progress == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.o.Progress(p)
}

// url fetches an item that has one.
func (f *fetcher) url(ctx context.Context, item Item) error {
	if item.URL.Scheme == "file" {
		return f.file(ctx, item)
	}
	return f.download(ctx, item)
}

// file copies a file of this machine.
func (f *fetcher) file(ctx context.Context, item Item) error {
	// A pipe without a writer must not hold up the build.
	in, err := os.OpenFile(item.URL.Path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is no regular file")
	case info.Size() > f.o.MaxSize:
		return tooLarge(f.o.MaxSize)
	}
	state := Progress{Checksum: item.Checksum, URL: item.shownURL(), Size: info.Size()}
	err = f.dest.AddSource(ctx, item.Checksum, func(w io.Writer) error {
		_, err := io.Copy(&limitedWriter{w: w, left: f.o.MaxSize, max: f.o.MaxSize}, f.counted(in, &state))
		return err
	})
	if err != nil {
		return err
	}
	f.done(state)
	return nil
}

func (f *fetcher) done(state Progress) {
	state.Done = true
	state.Size = state.Bytes
	f.progress(state)
}

// counted is r with every read told to Progress.
func (f *fetcher) counted(r io.Reader, state *Progress) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		if n > 0 {
			state.Bytes += int64(n)
			f.progress(*state)
		}
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func tooLarge(limit int64) error {
	return fmt.Errorf("the content has more than the %d bytes that one item may have", limit)
}

// A limitedWriter fails with the byte that is one too many.
type limitedWriter struct {
	w         io.Writer
	left, max int64
}

func (l *limitedWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > l.left {
		return 0, tooLarge(l.max)
	}
	n, err := l.w.Write(p)
	l.left -= int64(n)
	return n, err
}
