package packages

import (
	"fmt"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/report"
)

// parseSourcesList reads lines of "TYPE [OPTION=VALUE …] URI SUITE [COMPONENT …]":
// sources.list(5).
func parseSourcesList(data []byte) ([]report.Repository, error) {
	var list []report.Repository
	err := section.EachTableLine(data, func(_ int, line string) error {
		line, _, _ = strings.Cut(text(line), "#")
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		r := report.Repository{Enabled: true, Types: []string{kind}}
		if strings.HasPrefix(rest, "[") {
			options, after, ok := strings.Cut(rest[1:], "]")
			if !ok {
				return fmt.Errorf("%.60q: the options are not closed", line)
			}
			for _, o := range strings.Fields(options) {
				name, value, _ := strings.Cut(o, "=")
				setAptOption(&r, name, value)
			}
			rest = after
		}
		fields := strings.Fields(rest)
		if len(fields) < 2 || kind != "deb" && kind != "deb-src" {
			return fmt.Errorf("%.60q is no source of deb or deb-src", line)
		}
		setAptPlace(&r, fields[0], fields[1])
		r.Components = fields[2:]
		list = append(list, r)
		return nil
	})
	return list, err
}

func setAptPlace(r *report.Repository, uri, suite string) {
	uri = publicURL(uri)
	r.ID, r.URLs = uri+" "+suite, []string{uri}
}

// setAptOption takes one option; names are those of both forms.
func setAptOption(r *report.Repository, name, value string) {
	switch strings.ToLower(name) {
	case "signed-by":
		r.Keys = strings.FieldsFunc(value, func(c rune) bool { return c == ',' || c == ' ' || c == '\n' })
		if strings.Contains(value, "-----BEGIN") {
			r.Keys = []string{"embedded"}
		}
	case "trusted":
		r.Check = "yes"
		if isTrue(value) {
			r.Check = "no"
		}
		put(&r.Options, strings.ToLower(name), value)
	default:
		put(&r.Options, strings.ToLower(name), strings.Join(strings.Fields(value), " "))
	}
}

// parseSources reads stanzas in the form of deb822, a repository for each pair of a URI and
// a suite.
func parseSources(data []byte) ([]report.Repository, error) {
	var list []report.Repository
	fields := map[string]string{}
	end := func() error {
		var base report.Repository
		base.Types, base.Components, base.Enabled = strings.Fields(fields["types"]), strings.Fields(fields["components"]), true
		if v, ok := fields["enabled"]; ok {
			base.Enabled = isTrue(v)
		}
		uris, suites := strings.Fields(fields["uris"]), strings.Fields(fields["suites"])
		if len(base.Types) == 0 || len(uris) == 0 || len(suites) == 0 {
			return fmt.Errorf("the stanza before it lacks Types, URIs or Suites")
		}
		for name, value := range fields {
			switch name {
			case "types", "uris", "suites", "components", "enabled":
			case "x-repolib-name":
				base.Name = value
			default:
				setAptOption(&base, name, value)
			}
		}
		if len(uris)*len(suites)+len(list) > section.MaxRecords/10 {
			return fmt.Errorf("the stanza before it names %d repositories", len(uris)*len(suites))
		}
		for _, uri := range uris {
			for _, suite := range suites {
				r := base
				setAptPlace(&r, uri, suite)
				list = append(list, r)
			}
		}
		clear(fields)
		return nil
	}
	err := eachStanza(data, func(name, value string) { fields[strings.ToLower(text(name))] = text(value) }, end)
	return list, err
}
