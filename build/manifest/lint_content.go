package manifest

import (
	"net/url"
	"strings"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// Rules about what a manifest fetches.

// items visits every item of every source.
func (l *linter) items(visit func(*Source, Item, Path)) {
	for _, s := range l.m.Sources {
		key := "items"
		if l.m.Version == "1" {
			key, _ = contentKey(s.Type)
		}
		for _, item := range s.Items {
			visit(s, item, s.Path.At(key, item.ID))
		}
	}
}

func weakChecksum(l *linter) {
	l.items(func(_ *Source, item Item, path Path) {
		if method, _, ok := strings.Cut(item.ID, ":"); ok && (method == "md5" || method == "sha1") {
			l.find(path, "name the content by its sha256", "the content is pinned by %s only", method)
		}
	})
}

func shortCommit(l *linter) {
	l.items(func(s *Source, item Item, path Path) {
		if s.Type == "org.osbuild.ostree" && len(item.ID) < 64 {
			l.find(path, "write all 64 digits", "the commit is named by %d digits", len(item.ID))
		}
	})
}

// unpinnedRepository: org.osbuild.dnf takes repositories, each with a checksum
// of its index or without.
func unpinnedRepository(l *linter) {
	l.steps(func(_ *Pipeline, s *Step) {
		repos := index(value(s.Options))["repos"]
		if s.Type != "org.osbuild.dnf" {
			return
		}
		for i, repo := range repos.Items() {
			if _, ok := repo.Lookup("checksum"); repo.Kind() == pyjson.Object && !ok {
				l.find(s.Path.At("options", "repos", i), `give the "checksum" of its repomd.xml`, "the repository is not pinned")
			}
		}
	})
}

func insecureSource(l *linter) {
	l.items(func(_ *Source, item Item, path Path) {
		v := value(item.Value)
		image, _ := v.Lookup("image")
		insecure, _ := v.Lookup("insecure")
		verify, given := image.Lookup("tls-verify")
		if insecure.True() || given && !verify.True() {
			l.find(path, "let the server have a certificate that can be checked", "the server's certificate is not checked")
		}
	})
	for _, s := range l.m.Sources {
		mirrors := index(value(s.Options))["mirrors"]
		for _, m := range mirrors.Members() {
			if insecure, _ := m.Value.Lookup("insecure"); insecure.True() {
				l.find(s.Path.At("options", "mirrors", m.Key), "let the server have a certificate that can be checked", "the server's certificate is not checked")
			}
		}
	}
}

func secretInURL(l *linter) {
	check := func(path Path, v pyjson.Value) {
		u, err := url.Parse(v.Text())
		if err != nil || u.User == nil {
			return
		}
		if _, has := u.User.Password(); has {
			l.find(path, `use "secrets", or a proxy that adds what is needed`, "the URL of %s holds a password", u.Host)
		}
	}
	l.items(func(_ *Source, item Item, path Path) {
		v := value(item.Value)
		check(path, v)
		for _, key := range []string{"url", "remote"} {
			x, _ := v.Lookup(key)
			check(path, x)
			x, _ = x.Lookup("url")
			check(path, x)
		}
		mirrors, _ := v.Lookup("mirrors")
		for i, m := range mirrors.Items() {
			check(path.At("mirrors", i), m)
		}
	})
	for _, s := range l.m.Sources {
		mirrors := index(value(s.Options))["mirrors"]
		for _, m := range mirrors.Members() {
			x, _ := m.Value.Lookup("url")
			check(s.Path.At("options", "mirrors", m.Key), x)
		}
	}
}

// unusedSource reports a whole source as one thing, and single items of one
// that is used.
func unusedSource(l *linter) {
	used := map[string]bool{}
	l.steps(func(_ *Pipeline, s *Step) {
		for _, in := range s.Inputs {
			for _, ref := range in.References {
				used[ref.ID] = used[ref.ID] || in.Origin == FromSource
			}
		}
		// The one stage that names content in its options.
		for _, repo := range index(value(s.Options))["repos"].Items() {
			used[repo.Text()] = true
		}
	})
	idle := map[string]int{}
	l.items(func(s *Source, item Item, _ Path) {
		if !used[item.ID] {
			idle[s.Path.String()]++
		}
	})
	for _, s := range l.m.Sources {
		if n := idle[s.Path.String()]; n > 0 && n == len(s.Items) {
			l.find(s.Path, "leave it out", "no stage uses any of its %d items", n)
			delete(idle, s.Path.String())
		}
	}
	l.items(func(s *Source, item Item, path Path) {
		if idle[s.Path.String()] > 0 && !used[item.ID] {
			l.find(path, "leave it out", "no stage uses the content")
		}
	})
}
