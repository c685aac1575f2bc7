package store

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A MismatchError says that content is not what its checksum promised.
type MismatchError struct {
	// Want and Got are checksums in the form "sha256:…".
	Want, Got string
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("content has checksum %s, not %s", e.Got, e.Want)
}

// newHash knows the algorithms that osbuild's sources may name.
func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "md5":
		return md5.New()
	case "sha1":
		return sha1.New()
	case "sha256":
		return sha256.New()
	case "sha384":
		return sha512.New384()
	case "sha512":
		return sha512.New()
	}
	return nil
}

// A checksum is "ALGORITHM:HEX", checked.
type checksum struct{ algorithm, hex string }

func (c checksum) String() string { return c.algorithm + ":" + c.hex }

func parseChecksum(s string) (checksum, error) {
	algorithm, digits, found := strings.Cut(s, ":")
	h := newHash(algorithm)
	if !found || h == nil {
		return checksum{}, fmt.Errorf("checksum %.150q does not start with md5:, sha1:, sha256:, sha384: or sha512: as it must", s)
	}
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != h.Size() || strings.ToLower(digits) != digits {
		return checksum{}, fmt.Errorf("checksum %.150q does not have %d lower-case hex digits after %s: as it must", s, 2*h.Size(), algorithm)
	}
	return checksum{algorithm, digits}, nil
}

func (d *Dir) sourcePath(c checksum) string { return d.join("sources", c.algorithm, c.hex) }

// Source implements [Store]. The content was checked when it was added; it is
// not read again here (see [Dir.Verify]).
func (d *Dir) Source(sum string) (string, bool) {
	c, err := parseChecksum(sum)
	if err != nil {
		return "", false
	}
	path := d.sourcePath(c)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return path, false
	}
	// The time of access is when it was used last, whatever the mount options
	// say; a store that cannot be written to is still good for reading.
	now := unix.Timespec{Nsec: unix.UTIME_NOW}
	_ = unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{now, {Nsec: unix.UTIME_OMIT}}, unix.AT_SYMLINK_NOFOLLOW)
	return path, true
}

// CheckSource tells whether the content is there and has its checksum, by
// reading all of it. Content that has not is removed, so that it is fetched
// anew.
func (d *Dir) CheckSource(sum string) (bool, error) {
	path, ok := d.Source(sum)
	if !ok {
		return false, nil
	}
	c, err := parseChecksum(sum)
	if err != nil {
		return false, err
	}
	f, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("check source %s: %w", c, err)
	}
	defer f.Close()
	h := newHash(c.algorithm)
	if _, err := io.Copy(h, f); err != nil {
		return false, fmt.Errorf("check source %s: %w", c, err)
	}
	if hex.EncodeToString(h.Sum(nil)) == c.hex {
		return true, nil
	}
	return false, ignoreMissing(os.Remove(path))
}

// sourceTime is the modification time of every source: a step sees it, and the
// day of a download must not get into an image. It is the default epoch.
var sourceTime = time.Unix(1579910400, 0)

// AddSource stores what write writes under checksum ("sha256:…"), after
// checking that it has it; else the error is a [MismatchError] and nothing is
// stored. Content that is there already is kept, and write is not called.
// Several may add the same content at once: one of them wins, all succeed.
func (d *Dir) AddSource(ctx context.Context, sum string, write func(io.Writer) error) error {
	c, err := parseChecksum(sum)
	if err != nil {
		return fmt.Errorf("add source: %w", err)
	}
	if _, ok := d.Source(sum); ok {
		return nil
	}
	if err := d.addSource(ctx, c, write); err != nil {
		return fmt.Errorf("add source %s: %w", c, d.explain(err))
	}
	return nil
}

func (d *Dir) addSource(ctx context.Context, c checksum, write func(io.Writer) error) error {
	f, err := os.CreateTemp(d.join("sources", "partial"), asidePrefix+"*")
	if err != nil {
		return err
	}
	h := newHash(c.algorithm)
	err = write(&contextWriter{ctx, io.MultiWriter(f, h)})
	if err == nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = d.acceptSource(f, c, h.Sum(nil))
	}
	return errors.Join(err, f.Close(), ignoreMissing(os.Remove(f.Name())))
}

// acceptSource gives the written file f its place when its digest is right.
func (d *Dir) acceptSource(f *os.File, c checksum, digest []byte) error {
	if want, _ := hex.DecodeString(c.hex); !bytes.Equal(digest, want) {
		return &MismatchError{Want: c.String(), Got: checksum{c.algorithm, hex.EncodeToString(digest)}.String()}
	}
	if err := errors.Join(f.Chmod(0o444), setMtime(f.Name(), sourceTime), f.Sync()); err != nil {
		return err
	}
	path := d.sourcePath(c)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// A contextWriter ends a copy when its context ends.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (w *contextWriter) Write(p []byte) (int, error) {
	if err := context.Cause(w.ctx); err != nil {
		return 0, err
	}
	return w.w.Write(p)
}

// A Partial is a download that may have begun in an earlier run. Its file is
// locked: only one process appends to it.
type Partial struct {
	// File is positioned at its end, which is where to resume.
	File *os.File
	dir  *Dir
	sum  checksum
	lock *lock
}

// OpenPartial opens the unfinished content of checksum, empty at first. It
// waits, as [Dir.Lock] does, while another process downloads the same.
func (d *Dir) OpenPartial(ctx context.Context, sum string, waiting func(holder string)) (*Partial, error) {
	c, err := parseChecksum(sum)
	if err != nil {
		return nil, fmt.Errorf("open partial source: %w", err)
	}
	l, err := acquire(ctx, lockRequest{
		path: d.join("locks", "source-"+c.algorithm+"-"+c.hex), how: unix.LOCK_EX, remove: true,
		what: d.options.Holder, waiting: waiting,
	})
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(d.join("sources", "partial", c.algorithm+"-"+c.hex), os.O_RDWR|os.O_CREATE, 0o644)
	if err == nil {
		if _, err = f.Seek(0, io.SeekEnd); err != nil {
			err = errors.Join(err, f.Close())
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open partial source %s: %w", c, err), l.release())
	}
	return &Partial{File: f, dir: d, sum: c, lock: l}, nil
}

// Size is the number of bytes that are there.
func (p *Partial) Size() (int64, error) {
	info, err := p.File.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Restart throws away what is there.
func (p *Partial) Restart() error {
	if err := p.File.Truncate(0); err != nil {
		return err
	}
	_, err := p.File.Seek(0, io.SeekStart)
	return err
}

// Commit checks the whole content and makes it a source. Content with a wrong
// checksum is thrown away: the error is a [MismatchError].
func (p *Partial) Commit(ctx context.Context) error {
	h := newHash(p.sum.algorithm)
	if _, err := p.File.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(&contextWriter{ctx, h}, p.File); err != nil {
		return fmt.Errorf("check source %s: %w", p.sum, err)
	}
	err := p.dir.acceptSource(p.File, p.sum, h.Sum(nil))
	var mismatch *MismatchError
	if errors.As(err, &mismatch) {
		err = errors.Join(err, p.Restart())
	}
	return err
}

// Close ends the use of p and keeps what is there for the next run; nothing is
// kept when it is empty.
func (p *Partial) Close() error {
	size, err := p.Size()
	if err == nil && size == 0 {
		err = ignoreMissing(os.Remove(p.File.Name()))
	}
	return errors.Join(err, p.File.Close(), p.lock.release())
}
