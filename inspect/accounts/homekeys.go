package accounts

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/network/sshconf"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// The bounds of where keys are looked for, and of how many all users have together.
const (
	maxKeyFiles = 16
	maxKeyPath  = 4096
	maxTokens   = 4
	maxKeys     = 100_000
)

// A keysFile is one file of authorized keys.
type keysFile struct {
	keys     []report.AuthorizedKey
	problems []string
}

// addKeys reads the user's authorized keys from where sshd looks for them. What it gives
// back are the reasons why one is of no use.
func (d *door) addKeys(v *visitor) (problems []string, err error) {
	if !strings.HasPrefix(v.Home, "/") {
		return nil, nil
	}
	value, ok := sshconf.First(d.ssh.config.Settings, "authorizedkeysfile")
	if !ok {
		value = ".ssh/authorized_keys .ssh/authorized_keys2"
	}
	if len(d.ssh.config.Blocks) > 0 {
		view, err := d.ssh.view(v.Name, d.groupsOf(v.User))
		if err != nil {
			return nil, err
		}
		value = view.Get("authorizedkeysfile", value)
	}
	files := strings.Fields(value)
	for _, pattern := range files[:min(len(files), maxKeyFiles)] {
		name := keysPath(pattern, v.User)
		if name == "" {
			continue
		}
		more, err := d.keysOf(v, name)
		if err != nil {
			return problems, err
		}
		problems = append(problems, more...)
	}
	return problems, nil
}

// keysPath puts a user's facts in the place of tokens: sshd_config(5), TOKENS. It is
// empty for "none", and for what no file can be called.
func keysPath(pattern string, u report.User) string {
	if pattern == "none" || len(pattern)+len(u.Home)+len(u.Name) > maxKeyPath || strings.Count(pattern, "%") > maxTokens {
		return ""
	}
	name := strings.NewReplacer("%%", "%", "%h", u.Home, "%u", u.Name, "%U", strconv.FormatUint(uint64(u.UID), 10)).Replace(pattern)
	if !strings.HasPrefix(name, "/") {
		name = u.Home + "/" + name
	}
	return path.Clean(name)
}

func (d *door) keysOf(v *visitor, name string) (problems []string, err error) {
	f, err := d.tree.Lookup(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if f.Node.Type != report.File {
		return []string{fmt.Sprintf("%s is a %s", name, f.Node.Type)}, nil
	}
	file, err := d.keysFile(f)
	if err != nil {
		return nil, err
	}
	if why := d.loose(f, v.User); why != "" && len(file.keys) > 0 && strictModes(d.ssh.config) {
		return append(file.problems[:len(file.problems):len(file.problems)], "sshd: StrictModes refuses "+why), nil
	}
	if d.spent += len(file.keys) + len(file.problems); d.spent > maxKeys {
		return nil, fmt.Errorf("%s: all users together have more than %d authorized keys", f.Path, maxKeys)
	}
	v.login.Keys = append(v.login.Keys, file.keys...)
	return file.problems, nil
}

// keysFile reads a file once, for all whose it is.
func (d *door) keysFile(f *tree.File) (keysFile, error) {
	if file, ok := d.files[f.Path]; ok {
		return file, nil
	}
	data, err := f.Read(section.MaxTable)
	if err != nil {
		return keysFile{}, err
	}
	var file keysFile
	file.keys, file.problems, err = authorizedKeys(data, f.Path)
	if err == nil {
		d.files[f.Path] = file
	}
	return file, err
}

func strictModes(config *report.SSHConfig) bool {
	value, ok := sshconf.First(config.Settings, "strictmodes")
	return !ok || yes(value)
}

// loose tells which file or directory on the way others may write to: safe_path of
// OpenSSH, which stops at the home directory.
func (d *door) loose(f *tree.File, u report.User) string {
	home, err := d.tree.Lookup(u.Home)
	for at := f.Path; ; at = path.Dir(at) {
		x := d.tree.Find(at)
		if x == nil {
			return ""
		}
		if x.Node.Mode&0o022 != 0 || x.Node.UID != 0 && x.Node.UID != u.UID {
			return fmt.Sprintf("%s (mode %04o, owner %d)", at, uint32(x.Node.Mode), x.Node.UID)
		}
		if at == "/" || err == nil && at == home.Path {
			return ""
		}
	}
}
