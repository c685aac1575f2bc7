package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/sandbox"
	"github.com/assay-os/assay/build/source"
	"github.com/assay-os/assay/build/store"
)

// newBuilder is a builder over the store in dir, with the steps of this
// binary. SourcesDir is another store that has the sources, "" for the same.
// Holder says to others who wait what this process does.
func newBuilder(dir, sourcesDir, holder string) (*build.Builder, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	runner, err := sandbox.NewBubblewrap(self)
	if err != nil {
		return nil, err
	}
	implementation, err := fileDigest(self)
	if err != nil {
		return nil, fmt.Errorf("read this program: %w", err)
	}
	mark, err := build.HostMark("/")
	if err != nil {
		return nil, err
	}
	s, err := openStore(dir, holder)
	if err != nil {
		return nil, err
	}
	b := &build.Builder{
		Store: s, Runner: runner, Implementation: implementation, Architecture: runtime.GOARCH,
		HostMark: mark, History: filepath.Join(s.Path(), "history"), Fetch: fetchOptions(0),
	}
	if sourcesDir != "" {
		shared, err := openStore(sourcesDir, holder)
		if err != nil {
			return nil, err
		}
		b.Store = withSources{s, shared}
	}
	return b, nil
}

// withSources is a store whose sources are in another one.
type withSources struct {
	store.Store
	sources
}

// Source implements both.
func (w withSources) Source(checksum string) (string, bool) { return w.sources.Source(checksum) }

// sources is what a builder needs of the store that has the sources.
type sources interface {
	source.Dest
	CheckSource(checksum string) (bool, error)
}

func fileDigest(path string) (_ string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
