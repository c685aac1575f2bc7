package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/store"
)

// payload is content that no buffer holds in one piece.
var payload = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(h[:])
}

func openStore(t *testing.T) *store.Dir {
	t.Helper()
	d, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// curl is a source of one item.
func curl(t *testing.T, checksum string, value any) []*manifest.Source {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return []*manifest.Source{{Type: Curl, Items: []manifest.Item{{ID: checksum, Value: raw}}, Path: manifest.Path{"sources", Curl}}}
}

// quick are options under which trouble passes fast.
func quick() Options {
	return Options{Backoff: time.Millisecond, Stall: 200 * time.Millisecond, Attempts: 3}
}

// wantContent requires the content to be in the store, whole.
func wantContent(t *testing.T, d *store.Dir, want []byte) {
	t.Helper()
	path, ok := d.Source(sum(want))
	if !ok {
		t.Fatal("the content is not in the store")
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("the store has %d other bytes", len(got))
	}
}

func TestFetchOverHTTP(t *testing.T) {
	loop := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }
	half := len(payload) / 2
	resume := fmt.Sprintf("bytes=%d-", half)
	tests := map[string]struct {
		answers []http.HandlerFunc
		ranges  []string // of the requests; nil means that they do not matter
		err     string   // part of the message; empty means success
	}{
		"whole":              {[]http.HandlerFunc{whole(payload)}, []string{""}, ""},
		"slow":               {[]http.HandlerFunc{slow(payload)}, []string{""}, ""},
		"short, then resume": {[]http.HandlerFunc{short(payload, half), whole(payload)}, []string{"", resume}, ""},
		"stuck, then resume": {[]http.HandlerFunc{stuck(payload, half), whole(payload)}, []string{"", resume}, ""},
		"short, no ranges":   {[]http.HandlerFunc{short(payload, half), noRanges(payload)}, []string{"", resume}, ""},
		"busy, then whole":   {[]http.HandlerFunc{status(503), status(429), whole(payload)}, []string{"", "", ""}, ""},
		"busy for good":      {[]http.HandlerFunc{status(503)}, []string{"", "", ""}, "503 Service Unavailable (tried 3 times)"},
		"stuck for good":     {[]http.HandlerFunc{stuck(payload, 0)}, []string{"", "", ""}, "sends nothing any more"},
		"missing":            {[]http.HandlerFunc{status(404)}, []string{""}, "404 Not Found"},
		"forbidden":          {[]http.HandlerFunc{status(403)}, []string{""}, "403 Forbidden"},
		"redirect loop":      {[]http.HandlerFunc{loop}, nil, "more than 10 redirects"},
		"wrong content":      {[]http.HandlerFunc{whole([]byte("other"))}, []string{""}, "content has checksum " + sum([]byte("other")) + ", not " + sum(payload)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site, d := newSite(t, tt.answers...), openStore(t)
			err := Fetch(t.Context(), curl(t, sum(payload), site.URL+"/file"), []string{sum(payload)}, d, quick())
			if tt.ranges != nil && fmt.Sprint(site.requests()) != fmt.Sprint(tt.ranges) {
				t.Errorf("ranges %q, want %q", site.requests(), tt.ranges)
			}
			if tt.err == "" {
				if err != nil {
					t.Fatal(err)
				}
				wantContent(t, d, payload)
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), site.URL+"/file") {
				t.Errorf("error %v, want the URL and %q", err, tt.err)
			}
			if _, ok := d.Source(sum(payload)); ok {
				t.Error("the store has the content all the same")
			}
		})
	}
}

// TestResumeAcrossRuns ends a run in the middle; the next one asks for the rest.
func TestResumeAcrossRuns(t *testing.T) {
	half := len(payload) / 2
	for name, tt := range map[string]struct {
		first, second []byte
		ranges        string
	}{
		"the same content": {payload, payload, fmt.Sprintf("bytes=%d-", half)},
		"the first was of something else": {
			bytes.Repeat([]byte("x"), len(payload)), payload, fmt.Sprintf("bytes=%d- ", half),
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := openStore(t)
			first := newSite(t, short(tt.first, half))
			o := quick()
			o.Attempts = 1
			if err := Fetch(t.Context(), curl(t, sum(payload), first.URL), []string{sum(payload)}, d, o); err == nil {
				t.Fatal("the first run succeeded")
			}
			if _, ok := d.Source(sum(payload)); ok {
				t.Fatal("half of the content counts as whole")
			}
			second := newSite(t, whole(tt.second))
			if err := Fetch(t.Context(), curl(t, sum(payload), second.URL), []string{sum(payload)}, d, o); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(second.requests(), " "); got != tt.ranges {
				t.Errorf("ranges %q, want %q", got, tt.ranges)
			}
			wantContent(t, d, payload)
		})
	}
}

// TestMismatchKeepsTheRest: one wrong item, and what is there stays there.
func TestMismatchKeepsTheRest(t *testing.T) {
	site, d := newSite(t, whole(payload)), openStore(t)
	if err := Fetch(t.Context(), curl(t, sum(payload), site.URL), []string{sum(payload)}, d, quick()); err != nil {
		t.Fatal(err)
	}
	other := sum([]byte("other"))
	err := Fetch(t.Context(), curl(t, other, site.URL), []string{other}, d, quick())
	var mismatch *store.MismatchError
	if !errors.As(err, &mismatch) || mismatch.Want != other || mismatch.Got != sum(payload) {
		t.Fatalf("error %v", err)
	}
	wantContent(t, d, payload)
}

