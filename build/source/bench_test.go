package source

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assay-os/assay/build/manifest"
	"github.com/assay-os/assay/build/store"
)

// smallFiles is a server with 500 files of 4 kB that takes its time for each.
func smallFiles(b *testing.B, delay time.Duration) (*httptest.Server, *manifest.Source, []string) {
	b.Helper()
	content := func(path string) []byte { return fmt.Appendf(nil, "%4096s", path) }
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(delay)
		w.Write(content(r.URL.Path))
	}))
	b.Cleanup(site.Close)
	s := &manifest.Source{Type: Curl}
	var wanted []string
	for i := range 500 {
		path := fmt.Sprintf("/%d", i)
		s.Items = append(s.Items, manifest.Item{ID: sum(content(path)), Value: json.RawMessage(strconv.Quote(site.URL + path))})
		wanted = append(wanted, sum(content(path)))
	}
	return site, s, wanted
}

// plain fetches the same with a bare client: no checksum, nothing durable.
func plain(dir, site string, parallel int) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: parallel}}
	defer client.CloseIdleConnections()
	var g errgroup.Group
	g.SetLimit(parallel)
	for i := range 500 {
		g.Go(func() error {
			answer, err := client.Get(fmt.Sprintf("%s/%d", site, i))
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			f, err := os.Create(filepath.Join(dir, strconv.Itoa(i)))
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(f, answer.Body)
			return err
		})
	}
	return g.Wait()
}

// BenchmarkSmallFiles compares with a bare client, run by run: "x-plain" is how
// many times as long it takes. The server answers after 0, 10 and 50 ms, as one
// in the same rack, in the same country and far away does.
func BenchmarkSmallFiles(b *testing.B) {
	for _, delay := range []time.Duration{0, 10 * time.Millisecond, 50 * time.Millisecond} {
		b.Run(delay.String(), func(b *testing.B) {
			site, s, wanted := smallFiles(b, delay)
			var ours, theirs time.Duration
			for b.Loop() {
				d, err := store.Open(b.TempDir(), store.Options{})
				if err != nil {
					b.Fatal(err)
				}
				start := time.Now()
				if err := Fetch(context.Background(), []*manifest.Source{s}, wanted, d, Options{}); err != nil {
					b.Fatal(err)
				}
				ours += time.Since(start)
				start = time.Now()
				if err := plain(b.TempDir(), site.URL, 8); err != nil {
					b.Fatal(err)
				}
				theirs += time.Since(start)
			}
			b.ReportMetric(float64(ours)/float64(theirs), "x-plain")
			b.ReportMetric(float64(ours.Milliseconds())/float64(b.N), "ours-ms")
			b.ReportMetric(float64(theirs.Milliseconds())/float64(b.N), "plain-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}
