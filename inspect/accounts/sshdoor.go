package accounts

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/network/sshconf"
	"github.com/assay-os/assay/report"
)

// maxDecisions bounds the users that have something to log in with, times the bytes of
// the configuration that decides about each.
const maxDecisions = 1 << 28

// An sshDoor is sshd with its configuration.
type sshDoor struct {
	installed bool
	config    *report.SSHConfig
	// size is that of the configuration, and decided what was spent of the bound.
	size, decided int64
}

func (d *door) readSSH() error {
	d.ssh = &sshDoor{config: &report.SSHConfig{}}
	for _, name := range []string{"/usr/sbin/sshd", "/usr/bin/sshd"} {
		ok, err := exists(d.tree, name)
		if err != nil {
			return err
		}
		d.ssh.installed = d.ssh.installed || ok
	}
	config, err := sshconf.Read(d.tree, sshconf.Server())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	d.ssh.config = config
	for _, f := range config.Files {
		for _, line := range f.Lines {
			d.ssh.size += int64(len(line))
		}
	}
	for _, b := range config.Blocks {
		d.ssh.size += int64(len(b.Condition))
	}
	return nil
}

// view is the configuration for one user.
func (s *sshDoor) view(name string, groups []string) (sshconf.View, error) {
	if s.decided += s.size + 64; s.decided > maxDecisions {
		return sshconf.View{}, errors.New("too many users can log in for so large an sshd_config")
	}
	return sshconf.ForUser(s.config, name, groups), nil
}

// bySSH adds the ways that sshd lets the user in.
func (d *door) bySSH(v *visitor) error {
	if !d.ssh.installed {
		if len(v.login.Keys) > 0 {
			v.bar("there is no sshd")
		}
		return nil
	}
	view, err := d.ssh.view(v.Name, v.groups)
	if err != nil {
		return err
	}
	v.login.Conditions = view.Conditions
	if why := refused(view, v); why != "" {
		if len(v.login.Keys) > 0 || v.password {
			v.bar("sshd: " + why)
		}
		return nil
	}
	if len(v.login.Keys) > 0 {
		d.byKey(view, v)
	}
	d.byPassword(view, v)
	if methods := view.Get("authenticationmethods", "any"); methods != "any" {
		v.login.Conditions = append(v.login.Conditions, "AuthenticationMethods "+methods)
	}
	return nil
}

// refused tells why sshd refuses a user at all: allowed_user of OpenSSH.
func refused(view sshconf.View, v *visitor) string {
	if strings.HasPrefix(v.field, "!") && !yes(view.Get("usepam", "no")) {
		return "the account is locked"
	}
	if v.UID == 0 && view.Get("permitrootlogin", "prohibit-password") == "no" {
		return "PermitRootLogin no"
	}
	user := func(pattern string) bool { return inUsers(pattern, v) }
	group := func(pattern string) bool {
		return slices.ContainsFunc(v.groups, func(g string) bool { return sshconf.MatchList(pattern, g) })
	}
	switch allowU, allowG := view.List("allowusers"), view.List("allowgroups"); {
	case slices.ContainsFunc(view.List("denyusers"), user):
		return "DenyUsers"
	case len(allowU) > 0 && !slices.ContainsFunc(allowU, user):
		return "AllowUsers names others"
	case slices.ContainsFunc(view.List("denygroups"), group):
		return "DenyGroups"
	case len(allowG) > 0 && !slices.ContainsFunc(allowG, group):
		return "AllowGroups names others"
	}
	return ""
}

// inUsers matches USER or USER@HOST; a host makes it a condition.
func inUsers(pattern string, v *visitor) bool {
	user, host, ok := strings.Cut(pattern, "@")
	if !sshconf.MatchList(user, v.Name) {
		return false
	}
	if ok {
		v.login.Conditions = append(v.login.Conditions, "from "+host)
	}
	return true
}

func yes(value string) bool { return value == "yes" || value == "true" }

func (d *door) byKey(view sshconf.View, v *visitor) {
	root := view.Get("permitrootlogin", "prohibit-password")
	switch {
	case !yes(view.Get("pubkeyauthentication", "yes")):
		v.bar("sshd: PubkeyAuthentication no")
	case v.UID == 0 && root == "forced-commands-only" && !slices.ContainsFunc(v.login.Keys, forced):
		v.bar("sshd: PermitRootLogin forced-commands-only")
	default:
		v.way("ssh key")
	}
}

func forced(k report.AuthorizedKey) bool {
	return slices.ContainsFunc(k.Options, func(o string) bool { return strings.HasPrefix(strings.ToLower(o), "command=") })
}

func (d *door) byPassword(view sshconf.View, v *visitor) {
	if !v.password && (!v.none || !yes(view.Get("permitemptypasswords", "no"))) {
		return
	}
	asks := yes(view.Get("passwordauthentication", "yes")) ||
		yes(view.Get("kbdinteractiveauthentication", "yes")) && yes(view.Get("usepam", "no"))
	switch {
	case !asks:
		v.bar("sshd asks for no password")
	case v.UID == 0 && view.Get("permitrootlogin", "prohibit-password") != "yes":
		v.bar("sshd: PermitRootLogin " + view.Get("permitrootlogin", "prohibit-password"))
	default:
		v.way("ssh password")
	}
}
