package resolve

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A location is where one suite stands: a line of a sources.list.
type location struct {
	URI   string
	Suite Suite
	// CheckValidUntil is what the source says of it, "" by default; archives
	// of the past (snapshots) need "no".
	CheckValidUntil string
}

// line is the location in sources.list(5)'s one-line form.
func (l location) line(arch, keyring string) string {
	options := fmt.Sprintf("arch=%s signed-by=%s", arch, keyring)
	if l.CheckValidUntil != "" {
		options += " check-valid-until=" + l.CheckValidUntil
	}
	return fmt.Sprintf("deb [%s] %s %s %s\n", options, l.URI, l.Suite.Name, strings.Join(l.Suite.Components, " "))
}

// A hostSource is one entry of this machine's apt sources.
type hostSource struct {
	uri             string
	suites          []string
	components      []string
	checkValidUntil string
}

// locate finds where the distribution's suites stand for this blueprint.
func locate(d *Distro, b *Blueprint, etcApt fs.FS) ([]location, error) {
	if b.Mirror != "host" {
		return locateURL(d, b)
	}
	sources, err := readSources(etcApt)
	if err != nil {
		return nil, fmt.Errorf("read this machine's apt sources: %w", err)
	}
	var found []location
	for _, suite := range d.Suites {
		l, ok := locateHost(suite, sources)
		if ok {
			if l.URI, err = mirrorFile(etcApt, l.URI); err != nil {
				return nil, err
			}
			found = append(found, l)
			continue
		}
		if suite.Required {
			return nil, fmt.Errorf(`mirror: this machine's apt sources have no %s; give the URL of an archive that has it`, suite.Name)
		}
	}
	return found, nil
}

func locateURL(d *Distro, b *Blueprint) ([]location, error) {
	mirror := strings.TrimRight(b.Mirror, "/")
	security := strings.TrimRight(b.SecurityMirror, "/")
	if security == "" && strings.HasSuffix(mirror, "/debian") {
		security = mirror + "-security"
	}
	var found []location
	for _, suite := range d.Suites {
		uri := mirror
		if suite.Security {
			uri = security
		}
		if uri == "" {
			return nil, fmt.Errorf("security_mirror: is missing: the URL of the archive that has %s", suite.Name)
		}
		found = append(found, location{URI: uri, Suite: suite})
	}
	return found, nil
}

func locateHost(suite Suite, sources []hostSource) (location, bool) {
	for _, s := range sources {
		if !slices.Contains(s.suites, suite.Name) {
			continue
		}
		if all(suite.Components, func(c string) bool { return slices.Contains(s.components, c) }) {
			return location{URI: s.uri, Suite: suite, CheckValidUntil: s.checkValidUntil}, true
		}
	}
	return location{}, false
}

func all(list []string, ok func(string) bool) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !ok(s) })
}

// mirrorFile replaces mirror+file:, which Debian's cloud images use, by the
// first mirror that the file names: a manifest must not depend on a file here.
func mirrorFile(etcApt fs.FS, uri string) (string, error) {
	name, ok := strings.CutPrefix(uri, "mirror+file:")
	if !ok {
		return uri, nil
	}
	inside, ok := strings.CutPrefix(path.Clean("/"+name), "/etc/apt/")
	if !ok {
		return "", fmt.Errorf("mirror: %s is outside of /etc/apt; give the URL of an archive", uri)
	}
	data, err := fs.ReadFile(etcApt, inside)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", uri, err)
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(f[0], "#") {
			return f[0], nil
		}
	}
	return "", fmt.Errorf("mirror: %s names no mirror", uri)
}

// readSources reads the sources of an /etc/apt, in apt's order: sources.list,
// then sources.list.d by name, in both forms that sources.list(5) describes.
func readSources(etcApt fs.FS) ([]hostSource, error) {
	names := []string{"sources.list"}
	for _, pattern := range []string{"sources.list.d/*.list", "sources.list.d/*.sources"} {
		more, err := fs.Glob(etcApt, pattern)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	slices.Sort(names[1:])
	var out []hostSource
	for _, name := range names {
		data, err := fs.ReadFile(etcApt, name)
		if err != nil {
			if name == "sources.list" {
				continue
			}
			return nil, err
		}
		if strings.HasSuffix(name, ".sources") {
			out = append(out, parseDeb822(data)...)
		} else {
			out = append(out, parseLines(data)...)
		}
	}
	return out, nil
}

// parseLines reads "deb [options] uri suite component..." lines.
func parseLines(data []byte) []hostSource {
	var out []hostSource
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb ")
		if !ok {
			continue
		}
		var s hostSource
		if rest = strings.TrimSpace(rest); strings.HasPrefix(rest, "[") {
			options, after, ok := strings.Cut(rest[1:], "]")
			if !ok {
				continue
			}
			s.checkValidUntil = option(options, "check-valid-until")
			rest = after
		}
		if f := strings.Fields(rest); len(f) >= 3 {
			s.uri, s.suites, s.components = f[0], f[1:2], f[2:]
			out = append(out, s)
		}
	}
	return out
}

func option(options, name string) string {
	for _, o := range strings.Fields(options) {
		if key, value, _ := strings.Cut(o, "="); strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

// parseDeb822 reads stanzas of "Field: value" lines.
func parseDeb822(data []byte) []hostSource {
	var out []hostSource
	for _, stanza := range stanzas(data) {
		if !slices.Contains(strings.Fields(stanza["types"]), "deb") || strings.EqualFold(stanza["enabled"], "no") {
			continue
		}
		for _, uri := range strings.Fields(stanza["uris"]) {
			out = append(out, hostSource{uri, strings.Fields(stanza["suites"]), strings.Fields(stanza["components"]),
				strings.ToLower(stanza["check-valid-until"])})
		}
	}
	return out
}

// stanzas reads deb822(5): fields in lower case, a folded field joined by
// spaces, comments left out.
func stanzas(data []byte) []map[string]string {
	var out []map[string]string
	current, last := map[string]string{}, ""
	flush := func() {
		if len(current) > 0 {
			out = append(out, current)
		}
		current, last = map[string]string{}, ""
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		line := lines.Text()
		key, value, isField := strings.Cut(line, ":")
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			flush()
		case strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t"):
			if last != "" {
				current[last] += " " + strings.TrimSpace(line)
			}
		case isField:
			last = strings.ToLower(strings.TrimSpace(key))
			current[last] = strings.TrimSpace(value)
		}
	}
	flush()
	return out
}
