package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// sums of "hello\n" by md5sum, sha1sum, sha256sum, sha384sum and sha512sum.
var sums = []string{
	"md5:b1946ac92492d2347c6235b4d2611184",
	"sha1:f572d396fae9206628714fb2ce00f72e94f2258f",
	"sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
	"sha384:1d0f284efe3edea4b9ca3bd514fa134b17eae361ccc7a1eefeff801b9bd6604e01f21f6bf249ef030599f0c218f2ba8c",
	"sha512:e7c22b994c59d9cf2b48e549b1e24666636045930d3da7c1acb299d1c3b7f931f94aae41edda2c2b207a36e10f8bcb8d45223e54878f5b316e7ce3b6bc019629",
}

func hello(w io.Writer) error { _, err := io.WriteString(w, "hello\n"); return err }

func openSources(t *testing.T) *Dir {
	t.Helper()
	d, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// leftovers fails the test when an unfinished file stays.
func leftovers(t *testing.T, d *Dir) {
	t.Helper()
	if names, _ := filepath.Glob(d.join("sources", "partial", "*")); len(names) > 0 {
		t.Errorf("unfinished files stay: %v", names)
	}
	if names, _ := filepath.Glob(d.join("sources", "partial", asidePrefix+"*")); len(names) > 0 {
		t.Errorf("unfinished files stay: %v", names)
	}
}

func TestAddSource(t *testing.T) {
	d := openSources(t)
	for _, sum := range sums {
		if _, ok := d.Source(sum); ok {
			t.Errorf("%s is there before it was added", sum)
		}
		if err := d.AddSource(t.Context(), sum, hello); err != nil {
			t.Error(err)
		}
		path, ok := d.Source(sum)
		got, err := os.ReadFile(path)
		if !ok || err != nil || string(got) != "hello\n" {
			t.Errorf("%s: %v, %q, %v", sum, ok, got, err)
		}
		if info, err := os.Stat(path); err != nil || !info.ModTime().Equal(sourceTime) || info.Mode() != 0o444 {
			t.Errorf("%s: %v", sum, info)
		}
		again := func(io.Writer) error { return errors.New("written again") }
		if err := d.AddSource(t.Context(), sum, again); err != nil {
			t.Error(err)
		}
	}
	leftovers(t, d)
}

func TestAddSourceRefuses(t *testing.T) {
	d := openSources(t)
	broken := errors.New("the line broke")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx   context.Context
		sum   string
		write func(io.Writer) error
		want  string
	}{
		"other content": {t.Context(), sums[2], func(w io.Writer) error { _, err := w.Write([]byte("hallo\n")); return err }, "content has checksum sha256:"},
		"no content":    {t.Context(), sums[0], func(io.Writer) error { return nil }, "content has checksum md5:d41d8cd98f00b204e9800998ecf8427e"},
		"an error":      {t.Context(), sums[2], func(w io.Writer) error { return errors.Join(hello(w), broken) }, "the line broke"},
		"a cancel":      {cancelled, sums[2], hello, "context canceled"},
		"crc32":         {t.Context(), "crc32:00000000", hello, "does not start with md5:"},
		"no algorithm":  {t.Context(), sums[2][7:], hello, "does not start with"},
		"a short one":   {t.Context(), sums[2][:20], hello, "have 64 lower-case hex digits"},
		"upper case":    {t.Context(), "md5:B1946AC92492D2347C6235B4D2611184", hello, "lower-case"},
		"a path":        {t.Context(), "md5:../../../../../../../../etc/pass", hello, "32 lower-case hex digits"},
	} {
		t.Run(name, func(t *testing.T) {
			err := d.AddSource(c.ctx, c.sum, c.write)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q", err, c.want)
			}
			if path, ok := d.Source(c.sum); ok {
				t.Errorf("%s was stored", path)
			}
			leftovers(t, d)
		})
	}
}

func TestAddSourceAtOnce(t *testing.T) {
	d := openSources(t)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if err := d.AddSource(context.Background(), sums[2], hello); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if _, ok := d.Source(sums[2]); !ok {
		t.Error("nobody stored it")
	}
	leftovers(t, d)
}

func TestPartial(t *testing.T) {
	d := openSources(t)
	p, err := d.OpenPartial(t.Context(), sums[2], nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(p.File, "hel"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := d.OpenPartial(ctx, sums[2], func(string) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("two download the same: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if p, err = d.OpenPartial(t.Context(), sums[2], nil); err != nil {
		t.Fatal(err)
	}
	if n, err := p.Size(); n != 3 || err != nil {
		t.Errorf("%d bytes are left (%v), want 3", n, err)
	}
	if _, err := io.WriteString(p.File, "lo\n"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Commit(t.Context()), p.Close()); err != nil {
		t.Fatal(err)
	}
	if path, ok := d.Source(sums[2]); !ok {
		t.Errorf("%s is not there", path)
	}
	leftovers(t, d)
}

func TestPartialMismatch(t *testing.T) {
	d := openSources(t)
	p, err := d.OpenPartial(t.Context(), sums[2], nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(p.File, "hallo\n"); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("hallo\n"))
	var mismatch *MismatchError
	if err := p.Commit(t.Context()); !errors.As(err, &mismatch) || mismatch.Got != "sha256:"+hex.EncodeToString(sum[:]) {
		t.Errorf("commit gave %v", err)
	}
	if n, err := p.Size(); n != 0 || err != nil {
		t.Errorf("%d bytes of wrong content stay (%v)", n, err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	leftovers(t, d)
}
