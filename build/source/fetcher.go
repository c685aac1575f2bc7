package source

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

// A fetcher holds what the items of one Fetch share.
type fetcher struct {
	dest Dest
	o    Options
	base *http.Transport
	// slots has a place for each request that may be under way.
	slots chan struct{}

	telling sync.Mutex // guards calls of o.Progress

	mu         sync.Mutex // guards what follows
	clients    map[Access]*http.Client
	registries map[string]*repository
	// failures counts, by host, what went wrong there: other hosts come first.
	failures map[string]int
}

func newFetcher(dest Dest, o Options) (*fetcher, error) {
	base, err := newTransport(o)
	if err != nil {
		return nil, err
	}
	return &fetcher{
		dest: dest, o: o, base: base, slots: make(chan struct{}, o.Parallel),
		clients: map[Access]*http.Client{}, registries: map[string]*repository{}, failures: map[string]int{},
	}, nil
}

// slot waits until another request may be made.
func (f *fetcher) slot(ctx context.Context) (release func(), err error) {
	select {
	case f.slots <- struct{}{}:
		return sync.OnceFunc(func() { <-f.slots }), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// close ends idle connections.
func (f *fetcher) close() {
	for _, c := range f.clients {
		c.CloseIdleConnections()
	}
}

func (f *fetcher) progress(p Progress) {
	if f.o.Progress == nil {
		return
	}
	f.telling.Lock()
	defer f.telling.Unlock()
	f.o.Progress(p)
}

func (f *fetcher) done(item Item) {
	state := Progress{Checksum: item.Checksum, Done: true}
	if path, ok := f.dest.Source(item.Checksum); ok {
		if info, err := os.Stat(path); err == nil {
			state.Bytes, state.Size = info.Size(), info.Size()
		}
	}
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
	over      bool
}

func (l *limitedWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > l.left {
		l.over = true
		return 0, tooLarge(l.max)
	}
	n, err := l.w.Write(p)
	l.left -= int64(n)
	return n, err
}
