package source

import (
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A proxy passes requests on, and counts them by their method.
type proxy struct {
	*httptest.Server
	mu    sync.Mutex
	calls map[string]int
	login string
}

func newProxy(t *testing.T, target *httptest.Server) *proxy {
	t.Helper()
	p := &proxy{calls: map[string]int{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.calls[r.Method]++
		p.login = r.Header.Get("Proxy-Authorization")
		p.mu.Unlock()
		if r.Method == http.MethodConnect {
			tunnel(w, target.Listener.Addr().String())
			return
		}
		answer, err := http.Get(target.URL + r.URL.Path)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		io.Copy(w, answer.Body)
	}))
	t.Cleanup(p.Close)
	return p
}

// tunnel joins the client with the target, whatever host it asked for.
func tunnel(w http.ResponseWriter, target string) {
	out, err := net.Dial("tcp", target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	in, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	io.WriteString(in, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { io.Copy(out, in); out.Close() }()
	io.Copy(in, out)
	in.Close()
}

// TestProxy: hosts that only the proxy knows, by http and by https.
func TestProxy(t *testing.T) {
	secure := httptest.NewTLSServer(whole(payload))
	defer secure.Close()
	for name, tt := range map[string]struct {
		target      *httptest.Server
		url, method string
	}{
		"http":  {newSite(t, whole(payload)).Server, "http://far.invalid/file", http.MethodGet},
		"https": {secure, "https://far.invalid/file", http.MethodConnect},
	} {
		t.Run(name, func(t *testing.T) {
			p, d, o := newProxy(t, tt.target), openStore(t), quick()
			o.Proxy = p.URL
			value := map[string]any{"url": tt.url, "insecure": true}
			if err := Fetch(t.Context(), curl(t, sum(payload), value), []string{sum(payload)}, d, o); err != nil {
				t.Fatal(err)
			}
			wantContent(t, d, payload)
			if p.calls[tt.method] != 1 {
				t.Errorf("the proxy saw %v, want one %s", p.calls, tt.method)
			}
		})
	}
}

func TestBadProxy(t *testing.T) {
	for _, proxy := range []string{"http://me:SECRET@[::1", "SECRET", "http://"} {
		o := quick()
		o.Proxy = proxy
		err := Fetch(t.Context(), curl(t, sum(payload), "http://far.invalid/"), []string{sum(payload)}, openStore(t), o)
		if err == nil || !strings.Contains(err.Error(), "http://HOST:PORT") || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("error %v", err)
		}
	}
}

// TestSecretsStaySecret plants a token in every place where a secret may
// stand, and looks for it in whatever is told and kept, after success and
// after each kind of failure.
func TestSecretsStaySecret(t *testing.T) {
	const token = "PLANTED-TOKEN"
	ours := newAuthority(t)
	client := ours.issue(t, "client")
	key, err := os.ReadFile(client.Key)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{token, strings.Split(string(key), "\n")[1]}
	login := func(raw string) string {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword("me", token)
		return u.String()
	}
	secure := ours.serveTLS(t, whole(payload))
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, tt := range map[string]struct{ url, proxy string }{
		"success":           {login(secure.URL), ""},
		"refused":           {login(newSite(t, status(403)).URL), ""},
		"busy":              {login(newSite(t, status(503)).URL), ""},
		"wrong":             {login(newSite(t, noRanges([]byte("other"))).URL), ""},
		"closed":            {login(closed.URL), ""},
		"no URL":            {"https://me:" + token + "@a b/", ""},
		"no scheme":         {"ftp://me:" + token + "@example.org/", ""},
		"through a proxy":   {"http://far.invalid/", login(newProxy(t, newSite(t, whole(payload)).Server).URL)},
		"a proxy's refusal": {"https://far.invalid/", login(newSite(t, status(407)).URL)},
		"a closed proxy":    {"http://far.invalid/", login(closed.URL)},
	} {
		t.Run(name, func(t *testing.T) {
			d, o := openStore(t), quick()
			o.ClientTLS, o.Proxy = client, tt.proxy
			var told strings.Builder
			o.Progress = func(p Progress) {
				told.WriteString(p.URL + "\n")
				if p.Err != nil {
					told.WriteString(p.Err.Error() + "\n")
				}
			}
			value := map[string]any{"url": tt.url, "secrets": map[string]string{"name": MutualTLS}}
			if err := Fetch(t.Context(), curl(t, sum(payload), value), []string{sum(payload)}, d, o); err != nil {
				told.WriteString(err.Error())
			}
			told.WriteString(everything(t, d.Path()))
			for _, secret := range secrets {
				if strings.Contains(told.String(), secret) {
					t.Errorf("%q is told or kept", secret)
				}
			}
		})
	}
}

// everything is all names and contents below dir.
func everything(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		all.WriteString(path + "\n" + string(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
