package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/store"
)

// A download is one checksum on its way into a partial file.
type download struct {
	*fetcher
	partial *store.Partial
	state   Progress
}

// download fetches from the first link that has the content, from where an
// earlier run stopped.
func (f *fetcher) download(ctx context.Context, sum string, links []Link) (err error) {
	partial, err := f.dest.OpenPartial(ctx, sum, f.o.Waiting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, partial.Close()) }()
	d := &download{f, partial, Progress{Checksum: sum, Size: -1}}
	// The process that held the lock before may have finished it.
	if _, ok := f.dest.Source(sum); !ok {
		return f.rounds(ctx, links, func(l Link, release func()) error { return d.from(ctx, l, release) }, d.retried)
	}
	return nil
}

func (d *download) retried(link Link, err error) {
	again := d.state
	again.URL, again.Err = link.shown(), err
	d.progress(again)
}

// from fetches from one link and commits. What an earlier attempt left may be
// of other content (the URL changed, the file was replaced, a mirror lies):
// then it starts again, once.
func (d *download) from(ctx context.Context, link Link, release func()) error {
	own, err := link.wait(ctx)
	if err != nil {
		return err
	}
	defer own()
	d.state.URL = link.shown()
	if link.URL.Scheme == "file" {
		return d.file(ctx, link)
	}
	resumed, err := d.partial.Size()
	if err != nil {
		return err
	}
	var mismatch *store.MismatchError
	both := func() { release(); own() }
	err = d.whole(ctx, link, both)
	if resumed > 0 && errors.As(err, &mismatch) {
		err = d.whole(ctx, link, both)
	}
	if errors.As(err, &mismatch) {
		return &lastingError{err}
	}
	return err
}

// whole lets others ask the server while the disk is busy with the content.
func (d *download) whole(ctx context.Context, link Link, release func()) error {
	if err := d.attempt(ctx, link); err != nil {
		return err
	}
	release()
	return d.partial.Commit(ctx)
}

// file copies a file of this machine.
func (d *download) file(ctx context.Context, link Link) error {
	// A pipe without a writer must not hold up the build.
	in, err := os.OpenFile(link.URL.Path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return &lastingError{err}
	}
	defer in.Close() // opened for reading: nothing to lose
	info, err := in.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &lastingError{errors.New("it is no regular file")}
	case info.Size() > d.o.MaxSize:
		return &lastingError{tooLarge(d.o.MaxSize)}
	}
	state := d.state
	state.Bytes, state.Size = 0, info.Size()
	err = d.copy(ctx, in, state)
	var mismatch *store.MismatchError
	if errors.As(err, &mismatch) {
		return &lastingError{err}
	}
	return err
}

// errStalled ends an attempt in which nothing arrives any more.
var errStalled = errors.New("the server sends nothing any more")

// attempt does one request and takes what comes.
func (d *download) attempt(ctx context.Context, link Link) error {
	have, err := d.partial.Size()
	if err != nil {
		return err
	}
	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(d.o.Stall, func() { cancel(errStalled) })
	defer stall.Stop()
	response, err := d.request(attempt, link, have)
	if err != nil {
		return kind(ctx, attempt, err)
	}
	defer response.Body.Close()
	have, err = d.begin(response, have)
	if err != nil || have < 0 {
		return err
	}
	return d.take(ctx, attempt, response, have, stall)
}

// request asks for what comes after the first have bytes.
func (f *fetcher) request(ctx context.Context, link Link, have int64) (*http.Response, error) {
	client := link.client
	if client == nil {
		var err error
		if client, err = f.client(link.Access); err != nil {
			return nil, &lastingError{err}
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, link.URL.String(), nil)
	if err != nil {
		return nil, &lastingError{err}
	}
	request.Header.Set("User-Agent", "assay")
	if link.accept != "" {
		request.Header.Set("Accept", link.accept)
	}
	if have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	return client.Do(request)
}

// begin makes the partial file ready for what the response holds and returns
// its length then; -1 when there is nothing more to take.
func (d *download) begin(response *http.Response, have int64) (int64, error) {
	switch code := response.StatusCode; {
	case code == http.StatusPartialContent && rangeStart(response) == have && have > 0:
		return have, nil
	case code == http.StatusOK, code == http.StatusPartialContent && have == 0 && rangeStart(response) == 0:
		return 0, d.partial.Restart()
	case code == http.StatusRequestedRangeNotSatisfiable && have > 0:
		// Everything is there, or more than that: the checksum will tell.
		return -1, nil
	case code == http.StatusPartialContent:
		if err := d.partial.Restart(); err != nil {
			return 0, err
		}
		return 0, &passingError{errors.New("the server sends another part than the one asked for")}
	}
	return 0, refusal(response)
}

// refusal is what an answer without content means.
func refusal(response *http.Response) error {
	err := fmt.Errorf("the server answers %s", response.Status)
	code := response.StatusCode
	if code >= 500 || code == http.StatusRequestTimeout || code == http.StatusTooManyRequests {
		return &passingError{err}
	}
	return &lastingError{err}
}

// rangeStart is the first byte's offset by Content-Range, -1 when there is none.
func rangeStart(response *http.Response) int64 {
	value, ok := strings.CutPrefix(response.Header.Get("Content-Range"), "bytes ")
	if !ok {
		return -1
	}
	first, _, _ := strings.Cut(value, "-")
	start, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return -1
	}
	return start
}

// take appends the response's body to the partial file.
func (d *download) take(ctx, attempt context.Context, response *http.Response, have int64, stall *time.Timer) error {
	d.state.Bytes, d.state.Size = have, -1
	if response.ContentLength >= 0 {
		d.state.Size = have + response.ContentLength
	}
	if d.state.Size > d.o.MaxSize {
		return &lastingError{tooLarge(d.o.MaxSize)}
	}
	body := &bodyReader{r: response.Body, read: func() { stall.Reset(d.o.Stall) }}
	w := &limitedWriter{w: d.partial.File, left: d.o.MaxSize - have, max: d.o.MaxSize}
	_, err := io.CopyBuffer(w, d.counted(body, &d.state), make([]byte, 256<<10))
	if body.err != nil {
		return kind(ctx, attempt, body.err)
	}
	if w.over {
		// What is there cannot be the beginning of what is wanted.
		return errors.Join(&lastingError{err}, d.partial.Restart())
	}
	return err
}

// A bodyReader tells errors of reading from those of writing: a connection
// may come back, a full disk does not.
type bodyReader struct {
	r    io.Reader
	read func()
	err  error
}

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	b.read()
	return n, err
}
