package resolve

import (
	"strings"
	"testing"
	"testing/fstest"
)

func etcApt(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// located is the sources.list lines that a blueprint's mirror comes to.
func located(t *testing.T, b *Blueprint, files map[string]string) (string, error) {
	t.Helper()
	d, err := loadDistro("debian-12")
	if err != nil {
		t.Fatal(err)
	}
	at, err := locate(d, b, etcApt(files))
	var lines strings.Builder
	for _, l := range at {
		lines.WriteString(l.line("amd64", "K"))
	}
	return lines.String(), err
}

func TestLocate(t *testing.T) {
	const options = "[arch=amd64 signed-by=K] "
	three := "deb " + options + "http://m/debian bookworm main\ndeb " + options + "http://m/debian bookworm-updates main\n" +
		"deb " + options + "http://m/debian-security bookworm-security main\n"
	tests := map[string]struct {
		blueprint Blueprint
		files     map[string]string
		want      string
	}{
		"deb822": {Blueprint{Mirror: "host"}, map[string]string{
			"sources.list.d/a.sources": "# first\nTypes: deb deb-src\nURIs: http://other\nSuites: stable\nComponents: main\n\n" +
				"Types: deb\nURIs: http://m/debian\nSuites: bookworm\n bookworm-updates\nComponents: main contrib\nSigned-By:\n -----BEGIN\n .\n",
			"sources.list.d/b.sources": "types: deb\nuris: http://m/debian-security\nsuites: bookworm-security\ncomponents: main\n",
			"sources.list.d/x.save":    "deb http://no bookworm main\n",
		}, three},
		"one line": {Blueprint{Mirror: "host"}, map[string]string{
			"sources.list": "# deb http://no bookworm main\ndeb-src http://no bookworm main\n" +
				"deb [arch=amd64 signed-by=/x] http://m/debian bookworm contrib main # x\ndeb http://m/debian bookworm-updates main\n",
			"sources.list.d/s.list": "deb http://m/debian-security bookworm-security main\n",
		}, three},
		"first one counts, security may lack": {Blueprint{Mirror: "host"}, map[string]string{
			"sources.list":             "deb http://a bookworm main\ndeb http://b bookworm main\n",
			"sources.list.d/x.list":    "deb [broken http://c bookworm-security main\n",
			"sources.list.d/y.list":    "deb http://c bookworm-security contrib\n",
			"sources.list.d/z.sources": "Enabled: no\nTypes: deb\nURIs: http://no\nSuites: bookworm-security\nComponents: main\n",
		}, "deb " + options + "http://a bookworm main\n"},
		"snapshot": {Blueprint{Mirror: "host"}, map[string]string{
			"sources.list": "deb [check-valid-until=no] http://s/debian/20250101 bookworm main\n",
		}, "deb [arch=amd64 signed-by=K check-valid-until=no] http://s/debian/20250101 bookworm main\n"},
		"mirror list": {Blueprint{Mirror: "host"}, map[string]string{
			"sources.list":        "deb mirror+file:/etc/apt/mirrors/debian.list bookworm main\n",
			"mirrors/debian.list": "# mirrors\n\nhttps://m/debian\tpriority:1\n",
		}, "deb " + options + "https://m/debian bookworm main\n"},
		"URL":                  {Blueprint{Mirror: "http://m/debian/"}, nil, three},
		"URL and security URL": {Blueprint{Mirror: "http://m/debian", SecurityMirror: "http://s"}, nil, strings.Replace(three, "http://m/debian-security", "http://s", 1)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := located(t, &tt.blueprint, tt.files); err != nil || got != tt.want {
				t.Errorf("got  %v\n%s\nwant\n%s", err, got, tt.want)
			}
		})
	}
}

func TestLocateRefuses(t *testing.T) {
	tests := map[string]struct {
		blueprint Blueprint
		files     map[string]string
		want      string
	}{
		"no such suite":     {Blueprint{Mirror: "host"}, map[string]string{"sources.list": "deb http://x trixie main\n"}, "mirror: this machine's apt sources have no bookworm; give the URL of an archive that has it"},
		"no sources":        {Blueprint{Mirror: "host"}, nil, "have no bookworm"},
		"no security":       {Blueprint{Mirror: "http://m/mirror"}, nil, "security_mirror: is missing: the URL of the archive that has bookworm-security"},
		"list that climbs":  {Blueprint{Mirror: "host"}, map[string]string{"sources.list": "deb mirror+file:/etc/apt/../shadow bookworm main\n"}, "is outside of /etc/apt"},
		"list without URLs": {Blueprint{Mirror: "host"}, map[string]string{"sources.list": "deb mirror+file:/etc/apt/m bookworm main\n", "m": "# none\n"}, "names no mirror"},
		"list not there":    {Blueprint{Mirror: "host"}, map[string]string{"sources.list": "deb mirror+file:/etc/apt/m bookworm main\n"}, "read mirror+file:/etc/apt/m: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := located(t, &tt.blueprint, tt.files); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestParsePin(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	got, err := parsePin("'http://m/p/lib%2b%2b_1%3a2-3_amd64.deb' lib++_1%3a2-3_amd64.deb 42 SHA256:" + sum + "\n")
	if want := (Pinned{"lib++", "1:2-3", "amd64", "http://m/p/lib%2b%2b_1%3a2-3_amd64.deb", sum, 42}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for line, want := range map[string]string{
		"'u' a_1_all.deb 42":                    "not a package's URL",
		"'u' a_1.deb 42 SHA256:" + sum:          "not NAME_VERSION_ARCHITECTURE.deb",
		"'u' a_1_all.deb x SHA256:" + sum:       `the size "x"`,
		"'u' a_1_all.deb 42 MD5Sum:0123":        "has no SHA-256 for a_1_all.deb, only MD5Sum:0123",
		"'u' a_%zz_all.deb 42 SHA256:" + sum:    "not NAME_VERSION_ARCHITECTURE.deb",
		"'u' a_1_all.deb 42 SHA256:" + sum[:10]: "has no SHA-256",
	} {
		if _, err := parsePin(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want …%s…", line, err, want)
		}
	}
}
