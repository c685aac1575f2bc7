package deb

import (
	"fmt"
	"regexp"
	"strings"
)

// A Control is what the control file says, deb-control(5), as far as
// installing needs it.
type Control struct {
	Name         string
	Version      string
	Architecture string
	// Essential packages must be there before any script may run.
	Essential  bool
	Depends    []Alternatives
	PreDepends []Alternatives
	Replaces   []Alternatives
	// Provides are names that the package stands for besides its own.
	Provides []string
}

// Alternatives are package names of which one is enough, in order of
// preference. Versions and architectures are left out: a pinned set has one
// version of each, and dpkg checks them.
type Alternatives []string

// Names of Debian policy 5.6.1 and 5.6.12: they become names of files.
var (
	packageName    = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)
	packageVersion = regexp.MustCompile(`^[A-Za-z0-9.+:~-]+$`)
	architecture   = regexp.MustCompile(`^[a-z0-9-]+$`)
)

func parseControl(text string) (Control, error) {
	fields := controlFields(text)
	c := Control{
		Name: fields["package"], Version: fields["version"], Architecture: fields["architecture"],
		Essential: strings.EqualFold(fields["essential"], "yes"),
		Depends:   relations(fields["depends"]), PreDepends: relations(fields["pre-depends"]),
		Replaces: relations(fields["replaces"]),
	}
	for _, r := range relations(fields["provides"]) {
		c.Provides = append(c.Provides, r...)
	}
	switch {
	case !packageName.MatchString(c.Name):
		return c, fmt.Errorf("its control file has the package name %q", c.Name)
	case !packageVersion.MatchString(c.Version):
		return c, fmt.Errorf("its control file has the version %q", c.Version)
	case !architecture.MatchString(c.Architecture):
		return c, fmt.Errorf("its control file has the architecture %q", c.Architecture)
	}
	return c, nil
}

// controlFields reads the first stanza; names in lower case, folded lines
// joined.
func controlFields(text string) map[string]string {
	fields := map[string]string{}
	last := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			if last != "" {
				fields[last] += " " + strings.TrimSpace(line)
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		last = strings.ToLower(name)
		fields[last] = strings.TrimSpace(value)
	}
	return fields
}

// relations reads "a (>= 1) | b:any, c [amd64]".
func relations(text string) []Alternatives {
	var all []Alternatives
	for group := range strings.SplitSeq(text, ",") {
		var names Alternatives
		for one := range strings.SplitSeq(group, "|") {
			name, _, _ := strings.Cut(strings.TrimSpace(one), " ")
			name, _, _ = strings.Cut(name, "(")
			name, _, _ = strings.Cut(name, ":")
			if name != "" {
				names = append(names, name)
			}
		}
		if names != nil {
			all = append(all, names)
		}
	}
	return all
}
