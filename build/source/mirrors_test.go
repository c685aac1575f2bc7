package source

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-os/assay/build/manifest"
)

// deadURL is of a server that is gone.
func deadURL() string {
	s := httptest.NewServer(nil)
	defer s.Close()
	return s.URL
}

// TestSeveralURLs: the first that has the content gives it, also when others
// hang, lie, end early or are gone; what one began another finishes.
func TestSeveralURLs(t *testing.T) {
	half := len(payload) / 2
	good := func() *site { return newSite(t, whole(payload)) }
	resume := fmt.Sprint([]string{fmt.Sprintf("bytes=%d-", half)})
	tests := map[string]struct {
		first  *site
		second *site
		ranges string // of the second's requests
	}{
		"first is whole":     {good(), good(), "[]"},
		"first is missing":   {newSite(t, status(404)), good(), "[]"},
		"first is forbidden": {newSite(t, status(403)), good(), "[]"},
		"first is busy":      {newSite(t, status(503)), good(), "[]"},
		"first lies":         {newSite(t, whole([]byte("other"))), good(), "[]"},
		"first hangs":        {newSite(t, stuck(payload, 0)), good(), "[]"},
		"first ends early":   {newSite(t, short(payload, half)), good(), resume},
		"first lies, ends":   {newSite(t, short(make([]byte, len(payload)), half)), good(), "[" + strings.Trim(resume, "[]") + " ]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := openStore(t)
			value := map[string]any{"url": tt.first.URL, "mirrors": []string{deadURL(), tt.second.URL}}
			if err := Fetch(t.Context(), curl(t, sum(payload), value), []string{sum(payload)}, d, quick()); err != nil {
				t.Fatal(err)
			}
			wantContent(t, d, payload)
			if tt.ranges != "[]" && fmt.Sprint(tt.second.requests()) != tt.ranges {
				t.Errorf("ranges %q, want %s", tt.second.requests(), tt.ranges)
			}
			if n := len(tt.second.requests()); name == "first is whole" && n != 0 {
				t.Errorf("%d requests to the second", n)
			}
		})
	}
}

// TestNoURLWorks: one message names every place and why.
func TestNoURLWorks(t *testing.T) {
	missing, busy, dead := newSite(t, status(404)), newSite(t, status(503)), deadURL()
	value := map[string]any{"url": missing.URL + "/a", "mirrors": []string{busy.URL + "/b", dead + "/c"}}
	err := Fetch(t.Context(), curl(t, sum(payload), value), []string{sum(payload)}, openStore(t), quick())
	for _, want := range []string{
		missing.URL + "/a: the server answers 404 Not Found;", busy.URL + "/b: the server answers 503 Service Unavailable (tried 3 times)",
		dead + "/c: dial tcp", "check the URL, the network and the proxy",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if n := len(missing.requests()); n != 1 {
		t.Errorf("%d requests for what is missing, want 1", n)
	}
}

// TestChecksums: every algorithm that osbuild's sources may name, right and wrong.
func TestChecksums(t *testing.T) {
	site := newSite(t, whole(payload))
	for name, h := range map[string]hash.Hash{
		"md5": md5.New(), "sha1": sha1.New(), "sha256": sha256.New(), "sha384": sha512.New384(), "sha512": sha512.New(),
	} {
		wrong := fmt.Sprintf("%s:%x", name, h.Sum(nil))
		h.Write(payload)
		right, d := fmt.Sprintf("%s:%x", name, h.Sum(nil)), openStore(t)
		if err := Fetch(t.Context(), curl(t, right, site.URL), []string{right}, d, quick()); err != nil {
			t.Error(err)
		}
		if _, ok := d.Source(right); !ok {
			t.Errorf("%s is not in the store", right)
		}
		err := Fetch(t.Context(), curl(t, wrong, site.URL), []string{wrong}, d, quick())
		if err == nil || !strings.Contains(err.Error(), right+", not "+wrong) {
			t.Errorf("error %v", err)
		}
	}
}

// librepo is a source of one item below one kind of mirrors.
func librepo(t *testing.T, sum, path string, mirror map[string]any) []*manifest.Source {
	t.Helper()
	item, err := json.Marshal(map[string]string{"path": path, "mirror": "fedora"})
	if err != nil {
		t.Fatal(err)
	}
	options, err := json.Marshal(map[string]any{"mirrors": map[string]any{"fedora": mirror}})
	if err != nil {
		t.Fatal(err)
	}
	return []*manifest.Source{{
		Type: Librepo, Items: []manifest.Item{{ID: sum, Value: item}}, Options: options, Path: manifest.Path{"sources", Librepo},
	}}
}

// text answers with a text.
func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }
}

// at serves the content at one path and nothing elsewhere.
func at(path string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Write(content)
	}
}

func metalinkText(urls ...string) string {
	body := `<?xml version="1.0" encoding="utf-8"?><metalink version="3.0" xmlns="http://www.metalinker.org/"><files>` +
		`<file name="other"><resources><url>http://wrong.invalid/repodata/repomd.xml</url></resources></file><file name="repomd.xml"><resources maxconnections="1">`
	for i, u := range urls {
		body += fmt.Sprintf(`<url protocol="http" type="http" preference="%d">%s</url>`, i, u)
	}
	return body + `</resources></file></files></metalink>`
}

