package packages

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/report"
)

// eachStanza reads the form of deb-control(5), also that of apt's sources: calls
// field for each field, whose further lines are joined by newlines without the
// space that begins them, and end after each stanza that has any.
func eachStanza(data []byte, field func(name, value string), end func() error) error {
	name, any := "", false
	var value strings.Builder
	flush := func() {
		if name != "" {
			field(name, strings.TrimSpace(value.String()))
		}
		name = ""
		value.Reset()
	}
	finish := func() error {
		flush()
		if !any {
			return nil
		}
		any = false
		return end()
	}
	err := section.EachLine(data, func(_ int, line string) error {
		if strings.TrimSpace(line) == "" {
			return finish()
		}
		switch line[0] {
		case '#':
			return nil
		case ' ', '\t':
			value.WriteString("\n" + strings.TrimRight(line[1:], " \t\r"))
			return nil
		}
		flush()
		n, v, ok := strings.Cut(line, ":")
		if !ok {
			return fmt.Errorf("%.60q is not a field", line)
		}
		name, any = strings.TrimSpace(n), true
		value.WriteString(strings.TrimSpace(v))
		return nil
	})
	if err != nil {
		return err
	}
	return finish()
}

// parseDpkgStatus reads the stanzas: a package for each, those included of
// which only the configuration is left.
func parseDpkgStatus(data []byte) ([]report.DpkgPackage, error) {
	var list []report.DpkgPackage
	var p report.DpkgPackage
	err := eachStanza(data, func(name, value string) { setDpkgField(&p, name, text(value)) }, func() error {
		if p.Name == "" {
			return errors.New("the stanza before it names no package")
		}
		setSource(&p)
		list = append(list, p)
		p = report.DpkgPackage{}
		return nil
	})
	return list, err
}

// setSource tells the source's version apart: "Source: name (version)".
func setSource(p *report.DpkgPackage) {
	name, version, _ := strings.Cut(p.Source, " ")
	p.Source = cmp.Or(name, p.Name)
	p.SourceVersion = cmp.Or(strings.Trim(version, "() "), p.Version)
}

// dpkgTexts are the fields of one text.
func dpkgTexts(p *report.DpkgPackage, name string) *string {
	switch strings.ToLower(name) {
	case "package":
		return &p.Name
	case "version":
		return &p.Version
	case "architecture":
		return &p.Arch
	case "status":
		return &p.Status
	case "source":
		return &p.Source
	case "maintainer":
		return &p.Maintainer
	case "section":
		return &p.Section
	case "priority":
		return &p.Priority
	case "multi-arch":
		return &p.MultiArch
	case "homepage":
		return &p.Homepage
	case "installed-size":
		return &p.InstalledSize
	case "triggers-pending":
		return &p.TriggersPending
	case "triggers-awaited":
		return &p.TriggersAwaited
	}
	return nil
}

func setDpkgField(p *report.DpkgPackage, name, value string) {
	if field := dpkgTexts(p, name); field != nil {
		*field = strings.ReplaceAll(value, "\n", " ")
		return
	}
	switch strings.ToLower(name) {
	case "essential":
		p.Essential = value == "yes"
	case "protected":
		p.Protected = value == "yes"
	case "description":
		p.Summary, _, _ = strings.Cut(value, "\n")
	case "conffiles":
		p.Conffiles = parseConffiles(value)
	case "depends", "pre-depends", "recommends", "suggests", "enhances", "provides", "conflicts", "breaks", "replaces", "built-using", "static-built-using":
		put(&p.Relations, name, strings.Join(strings.Fields(value), " "))
	default:
		if strings.Contains(value, "\n") || len(value) > maxField {
			value = "sha256:" + sum([]byte(value))
		}
		put(&p.Fields, name, value)
	}
}

// maxField is how long another field's value may be to be told whole.
const maxField = 200

func put(m *map[string]string, name, value string) {
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[text(name)] = value
}

// parseConffiles reads lines of "PATH MD5 [obsolete] [remove-on-upgrade]"; the path may
// hold spaces.
func parseConffiles(value string) []report.Conffile {
	var list []report.Conffile
	for line := range strings.Lines(value) {
		var c report.Conffile
		line = strings.TrimSpace(line)
		for {
			rest, last := cutLast(line)
			switch last {
			case "obsolete":
				c.Obsolete = true
			case "remove-on-upgrade":
				c.Remove = true
			default:
				c.Path, c.MD5 = report.Raw(rest), last
			}
			if c.MD5 != "" || rest == "" {
				break
			}
			line = rest
		}
		if c.Path != "" {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b report.Conffile) int { return cmp.Compare(a.Path, b.Path) })
	return list
}

// cutLast cuts the last word off.
func cutLast(line string) (rest, word string) {
	i := strings.LastIndexByte(line, ' ')
	return strings.TrimSpace(line[:max(i, 0)]), line[i+1:]
}

func sortDpkg(list []report.DpkgPackage) {
	slices.SortStableFunc(list, func(a, b report.DpkgPackage) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Version, b.Version))
	})
}
