package sbom

import (
	"cmp"
	"strings"

	packageurl "github.com/package-url/packageurl-go"
)

// purlOf is the package URL: the type by the manager, the namespace and "distro"
// by os-release. https://github.com/package-url/purl-spec, types deb, rpm, apk, alpm.
// "upstream" is no part of them, but what scanners look for: the source package.
func purlOf(p *item, os map[string]string) string {
	kind := map[string]string{"dpkg": packageurl.TypeDebian, "rpm": packageurl.TypeRPM, "apk": packageurl.TypeApk, "pacman": packageurl.TypeAlpm}[p.Manager]
	version, epoch := p.Version, ""
	if kind == packageurl.TypeRPM {
		if before, after, ok := strings.Cut(version, ":"); ok {
			epoch, version = before, after
		}
	}
	distro := os["ID"]
	if v := cmp.Or(os["VERSION_ID"], os["VERSION_CODENAME"]); distro != "" && v != "" {
		distro += "-" + v
	}
	qualifiers := map[string]string{}
	for key, value := range map[string]string{"arch": p.Arch, "distro": distro, "epoch": epoch, "upstream": p.upstream} {
		if value != "" {
			qualifiers[key] = valid(value)
		}
	}
	namespace := valid(os["ID"])
	if kind == "" {
		kind, namespace = packageurl.TypeGeneric, ""
	}
	url := packageurl.NewPackageURL(kind, namespace, valid(p.Name), valid(version), packageurl.QualifiersFromMap(qualifiers), "")
	return url.ToString()
}

// valid is s as UTF-8, which every format requires.
func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