func TestLibrepo(t *testing.T) {
	const path = "Packages/a/a+b 1.rpm"
	good := newSite(t, at("/fedora/"+path, payload)).URL + "/fedora"
	dead := deadURL()
	list := func(body string) string { return newSite(t, text(body)).URL }
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, path), payload, 0o644); err != nil {
		t.Fatal(err)
	}
	lines := "# a comment\n\nftp://x.invalid/\n" + dead + "/x\n" + newSite(t, status(404)).URL + "\n" + newSite(t, whole([]byte("old"))).URL + "/\n" + good + "/\r\n"
	tests := map[string]struct{ kind, url, err string }{
		"base URL":            {baseURL, good + "/", ""},
		"base directory":      {baseURL, "file://" + dir, ""},
		"mirror list":         {mirrorList, list(lines), ""},
		"busy mirror list":    {mirrorList, newSite(t, status(503), text(lines)).URL, ""},
		"metalink":            {metalink, list(metalinkText(good+"/repodata/repomd.xml", "rsync://x.invalid/repodata/repomd.xml", dead+"/repodata/repomd.xml")), ""},
		"dead base":           {baseURL, dead, dead + "/Packages/a/a+b%201.rpm: dial tcp"},
		"dead list":           {mirrorList, dead, "read the list of mirrors: fetch " + dead + ": dial tcp"},
		"list that is gone":   {mirrorList, newSite(t, status(404)).URL, "read the list of mirrors: fetch http"},
		"empty list":          {mirrorList, list("# nothing\n"), "it has no mirror with http or https"},
		"endless list":        {mirrorList, list(strings.Repeat("http://x.invalid/\n", maxList/16)), "it has more than 4194304 bytes"},
		"no metalink":         {metalink, list("<html>"), "expected element type <metalink>"},
		"metalink of another": {metalink, list(strings.ReplaceAll(metalinkText(good), `"repomd.xml"`, `"x"`)), "it names no repomd.xml"},
		"encoded metalink":    {metalink, list(`<?xml version="1.0" encoding="x"?><metalink/>`), `the encoding "x" is not read`},
		"list in a file":      {mirrorList, "file://" + dir, "a mirrorlist is fetched by http or https"},
		"no mirror has it":    {mirrorList, list(dead + "\n" + newSite(t, status(404)).URL), "the server answers 404 Not Found; fetch " + dead},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := openStore(t)
			sources := librepo(t, sum(payload), path, map[string]any{"url": tt.url, "type": tt.kind, "max-parallels": 1})
			err := Fetch(t.Context(), sources, []string{sum(payload)}, d, quick())
			if tt.err == "" && err == nil {
				wantContent(t, d, payload)
				return
			}
			if tt.err == "" || err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

// TestLibrepoSecrets: list and packages of a server that wants a certificate.
func TestLibrepoSecrets(t *testing.T) {
	ours := newAuthority(t)
	mux := http.NewServeMux()
	site := ours.serveTLS(t, mux)
	mux.HandleFunc("/list", text(site.URL+"/repo\n"))
	mux.HandleFunc("/repo/p.rpm", whole(payload))
	d, o := openStore(t), quick()
	o.ClientTLS = ours.issue(t, "client")
	mirror := map[string]any{"url": site.URL + "/list", "type": mirrorList, "secrets": map[string]string{"name": MutualTLS}}
	if err := Fetch(t.Context(), librepo(t, sum(payload), "p.rpm", mirror), []string{sum(payload)}, d, o); err != nil {
		t.Fatal(err)
	}
	wantContent(t, d, payload)
	mirror["secrets"] = map[string]string{"name": subscription}
	err := Fetch(t.Context(), librepo(t, sum([]byte("x")), "p.rpm", mirror), []string{sum([]byte("x"))}, d, o)
	if err == nil || !strings.Contains(err.Error(), `mirror "fedora": the secrets of "org.osbuild.rhsm"`) {
		t.Errorf("error %v", err)
	}
}

// TestDeadMirrorCostsOnce: a mirror that hangs is found out by the first items
// and left alone by the rest; the list is fetched once; max-parallels holds.
func TestDeadMirrorCostsOnce(t *testing.T) {
	const items = 40
	hanging := newSite(t, stuck(payload, 0))
	var mu sync.Mutex
	now, most := 0, 0
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(time.Millisecond)
		io.WriteString(w, r.URL.Path)
		mu.Lock()
		now--
		mu.Unlock()
	}))
	defer good.Close()
	list := newSite(t, text(hanging.URL+"\n"+good.URL+"\n"))
	source := librepo(t, "", "", map[string]any{"url": list.URL, "type": mirrorList, "max-parallels": 2})[0]
	source.Items = nil
	var wanted []string
	for i := range items {
		path := fmt.Sprintf("/%d", i)
		source.Items = append(source.Items, manifest.Item{ID: sum([]byte(path)), Value: json.RawMessage(`{"path": "` + path + `", "mirror": "fedora"}`)})
		wanted = append(wanted, sum([]byte(path)))
	}
	if err := Fetch(t.Context(), []*manifest.Source{source}, wanted, openStore(t), quick()); err != nil {
		t.Fatal(err)
	}
	if n := len(hanging.requests()); n > 8 {
		t.Errorf("%d items waited for the mirror that hangs", n)
	}
	if len(list.requests()) != 1 || most > 2 {
		t.Errorf("%d requests for the list, %d at once; want 1, at most 2", len(list.requests()), most)
	}
}

func FuzzMirrors(f *testing.F) {
	f.Add([]byte("http://a.org/\n# x\nrsync://b"))
	f.Add([]byte(metalinkText("http://a.org/repodata/repomd.xml")))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []func([]byte) ([]*url.URL, error){parseMirrorList, parseMetalink} {
			bases, err := parse(data)
			if err != nil {
				continue
			}
			for _, b := range bases {
				if checkURL(b) != nil || b.Scheme == "file" {
					t.Errorf("mirror %s", b)
				}
			}
		}
	})
}
