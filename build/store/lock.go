package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"golang.org/x/sys/unix"
)

// A holder is what a lock file tells to those who wait.
type holder struct {
	PID  int    `json:"pid"`
	What string `json:"what,omitempty"`
}

func (h holder) String() string {
	// Signal 0 only asks whether the process is there.
	if h.PID <= 0 || errors.Is(unix.Kill(h.PID, 0), unix.ESRCH) {
		return "another process"
	}
	if h.What == "" {
		return fmt.Sprintf("process %d", h.PID)
	}
	return fmt.Sprintf("process %d (%s)", h.PID, h.What)
}

// The kernel drops a lock with the process that holds it, however that ends:
// a lock is never stale.
type lock struct {
	file *os.File
	// remove says that the file goes with the lock.
	remove bool
}

// release ends the lock. The name goes first, while the lock is held, so that
// nobody can have locked the removed file without noticing.
func (l *lock) release() error {
	var err error
	if l.remove {
		err = ignoreMissing(os.Remove(l.file.Name()))
	}
	return errors.Join(err, l.file.Close())
}

// A lockRequest says what acquire is to lock, and how.
type lockRequest struct {
	path string
	// how is unix.LOCK_EX or unix.LOCK_SH.
	how    int
	remove bool
	what   string
	// waiting is called once when the lock is not free; nil is allowed.
	waiting func(holder string)
}

// acquire waits for a lock until ctx ends. flock(2) cannot be interrupted from
// Go, so it asks again and again, at most five times a second.
func acquire(ctx context.Context, r lockRequest) (*lock, error) {
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		l, err := tryLock(r)
		if l != nil || err != nil {
			return l, err
		}
		if r.waiting != nil && pause > 2*time.Millisecond {
			r.waiting(readHolder(r.path).String())
			r.waiting = nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for lock %s: %w", r.path, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// tryLock returns nil when somebody else holds the lock.
func tryLock(r lockRequest) (*lock, error) {
	for {
		f, err := os.OpenFile(r.path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, fmt.Errorf("open lock: %w", err)
		}
		err = unix.Flock(int(f.Fd()), r.how|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, f.Close()
		}
		if errors.Is(err, unix.EINTR) {
			f.Close()
			continue
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", r.path, err), f.Close())
		}
		if same, err := sameFile(f, r.path); err != nil || !same {
			// The holder before us removed the file after we had opened it.
			if err := errors.Join(err, f.Close()); err != nil {
				return nil, err
			}
			continue
		}
		l := &lock{file: f, remove: r.remove}
		if err := writeHolder(f, holder{PID: os.Getpid(), What: r.what}); err != nil {
			return nil, errors.Join(fmt.Errorf("write lock %s: %w", r.path, err), l.release())
		}
		return l, nil
	}
}

func sameFile(f *os.File, path string) (bool, error) {
	a, err := f.Stat()
	if err != nil {
		return false, err
	}
	b, err := os.Lstat(path)
	if err != nil {
		return false, ignoreMissing(err)
	}
	return os.SameFile(a, b), nil
}

func writeHolder(f *os.File, h holder) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	return err
}

// readHolder is for a message only: what cannot be read gives a holder
// without a name.
func readHolder(path string) holder {
	var h holder
	f, err := os.Open(path)
	if err != nil {
		return h
	}
	defer f.Close() // opened for reading: nothing to lose
	if data, err := io.ReadAll(io.LimitReader(f, 4096)); err == nil && json.Unmarshal(data, &h) != nil {
		return holder{}
	}
	return h
}

// keyForm is what a cache key may look like: it becomes a file's name.
var keyForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

func checkKey(key string) error {
	if !keyForm.MatchString(key) {
		return fmt.Errorf("key %.140q is not 1 to 128 letters, digits, '.', '_' or '-'", key)
	}
	return nil
}

// Lock implements [Store].
func (d *Dir) Lock(ctx context.Context, key string, waiting func(holder string)) (func(), error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	l, err := acquire(ctx, lockRequest{
		path: d.join("locks", "key-"+key), how: unix.LOCK_EX, remove: true, what: d.options.Holder, waiting: waiting,
	})
	if err != nil {
		return nil, err
	}
	// A lock file that stays is found free by the next who asks.
	return func() { _ = l.release() }, nil
}

// Hold implements [Store].
func (d *Dir) Hold(ctx context.Context, waiting func(holder string)) (func(), error) {
	l, err := d.lockStore(ctx, unix.LOCK_SH, waiting)
	if err != nil {
		return nil, err
	}
	d.held.Add(1)
	return func() {
		d.held.Add(-1)
		_ = l.release() // closing drops the lock even where it reports an error
	}, nil
}

// lockStore locks the whole store: shared for whoever uses layers, exclusive
// for whoever removes them.
func (d *Dir) lockStore(ctx context.Context, how int, waiting func(string)) (*lock, error) {
	return acquire(ctx, lockRequest{path: d.join("locks", "store"), how: how, what: d.options.Holder, waiting: waiting})
}
