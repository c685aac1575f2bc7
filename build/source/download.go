package source

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/assay-os/assay/build/store"
)

// A passingError is trouble that another attempt may not meet: a server that
// is busy or broken, a connection that ended.
type passingError struct{ err error }

func (e *passingError) Error() string { return e.err.Error() }
func (e *passingError) Unwrap() error { return e.err }

// A download is one item on its way into a partial file.
type download struct {
	*fetcher
	item    Item
	partial *store.Partial
	state   Progress
}

// download fetches over http, from where an earlier run stopped.
func (f *fetcher) download(ctx context.Context, item Item) (err error) {
	partial, err := f.dest.OpenPartial(ctx, item.Checksum, f.o.Waiting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, partial.Close()) }()
	d := &download{f, item, partial, Progress{Checksum: item.Checksum, URL: item.shownURL(), Size: -1}}
	// The process that held the lock before may have finished it.
	if _, ok := f.dest.Source(item.Checksum); !ok {
		if err := d.whole(ctx); err != nil {
			return err
		}
	}
	f.done(d.state)
	return nil
}

// whole fetches and commits. What an earlier run left may be of other content
// (the URL changed, the file was replaced): then it starts again, once.
func (d *download) whole(ctx context.Context) error {
	resumed, err := d.partial.Size()
	if err != nil {
		return err
	}
	err = d.attempts(ctx)
	if err == nil {
		err = d.partial.Commit(ctx)
	}
	var mismatch *store.MismatchError
	if resumed == 0 || !errors.As(err, &mismatch) {
		return err
	}
	if err := d.attempts(ctx); err != nil {
		return err
	}
	return d.partial.Commit(ctx)
}

// attempts tries until the partial file has everything that the server has.
func (d *download) attempts(ctx context.Context) error {
	pause := d.o.Backoff
	for n := 1; ; n++ {
		err := d.attempt(ctx)
		var passing *passingError
		if !errors.As(err, &passing) {
			return err
		}
		if n == d.o.Attempts {
			return fmt.Errorf("%w (tried %d times)", err, n)
		}
		d.state.Err = err
		d.progress(d.state)
		d.state.Err = nil
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
		pause *= 2
	}
}

// errStalled ends an attempt in which nothing arrives any more.
var errStalled = errors.New("the server sends nothing any more")

// attempt does one request and takes what comes.
func (d *download) attempt(ctx context.Context) error {
	have, err := d.partial.Size()
	if err != nil {
		return err
	}
	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(d.o.Stall, func() { cancel(errStalled) })
	defer stall.Stop()
	response, err := d.request(attempt, have)
	if err != nil {
		return d.passing(ctx, attempt, err)
	}
	defer response.Body.Close()
	have, err = d.begin(response, have)
	if err != nil || have < 0 {
		return err
	}
	return d.take(ctx, attempt, response, have, stall)
}

// passing tells an end that the caller wanted, or that will come again, from
// one that another attempt may not meet.
func (d *download) passing(ctx, attempt context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	// The URL stands before the message already.
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	if lasting(err) {
		return err
	}
	if cause := context.Cause(attempt); cause != nil {
		err = cause
	}
	return &passingError{err}
}

// lasting reports errors that every attempt would meet.
func lasting(err error) bool {
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	return errors.Is(err, errRedirects) || errors.As(err, &certificate) || errors.As(err, &name) && name.IsNotFound
}

func (d *download) request(ctx context.Context, have int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.item.URL.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "assay")
	if have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	client := d.checked
	if d.item.Insecure {
		client = d.insecure
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
	case code >= 500 || code == http.StatusRequestTimeout || code == http.StatusTooManyRequests:
		return 0, &passingError{fmt.Errorf("the server answers %s", response.Status)}
	}
	return 0, fmt.Errorf("the server answers %s", response.Status)
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
		return tooLarge(d.o.MaxSize)
	}
	body := &bodyReader{r: response.Body, read: func() { stall.Reset(d.o.Stall) }}
	w := &limitedWriter{w: d.partial.File, left: d.o.MaxSize - have, max: d.o.MaxSize}
	_, err := io.CopyBuffer(w, d.counted(body, &d.state), make([]byte, 256<<10))
	if body.err != nil {
		return d.passing(ctx, attempt, body.err)
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
