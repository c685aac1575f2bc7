// Package sshconf reads the configuration of OpenSSH's programs as they do:
// included files in their places, the first value of a key, blocks of Match and
// Host apart.
//
// It evaluates conditions only where they ask for nothing but a user's name and groups
// ([ForUser]); values are not checked.
//
//	config, err := sshconf.Read(t, sshconf.Server())
//	root, _ := sshconf.First(config.Settings, "permitrootlogin")
package sshconf

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// A Dialect says whose configuration it is.
type Dialect struct {
	// Path is the file that is read first.
	Path string
	// lists are keys whose lines add up.
	lists []string
	// blocks are the keywords that begin what holds for some connections.
	blocks []string
	// names are old names of keys.
	names map[string]string
}

// Server is the dialect of sshd_config(5).
func Server() Dialect {
	return Dialect{
		Path: "/etc/ssh/sshd_config", blocks: []string{"match"},
		lists: []string{
			"acceptenv", "allowgroups", "allowusers", "denygroups", "denyusers", "hostcertificate", "hostkey", "listenaddress", "port", "subsystem",
		},
		names: map[string]string{
			"challengeresponseauthentication": "kbdinteractiveauthentication", "skeyauthentication": "kbdinteractiveauthentication",
			"pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms", "hostbasedacceptedkeytypes": "hostbasedacceptedalgorithms",
			"hostdsakey": "hostkey", "dsaauthentication": "pubkeyauthentication", "authorizedkeysfile2": "authorizedkeysfile",
		},
	}
}

// Client is the dialect of ssh_config(5).
func Client() Dialect {
	return Dialect{
		Path: "/etc/ssh/ssh_config", blocks: []string{"match", "host"},
		lists: []string{"certificatefile", "dynamicforward", "identityfile", "localforward", "remoteforward", "sendenv"},
		names: map[string]string{
			"challengeresponseauthentication": "kbdinteractiveauthentication", "skeyauthentication": "kbdinteractiveauthentication",
			"pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms", "hostbasedkeytypes": "hostbasedacceptedalgorithms",
			"tisauthentication": "kbdinteractiveauthentication", "dsaauthentication": "pubkeyauthentication",
		},
	}
}

// Read reads the configuration. The error is [fs.ErrNotExist] where there is
// none; any other tells what could not be read, and then the result holds the rest.
func Read(t *tree.Tree, d Dialect) (*report.SSHConfig, error) {
	r := &reader{tree: t, dialect: d, config: &report.SSHConfig{}, block: global, known: map[blockKey]bool{}}
	f, err := t.Lookup(d.Path)
	if err != nil {
		return nil, err
	}
	if err := r.includes.Enter(f.Path, f.Node.Size); err != nil {
		return nil, err
	}
	err = r.file(f)
	byKey := func(a, b report.Setting) int { return cmp.Compare(a.Key, b.Key) }
	slices.SortStableFunc(r.config.Settings, byKey)
	for i := range r.config.Blocks {
		slices.SortStableFunc(r.config.Blocks[i].Settings, byKey)
	}
	return r.config, err
}

// global is the block of what holds for all, nowhere that of what is not kept.
const (
	global  = -1
	nowhere = -2
)

// The bounds of blocks, and of all their conditions together: that of an included file
// repeats the one that it stands in.
const (
	maxBlocks     = 1024
	maxConditions = 1 << 20
)

type reader struct {
	tree     *tree.Tree
	dialect  Dialect
	config   *report.SSHConfig
	includes section.Includes
	// block is the one that lines belong to.
	block int
	// known are the keys that a block has.
	known map[blockKey]bool
	// conditions counts the bytes of all conditions.
	conditions int
}

type blockKey struct {
	block int
	key   string
}

// file reads one file, that was entered. A block that it begins ends with it.
func (r *reader) file(f *tree.File) error {
	defer r.includes.Leave()
	data, err := f.Read(section.MaxConfig)
	if err != nil {
		return err
	}
	text := report.ConfigText{Path: f.Path, Lines: []string{}}
	err = section.EachTableLine(data, func(_ int, line string) error {
		text.Lines = append(text.Lines, line)
		return nil
	})
	r.config.Files = append(r.config.Files, text)
	if err != nil {
		return section.Within(f.Path, err)
	}
	outer := r.block
	defer func() { r.block = outer }()
	return section.EachTableLine(data, func(n int, line string) error {
		return r.line(fmt.Sprintf("%s:%d", f.Path, n), line, outer)
	})
}

