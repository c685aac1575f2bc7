package stages

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

// A definitions is what useradd(8) reads in the tree: login.defs(5) and
// /etc/default/useradd.
type definitions struct {
	login    map[string]string
	defaults map[string]string
}

func readDefinitions(root *tree.Root) (definitions, error) {
	login, err := readPairs(root, "/etc/login.defs", " \t")
	if err != nil {
		return definitions{}, err
	}
	defaults, err := readPairs(root, "/etc/default/useradd", "=")
	return definitions{login, defaults}, err
}

// readPairs reads lines of a name and a value, comments left out; a file that
// does not exist has none.
func readPairs(root *tree.Root, name, separators string) (map[string]string, error) {
	text, err := root.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	pairs := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if i := strings.IndexAny(line, separators); i > 0 && !strings.HasPrefix(line, "#") {
			pairs[line[:i]] = strings.Trim(line[i+1:], " \t\"")
		}
	}
	return pairs, nil
}

// number is a value of login.defs in decimal, octal or hexadecimal.
func (d definitions) number(name string, otherwise uint32) uint32 {
	v, err := strconv.ParseUint(d.login[name], 0, 32)
	if err != nil {
		return otherwise
	}
	return uint32(v)
}

// days is a value of login.defs for a field of shadow(5); -1, as unset, is an empty field.
func (d definitions) days(name string) string { return dayField(d.login[name]) }

func dayField(text string) string {
	days, err := strconv.ParseInt(text, 10, 32)
	if err != nil || days < 0 {
		return ""
	}
	return strconv.FormatInt(days, 10)
}

func (d definitions) yes(name string) bool { return strings.EqualFold(d.login[name], "yes") }

// homeMode is HOME_MODE, or else what UMASK (022 unless set) leaves.
func (d definitions) homeMode() report.Mode {
	mode := 0o777 &^ d.number("UMASK", umask)
	return report.Mode(d.number("HOME_MODE", mode) & allBits)
}

// preset is a value of /etc/default/useradd.
func (d definitions) preset(name, otherwise string) string {
	if v := d.defaults[name]; v != "" {
		return v
	}
	return otherwise
}
