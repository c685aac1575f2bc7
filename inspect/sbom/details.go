package sbom

import (
	"net/url"
	"strings"

	"github.com/assay-os/assay/report"
)

// details are what the managers' own sections say of packages, by the package.
type details map[report.Package]item

func detailsOf(r *report.Report) details {
	d := details{}
	for i := range r.RPM {
		p := &r.RPM[i]
		version := p.Version + "-" + p.Release
		if p.Epoch != "" {
			version = p.Epoch + ":" + version
		}
		d[report.Package{Name: p.Name, Version: version, Arch: p.Arch, Manager: "rpm"}] = item{
			supplier: name(p.Vendor), homepage: homepage(p.URL), summary: valid(p.Summary), license: licenseOf(p.License), upstream: p.SourceRPM,
		}
	}
	for i := range r.Dpkg {
		p := &r.Dpkg[i]
		source := p.Source
		if source != "" && p.SourceVersion != "" && p.SourceVersion != p.Version {
			source += "@" + p.SourceVersion
		}
		if source == p.Name {
			source = ""
		}
		d[report.Package{Name: p.Name, Version: p.Version, Arch: p.Arch, Manager: "dpkg"}] = item{
			supplier: name(p.Maintainer), homepage: homepage(p.Homepage), upstream: source,
		}
	}
	return d
}

// fill adds to an item what is known beside its name.
func (d details) fill(x *item) {
	key := *x.Package
	key.State = ""
	more := d[key]
	x.supplier, x.homepage, x.summary, x.license, x.upstream = more.supplier, more.homepage, more.summary, more.license, more.upstream
}

// name is that of a person or organisation on one line.
func name(s string) string { return strings.Join(strings.Fields(valid(s)), " ") }

// homepage is a link that every format takes; empty for what is none.
func homepage(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.ContainsFunc(s, notInURL) {
		return ""
	}
	return u.String()
}

func notInURL(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`<>"{}|\^`+"`", c) }
