package lint

import (
	"slices"
	"strings"
	"time"

	"github.com/assay-os/assay/report"
)

// trustRules find certificates and keys that are past their time.
func trustRules() []Rule {
	return []Rule{
		{
			ID: "expired-certificate", Level: Note, needs: []string{"ca-certificates", "files"},
			Summary: "a certificate that programs trust has expired", Reason: "what it has signed is refused",
			Fix: "update the package of certificates",
			check: func(s *subject) []found {
				var list []found
				for _, c := range s.CACertificates {
					if s.past(c.NotAfter) {
						list = append(list, found{report.Raw(c.Subject), "it expired " + c.NotAfter})
					}
				}
				return list
			},
		},
		{
			ID: "expired-key", Level: Warning, needs: []string{"repository-keys", "files"},
			Summary: "a key for packages has expired", Reason: "updates are refused",
			Fix: "update the package of keys",
			check: func(s *subject) []found {
				var list []found
				for _, k := range s.RepositoryKeys {
					switch {
					case !s.trusted(k.Source):
					case k.Revoked:
						list = append(list, found{k.Source, k.Fingerprint + " is revoked"})
					case s.past(k.Expires):
						list = append(list, found{k.Source, k.Fingerprint + " expired " + k.Expires})
					}
				}
				return list
			},
		},
	}
}

// trusted tells whether a package manager takes the keys of a file: from its own
// directory, or because a repository names it. Others lie there for whoever asks.
func (s *subject) trusted(source report.Raw) bool {
	if !strings.HasPrefix(string(source), "/usr/share/keyrings/") {
		return true
	}
	return slices.ContainsFunc(s.Repositories, func(r report.Repository) bool {
		return r.Enabled && slices.ContainsFunc(r.Keys, func(k string) bool { return strings.TrimPrefix(k, "file://") == string(source) })
	})
}

// past tells whether a time, as RFC 3339 writes it, was before the subject's.
func (s *subject) past(text string) bool {
	t, err := time.Parse(time.RFC3339, text)
	return err == nil && t.Before(s.at)
}