func TestUnreachable(t *testing.T) {
	site := newSite(t, whole(payload))
	url := site.URL
	site.Close()
	err := Fetch(t.Context(), curl(t, sum(payload), url), []string{sum(payload)}, openStore(t), quick())
	if err == nil || !strings.Contains(err.Error(), url) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error %v", err)
	}
}

func TestInsecure(t *testing.T) {
	server := httptest.NewUnstartedServer(whole(payload))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	d := openStore(t)
	err := Fetch(t.Context(), curl(t, sum(payload), server.URL), []string{sum(payload)}, d, quick())
	if err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "tried") {
		t.Errorf("error %v: a certificate nobody signed must be refused at once", err)
	}
	insecure := map[string]any{"url": server.URL, "insecure": true}
	if err := Fetch(t.Context(), curl(t, sum(payload), insecure), []string{sum(payload)}, d, quick()); err != nil {
		t.Fatal(err)
	}
	wantContent(t, d, payload)
}

func TestCancel(t *testing.T) {
	site, d := newSite(t, stuck(payload, 10)), openStore(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	o := quick()
	o.Stall = time.Minute
	begin := time.Now()
	err := Fetch(ctx, curl(t, sum(payload), site.URL), []string{sum(payload)}, d, o)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("took %s to end", took)
	}
}

func TestSizeLimit(t *testing.T) {
	unannounced := func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		w.Write(payload)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, payload, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, url := range map[string]string{
		"announced":   newSite(t, whole(payload)).URL,
		"unannounced": newSite(t, unannounced).URL,
		"file":        "file://" + file,
	} {
		t.Run(name, func(t *testing.T) {
			o := quick()
			o.MaxSize = int64(len(payload)) - 1
			err := Fetch(t.Context(), curl(t, sum(payload), url), []string{sum(payload)}, openStore(t), o)
			if err == nil || !strings.Contains(err.Error(), "that one item may have") {
				t.Errorf("error %v", err)
			}
			o.MaxSize++
			if err := Fetch(t.Context(), curl(t, sum(payload), url), []string{sum(payload)}, openStore(t), o); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a file with ünicode")
	if err := os.WriteFile(file, payload, 0o600); err != nil {
		t.Fatal(err)
	}
	h := sha512.Sum384(payload)
	sum384 := "sha384:" + hex.EncodeToString(h[:])
	for name, tt := range map[string]struct{ sum, url, err string }{
		"plain":      {sum(payload), "file://" + file, ""},
		"escaped":    {sum384, "file://" + strings.ReplaceAll(file, " ", "%20"), ""},
		"localhost":  {sum(payload), "file://localhost" + file, ""},
		"directory":  {sum(payload), "file://" + dir, "no regular file"},
		"missing":    {sum(payload), "file://" + dir + "/none", "no such file"},
		"other host": {sum(payload), "file://example.org/etc/passwd", "a file URL is file:///ABSOLUTE/PATH"},
		"no path":    {sum(payload), "file:", "a file URL is file:///ABSOLUTE/PATH"},
		"ftp":        {sum(payload), "ftp://example.org/x", `the scheme "ftp"`},
		"no host":    {sum(payload), "http:///x", "has no host"},
		"mismatch":   {sum([]byte("other")), "file://" + file, "not " + sum([]byte("other"))},
	} {
		t.Run(name, func(t *testing.T) {
			d := openStore(t)
			err := Fetch(t.Context(), curl(t, tt.sum, tt.url), []string{tt.sum}, d, quick())
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := d.Source(tt.sum); !ok {
				t.Error("the content is not in the store")
			}
		})
	}
}

// TestParallel fetches many items: each exactly once, never more at once than
// allowed, and progress adds up.
func TestParallel(t *testing.T) {
	const items, parallel = 40, 4
	var mu sync.Mutex
	now, most, requests := 0, 0, 0
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		requests++
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		io.WriteString(w, r.URL.Path)
		mu.Lock()
		now--
		mu.Unlock()
	}))
	defer site.Close()
	source := &manifest.Source{Type: Curl}
	var wanted []string
	for i := range items {
		path := fmt.Sprintf("/%d", i)
		source.Items = append(source.Items, manifest.Item{ID: sum([]byte(path)), Value: json.RawMessage(strconv.Quote(site.URL + path))})
		wanted = append(wanted, sum([]byte(path)), sum([]byte(path)))
	}
	o := quick()
	o.Parallel = parallel
	done := 0
	o.Progress = func(p Progress) {
		if p.Done {
			done++
		}
	}
	d := openStore(t)
	for range 2 {
		if err := Fetch(t.Context(), []*manifest.Source{source}, wanted, d, o); err != nil {
			t.Fatal(err)
		}
	}
	if requests != items || done != items || most > parallel {
		t.Errorf("%d requests, %d done, %d at once; want %d, %d, at most %d", requests, done, most, items, items, parallel)
	}
}
