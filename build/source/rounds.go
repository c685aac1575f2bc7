package source

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/assay-os/assay/build/store"
)

// A passingError is trouble that another attempt may not meet: a server that
// is busy or broken, a connection that ended.
type passingError struct{ err error }

func (e *passingError) Error() string { return e.err.Error() }
func (e *passingError) Unwrap() error { return e.err }

// A lastingError is trouble that every attempt at this link would meet;
// another link may be free of it. An error that is neither is this machine's,
// and the same for every link.
type lastingError struct{ err error }

func (e *lastingError) Error() string { return e.err.Error() }
func (e *lastingError) Unwrap() error { return e.err }

// A linkError is why one link did not give the content.
type linkError struct {
	link  Link
	err   error
	tried int
}

func (e *linkError) Error() string {
	again := ""
	if e.tried > 1 {
		again = fmt.Sprintf(" (tried %d times)", e.tried)
	}
	return fmt.Sprintf("fetch %s: %v%s%s", e.link.shown(), e.err, again, advice(e.err))
}

func (e *linkError) Unwrap() error { return e.err }

// An attempt tries one link. It calls release, which may be called again, when
// the server has given what it has.
type attempt func(link Link, release func()) error

// rounds tries links until one gives what is wanted: each of them once, then,
// after a pause, those again whose trouble may pass. Links to hosts that
// failed before come last. Retried is told of every passing error.
func (f *fetcher) rounds(ctx context.Context, links []Link, try attempt, retried func(Link, error)) error {
	var lasting, passing failures
	for n, pause := 1, f.o.Backoff; ; n, pause = n+1, pause*2 {
		passing = nil
		var again []Link
		for rest := slices.Clone(links); len(rest) > 0; {
			link, err := f.tryHealthiest(ctx, &rest, try)
			if err == nil || context.Cause(ctx) != nil {
				return errors.Join(err, context.Cause(ctx))
			}
			failed := &linkError{link, err, n}
			var may *passingError
			var will *lastingError
			switch {
			case errors.As(err, &may):
				again, passing = append(again, link), append(passing, failed)
				retried(link, err)
			case errors.As(err, &will):
				lasting = append(lasting, failed)
			default:
				return failed
			}
		}
		if links = again; len(again) == 0 || n == f.o.Attempts {
			return append(lasting, passing...).err()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// tryHealthiest takes from links the one whose host failed least, when it is
// this one's turn to ask a server, and tries it.
func (f *fetcher) tryHealthiest(ctx context.Context, links *[]Link, try attempt) (Link, error) {
	release, err := f.slot(ctx)
	if err != nil {
		return Link{}, err
	}
	defer release()
	f.mu.Lock()
	slices.SortStableFunc(*links, func(a, b Link) int { return f.failures[a.URL.Host] - f.failures[b.URL.Host] })
	f.mu.Unlock()
	link := (*links)[0]
	*links = (*links)[1:]
	if err = try(link, release); err != nil {
		f.mu.Lock()
		f.failures[link.URL.Host]++
		f.mu.Unlock()
	}
	return link, err
}

// failures are why no link gave the content.
type failures []*linkError

// maxFailures is how many failures one message tells.
const maxFailures = 4

func (fs failures) err() error {
	switch len(fs) {
	case 0:
		return errors.New("there is no URL to fetch it from")
	case 1:
		return fs[0]
	}
	return fs
}

func (fs failures) Error() string {
	var all []string
	for i, e := range fs {
		if i == maxFailures {
			all = append(all, fmt.Sprintf("and %d more places failed", len(fs)-i))
			break
		}
		all = append(all, e.Error())
	}
	return strings.Join(all, "; ")
}

func (fs failures) Unwrap() []error {
	all := make([]error, len(fs))
	for i, e := range fs {
		all[i] = e
	}
	return all
}

// advice is what to do about content that could not be fetched, "" where the
// error says it.
func advice(err error) string {
	var mismatch *store.MismatchError
	var connection *net.OpError
	var name *net.DNSError
	switch {
	case refusedByPeer(err):
		return `; the server wants a client certificate that it accepts: see "secrets" in docs/sources.md`
	case errors.As(err, &mismatch):
		return "; what lies there is not what the manifest pins: make the manifest anew, or give it a URL that still has the old content"
	case errors.As(err, &connection), errors.As(err, &name):
		return "; check the URL, the network and the proxy"
	}
	return ""
}

// kind tells, of an error of a request or of reading its answer, whether the
// caller wanted the end, another attempt may do better, or none will. The
// attempt's context says what ended it.
func kind(ctx, attempt context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	// The URL stands before the message already.
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	var lasting *lastingError
	if errors.As(err, &lasting) {
		return err
	}
	if lasts(err) {
		return &lastingError{err}
	}
	if cause := context.Cause(attempt); cause != nil {
		err = cause
	}
	return &passingError{err}
}

// lasts reports errors that every attempt would meet.
func lasts(err error) bool {
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	return errors.Is(err, errRedirects) || refusedByPeer(err) ||
		errors.As(err, &certificate) || errors.As(err, &name) && name.IsNotFound
}

// refusedByPeer says that the server did not like what it was shown, or was
// not shown a certificate: crypto/tls calls its alerts so.
func refusedByPeer(err error) bool {
	var alert *net.OpError
	return errors.As(err, &alert) && alert.Op == "remote error"
}
