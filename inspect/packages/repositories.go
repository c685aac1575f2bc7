package packages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func repositories() section.Section {
	return section.Section{
		Name: "repositories", Source: "/etc/yum.repos.d/*.repo, /etc/distro.repos.d/*.repo, /usr/share/dnf5/repos.d/*.repo, /etc/zypp/repos.d/*.repo; /etc/apt/sources.list, " +
			"/etc/apt/sources.list.d/*.list and *.sources; /etc/pacman.conf; /etc/apk/repositories",
		Oracle: "dnf, apt-get indextargets", Fill: fillRepositories,
	}
}

// A repositoryFiles is one kind of file that names repositories.
type repositoryFiles struct {
	manager, glob string
	parse         func(data []byte) ([]report.Repository, error)
}

func repositoryKinds() []repositoryFiles {
	return []repositoryFiles{
		{"dnf", "/etc/yum.repos.d/*.repo", parseYum}, {"dnf", "/etc/distro.repos.d/*.repo", parseYum}, {"dnf", "/usr/share/dnf5/repos.d/*.repo", parseYum},
		{"zypper", "/etc/zypp/repos.d/*.repo", parseYum},
		{"apt", "/etc/apt/sources.list", parseSourcesList}, {"apt", "/etc/apt/sources.list.d/*.list", parseSourcesList},
		{"apt", "/etc/apt/sources.list.d/*.sources", parseSources},
		{"pacman", "/etc/pacman.conf", parsePacmanConf}, {"apk", "/etc/apk/repositories", parseApkRepositories},
	}
}

func fillRepositories(_ context.Context, t *tree.Tree, r *report.Report) error {
	found := false
	var trouble error
	for _, kind := range repositoryKinds() {
		files, err := t.Glob(kind.glob)
		trouble = firstError(trouble, err)
		for _, f := range files {
			found = true
			list, err := readRepositories(t, f, kind)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				trouble = firstError(trouble, fmt.Errorf("%s: %w", f.Path, err))
			}
			r.Repositories = append(r.Repositories, list...)
		}
	}
	slices.SortStableFunc(r.Repositories, func(a, b report.Repository) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Manager, b.Manager), cmp.Compare(a.Source, b.Source))
	})
	if !found && trouble == nil {
		return section.Absent("no file that names repositories")
	}
	return trouble
}

func readRepositories(t *tree.Tree, f *tree.File, kind repositoryFiles) ([]report.Repository, error) {
	data, err := t.ReadFile(f.Path, section.MaxConfig)
	if err != nil {
		return nil, err
	}
	list, err := kind.parse(data)
	for i := range list {
		list[i].Manager, list[i].Source = kind.manager, report.Raw(f.Path)
	}
	return list, err
}

// eachSection reads an INI file: begins a repository at each header but those of settings, and
// gives it the assignments below. Lines that the program would not understand are an error.
func eachSection(data []byte, d keyfile.Dialect, settings string, set func(r *report.Repository, name, value string)) ([]report.Repository, error) {
	f, err := keyfile.Parse(data, d)
	var list []report.Repository
	byLine := map[int]int{}
	for _, h := range f.Headers {
		if h.Section != settings {
			byLine[h.Line] = len(list)
			list = append(list, report.Repository{ID: text(h.Section), Enabled: true})
		}
	}
	for _, a := range f.Assignments {
		if i, ok := byLine[a.Header]; ok && a.Header > 0 {
			set(&list[i], text(a.Key), text(a.Value))
		}
	}
	if err == nil && len(f.Problems) > 0 {
		err = fmt.Errorf("line %d: %.60q is neither a section nor an assignment", f.Problems[0].Line, f.Problems[0].Text)
	}
	return list, err
}

// parseYum reads dnf.conf(5)'s form: a section a repository. A section "main" is of settings.
func parseYum(data []byte) ([]report.Repository, error) {
	return eachSection(data, keyfile.DNF(), "main", setYum)
}

func setYum(r *report.Repository, name, value string) {
	value = unquoted(value)
	switch name {
	case "name":
		r.Name = value
	case "baseurl":
		r.URLs = publicURLs(yumList(value))
	case "mirrorlist":
		r.Mirrorlist = publicURL(value)
	case "metalink":
		r.Metalink = publicURL(value)
	case "enabled":
		r.Enabled = isTrue(value)
	case "gpgcheck", "pkg_gpgcheck":
		r.Check = "no"
		if isTrue(value) {
			r.Check = "yes"
		}
	case "gpgkey":
		r.Keys = yumList(value)
	default:
		put(&r.Options, name, publicURL(secret.Value(name, value)))
	}
}

// yumList splits a list at spaces, commas and newlines.
func yumList(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t\n,", r) })
}

// isTrue is libdnf's reading of a switch.
func isTrue(value string) bool {
	return slices.Contains([]string{"1", "yes", "true", "on", "enabled"}, strings.ToLower(strings.TrimSpace(value)))
}

// parsePacmanConf reads pacman.conf(5): a section a repository, but for "options".
func parsePacmanConf(data []byte) ([]report.Repository, error) {
	return eachSection(data, keyfile.Dialect{Comments: "#"}, "options", func(r *report.Repository, name, value string) {
		switch name {
		case "Server":
			r.URLs = append(r.URLs, publicURL(value))
		case "Include":
			r.Mirrorlist = value
		case "SigLevel":
			r.Check = "yes"
			if slices.Contains(strings.Fields(value), "Never") {
				r.Check = "no"
			}
			put(&r.Options, name, value)
		default:
			put(&r.Options, name, value)
		}
	})
}

// parseApkRepositories reads a URL a line, a tag "@name" before it.
func parseApkRepositories(data []byte) ([]report.Repository, error) {
	var list []report.Repository
	err := section.EachTableLine(data, func(_ int, line string) error {
		r := report.Repository{Enabled: true}
		fields := strings.Fields(text(line))
		if tag, ok := strings.CutPrefix(fields[0], "@"); ok && len(fields) > 1 {
			r.Name, fields = tag, fields[1:]
		}
		r.ID, r.URLs = publicURL(fields[0]), publicURLs(fields[:1])
		list = append(list, r)
		return nil
	})
	return list, err
}

// unquoted takes off quotes around a whole value.
func unquoted(value string) string {
	if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		return value[1 : n-1]
	}
	return value
}

// publicURL is a URL without the password or token in it.
func publicURL(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	host, path, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(host, '@')
	if at < 0 {
		return url
	}
	return scheme + "://" + secret.Present + strings.TrimSuffix(host[at:]+"/"+path, "/")
}

func publicURLs(list []string) []string {
	for i, url := range list {
		list[i] = publicURL(url)
	}
	return list
}
