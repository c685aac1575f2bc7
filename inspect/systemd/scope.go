package systemd

import (
	"strings"

	"github.com/assay-os/assay/inspect/tree"
)

// A scope is one kind of service manager: the system's, or those of users.
type scope struct {
	name string // "system" or "user"
	// dirs are the directories of units that an image can hold, the first counts:
	// systemd.unit(5).
	dirs []string
	// config is where systemctl enable makes its links, runtime where it makes those of
	// one boot.
	config, runtime string
	presets         []string
}

// systemScope ends with a directory for systems without merged /usr.
func systemScope() scope {
	return scope{
		name: "system", config: "/etc/systemd/system", runtime: "/run/systemd/system",
		dirs: []string{
			"/etc/systemd/system", "/run/systemd/system", "/run/systemd/generator", "/usr/local/lib/systemd/system",
			"/usr/lib/systemd/system", "/lib/systemd/system",
		},
		presets: presetDirs("system"),
	}
}

func userScope() scope {
	return scope{
		name: "user", config: "/etc/systemd/user", runtime: "/run/systemd/user",
		dirs: []string{
			"/etc/systemd/user", "/run/systemd/user", "/usr/local/share/systemd/user", "/usr/share/systemd/user",
			"/usr/local/lib/systemd/user", "/usr/lib/systemd/user",
		},
		presets: presetDirs("user"),
	}
}

func presetDirs(kind string) []string {
	var list []string
	for _, dir := range []string{"/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"} {
		list = append(list, dir+"/systemd/"+kind+"-preset")
	}
	return list
}

// sourceOf names the directories for the documents.
func sourceOf(dirs []string) string { return strings.Join(dirs, ", ") }

// shared keeps what was read of the units of one tree from one section to the next.
type shared struct {
	tree  *tree.Tree
	units map[string]*library
}

// of gives the units of a scope.
func (s *shared) of(t *tree.Tree, sc scope) (*library, error) {
	if s.tree != t {
		s.tree, s.units = t, map[string]*library{}
	}
	if l := s.units[sc.name]; l != nil {
		return l, nil
	}
	l, err := openLibrary(t, sc)
	if err != nil {
		return nil, err
	}
	s.units[sc.name] = l
	return l, nil
}
