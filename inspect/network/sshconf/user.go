package sshconf

import (
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// A View is what sshd's configuration says for one user.
type View struct {
	config *report.SSHConfig
	// blocks are those that hold.
	blocks []report.SSHBlock
	// Conditions are the blocks that hold for this user on some connections.
	Conditions []string
}

// ForUser decides which Match blocks hold for a user who is in these groups. A
// block that asks for more than them may hold or not: it is one of the view's
// conditions, and its settings do not count.
func ForUser(config *report.SSHConfig, name string, groups []string) View {
	v := View{config: config}
	for _, b := range config.Blocks {
		holds, open := true, false
		for _, part := range strings.Split(b.Condition, "; ") {
			h, o := matches(strings.TrimPrefix(part, "Match "), name, groups)
			holds, open = holds && h, open || o
		}
		switch {
		case holds && open:
			v.Conditions = append(v.Conditions, b.Condition)
		case holds:
			v.blocks = append(v.blocks, b)
		}
	}
	return v
}

// matches evaluates a condition; open says that it asks for what is not known.
func matches(condition, name string, groups []string) (holds, open bool) {
	args, err := words(condition)
	if err != nil {
		return false, false
	}
	holds = true
	for i := 0; i < len(args); i++ {
		criterion, value, joined := strings.Cut(args[i], "=")
		if alone(criterion) {
			open = open || criterion != "all"
			continue
		}
		if !joined {
			if i++; i < len(args) {
				value = args[i]
			}
		}
		switch criterion {
		case "user":
			holds = holds && MatchList(value, name)
		case "group":
			holds = holds && slices.ContainsFunc(groups, func(g string) bool { return MatchList(value, g) })
		default:
			open = true
		}
	}
	return holds, open
}

// MatchList tells whether a list of patterns, "," between them and "!" before what
// is excluded, matches: match_pattern_list of OpenSSH.
func MatchList(list, name string) bool {
	found := false
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, not := strings.CutPrefix(pattern, "!")
		if !glob(pattern, name) {
			continue
		}
		if not {
			return false
		}
		found = true
	}
	return found
}

// glob matches "*" and "?" alone.
func glob(pattern, name string) bool {
	pattern = strings.NewReplacer(`\`, `\\`, "[", `\[`, "/", "\x01").Replace(pattern)
	ok, err := path.Match(pattern, strings.ReplaceAll(name, "/", "\x01"))
	return err == nil && ok
}

// Get is the value that counts for the user: blocks come before what holds for all.
func (v View) Get(key, otherwise string) string {
	for _, b := range v.blocks {
		if value, ok := First(b.Settings, key); ok {
			return value
		}
	}
	if value, ok := First(v.config.Settings, key); ok {
		return value
	}
	return otherwise
}

// List is Get for a key whose lines add up: their words.
func (v View) List(key string) []string {
	for _, b := range v.blocks {
		if values := All(b.Settings, key); len(values) > 0 {
			return strings.Fields(strings.Join(values, " "))
		}
	}
	return strings.Fields(strings.Join(All(v.config.Settings, key), " "))
}