// line reads one line; outer is the block that its file stands in.
func (r *reader) line(source, line string, outer int) error {
	key, rest := keyword(line)
	args, err := words(rest)
	if err != nil {
		r.problem(source, err)
		return nil
	}
	switch {
	case len(args) == 0:
		r.problem(source, fmt.Errorf("%.60q has no value", key))
	case key == "include":
		return r.include(source, args)
	case slices.Contains(r.dialect.blocks, key):
		r.begin(source, key, args, outer)
	default:
		if name, ok := r.dialect.names[key]; ok {
			key = name
		}
		r.set(report.Setting{Key: key, Value: join(args), Source: source})
	}
	return nil
}

func (r *reader) problem(source string, err error) {
	r.config.Problems = section.AddProblem(r.config.Problems, fmt.Sprintf("%s: %v", source, err))
}

func (r *reader) begin(source, key string, args []string, outer int) {
	if key == "match" {
		for i := 0; i < len(args); i++ {
			criterion, value, joined := strings.Cut(args[i], "=")
			if args[i] = strings.ToLower(criterion); joined {
				args[i] += "=" + value
			} else if !alone(args[i]) {
				i++ // its value
			}
		}
	}
	condition := strings.ToUpper(key[:1]) + key[1:] + " " + join(args)
	if outer >= 0 {
		condition = r.config.Blocks[outer].Condition + "; " + condition
	}
	if r.conditions += len(condition); outer == nowhere || len(r.config.Blocks) >= maxBlocks || r.conditions > maxConditions {
		r.problem(source, errors.New("there are more blocks than are kept"))
		r.block = nowhere
		return
	}
	r.config.Blocks = append(r.config.Blocks, report.SSHBlock{Condition: condition, Source: source})
	r.block = len(r.config.Blocks) - 1
}

// alone tells whether a criterion of Match has no value.
func alone(criterion string) bool {
	return slices.Contains([]string{"all", "canonical", "final", "invalid-user"}, strings.TrimPrefix(criterion, "!"))
}

// set keeps a value, unless there is one already that counts.
func (r *reader) set(s report.Setting) {
	if r.block == nowhere {
		return
	}
	list := &r.config.Settings
	if r.block != global {
		list = &r.config.Blocks[r.block].Settings
	}
	at := blockKey{r.block, s.Key}
	if r.known[at] && !slices.Contains(r.dialect.lists, s.Key) {
		return
	}
	r.known[at] = true
	*list = append(*list, s)
}

// include reads what the patterns match, each one's files in the order of their names.
func (r *reader) include(source string, patterns []string) error {
	for _, pattern := range patterns {
		if err := r.includes.Ask(); err != nil {
			r.problem(source, err)
			return nil
		}
		if !strings.HasPrefix(pattern, "/") {
			pattern = "/etc/ssh/" + pattern
		}
		files, err := r.tree.Glob(pattern)
		if err != nil {
			if errors.Is(err, tree.ErrUnread) {
				return err
			}
			r.problem(source, err)
		}
		for _, f := range files {
			if err := r.included(source, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) included(source string, f *tree.File) error {
	real, err := r.tree.Lookup(f.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && real.Node.Type != report.File {
		r.problem(source, fmt.Errorf("%s is no file", f.Path))
		return nil
	}
	if err != nil {
		return err
	}
	if err := r.includes.Enter(real.Path, real.Node.Size); err != nil {
		r.problem(source, err)
		return nil
	}
	return r.file(real)
}

// First is the value that counts of a key.
func First(list []report.Setting, key string) (string, bool) {
	for _, s := range list {
		if s.Key == key {
			return s.Value, true
		}
	}
	return "", false
}

// All are the values of a key whose lines add up.
func All(list []report.Setting, key string) []string {
	var values []string
	for _, s := range list {
		if s.Key == key {
			values = append(values, s.Value)
		}
	}
	return values
}
