package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func users() section.Section {
	return section.Section{
		Name: "users", Source: "/etc/passwd, /etc/shadow, ~/.ssh/authorized_keys", Oracle: "passwd --root TREE --status",
		Fill: inspectUsers,
	}
}

func inspectUsers(_ context.Context, t *tree.Tree, r *report.Report) error {
	data, err := t.ReadFile("/etc/passwd", section.MaxTable)
	if err != nil {
		return err
	}
	list, err := parsePasswd(data)
	r.Users = append(r.Users, list...)
	if err != nil {
		return fmt.Errorf("/etc/passwd: %w", err)
	}
	if err := addShadow(t, r.Users); err != nil {
		return err
	}
	counted := map[string]int{}
	for i := range r.Users {
		if r.Users[i].Keys, err = countKeys(t, r.Users[i].Home, counted); err != nil {
			return err
		}
	}
	slices.SortStableFunc(r.Users, func(a, b report.User) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

// parsePasswd reads the lines of passwd(5), in their order. Password is the
// state of the second field, "x" where the shadow file has it. Lines of a directory service
// ("+::::::", nsswitch.conf(5), "compat") name no user of the image.
func parsePasswd(data []byte) ([]report.User, error) {
	var list []report.User
	err := section.EachTableLine(data, func(_ int, line string) error {
		if line[0] == '+' || line[0] == '-' {
			return nil
		}
		f := strings.Split(line, ":")
		if len(f) != 7 {
			return fmt.Errorf("%d fields instead of 7", len(f))
		}
		uid, err := id(f[2])
		if err != nil {
			return fmt.Errorf("user %.60q: uid %w", f[0], err)
		}
		gid, err := id(f[3])
		if err != nil {
			return fmt.Errorf("user %.60q: gid %w", f[0], err)
		}
		u := report.User{Name: f[0], UID: uid, GID: gid, Gecos: f[4], Home: f[5], Shell: f[6], Password: "x"}
		if f[1] != "x" {
			u.Password = passwordState(f[1])
		}
		list = append(list, u)
		return nil
	})
	return list, err
}

func id(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%.20q is not a number below 2^32", s)
	}
	return uint32(n), nil
}

// addShadow puts the states of shadow(5) into the users. One whose passwd line
// points to a shadow line that is not there cannot log in by password.
func addShadow(t *tree.Tree, list []report.User) error {
	states := map[string]string{}
	data, err := t.ReadFile("/etc/shadow", section.MaxTable)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // it names the file
	}
	if err := parseShadow(data, states); err != nil {
		return fmt.Errorf("/etc/shadow: %w", err)
	}
	for i := range list {
		if list[i].Password != "x" {
			continue
		}
		list[i].Password = "locked"
		if s, ok := states[list[i].Name]; ok {
			list[i].Password = s
		}
	}
	return nil
}

// parseShadow reads the state of each name; the first line of a name counts,
// as it does for getspnam(3).
func parseShadow(data []byte, states map[string]string) error {
	return section.EachTableLine(data, func(_ int, line string) error {
		f := strings.Split(line, ":")
		if len(f) < 2 {
			return errors.New("no field for the password")
		}
		if _, ok := states[f[0]]; !ok {
			states[f[0]] = passwordState(f[1])
		}
		return nil
	})
}

// passwordState tells what the password field lets happen: nothing that a
// crypt(3) hash can be is locked, as shadow(5) says.
func passwordState(field string) string {
	if field == "" {
		return "none"
	}
	if strings.HasPrefix(field, "$") {
		name, _, ok := strings.Cut(field[1:], "$")
		if !ok {
			return "locked"
		}
		return cryptName(name)
	}
	if isDES(field) {
		return "des"
	}
	return "locked"
}

// cryptName is the name of a hash by its prefix: crypt(5).
func cryptName(prefix string) string {
	names := map[string]string{
		"y": "yescrypt", "gy": "gost-yescrypt", "7": "scrypt", "2a": "bcrypt", "2b": "bcrypt", "2x": "bcrypt", "2y": "bcrypt",
		"6": "sha512", "5": "sha256", "sha1": "sha1", "1": "md5", "md5": "sunmd5", "3": "nt",
	}
	if name, ok := names[prefix]; ok {
		return name
	}
	return "unknown"
}

// isDES tells whether field can be a traditional (13 characters) or an
// extended ("_" and 19) DES hash.
func isDES(field string) bool {
	body, extended := strings.CutPrefix(field, "_")
	if extended && len(body) != 19 || !extended && len(body) != 13 {
		return false
	}
	for _, c := range body {
		if !strings.ContainsRune("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", c) {
			return false
		}
	}
	return true
}

// countKeys counts the keys that sshd accepts by its default
// AuthorizedKeysFile: the lines of sshd(8)'s format in both files. Several users may have
// one home: counted are the files that were read.
func countKeys(t *tree.Tree, home string, counted map[string]int) (int, error) {
	total := 0
	if !strings.HasPrefix(home, "/") {
		return 0, nil
	}
	for _, name := range []string{"authorized_keys", "authorized_keys2"} {
		file := strings.TrimSuffix(home, "/") + "/.ssh/" + name
		f, err := t.Lookup(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		n, ok := counted[f.Path]
		if !ok {
			if n, err = countLines(f); err != nil {
				return 0, err
			}
			counted[f.Path] = n
		}
		total += n
	}
	return total, nil
}

// countLines counts the lines that are neither empty nor comments.
func countLines(f *tree.File) (n int, err error) {
	data, err := f.Read(section.MaxTable)
	if err != nil {
		return 0, err
	}
	err = section.EachTableLine(data, func(int, string) error { n++; return nil })
	return n, section.Within(f.Path, err)
}
