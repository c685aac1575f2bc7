package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func logins() section.Section {
	return section.Section{
		Name: "logins", Source: "/etc/passwd, /etc/shadow, /etc/shells, authorized keys, sshd_config, PAM's login, getty's units, display managers",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			d, err := newDoor(t)
			if err != nil {
				return err
			}
			for _, u := range d.users {
				l, err := d.login(u)
				if l.Ways != nil || l.Barred != nil || l.Keys != nil {
					r.Logins = append(r.Logins, l)
				}
				if err != nil {
					return err
				}
			}
			slices.SortStableFunc(r.Logins, func(a, b report.Login) int { return cmp.Compare(a.Name, b.Name) })
			return nil
		},
	}
}

// A door is what decides about logins, apart from the user.
type door struct {
	tree   *tree.Tree
	users  []report.User
	shadow map[string]report.ShadowEntry
	// groups and primary are the names of the groups of a user, and of a number.
	groups  map[string][]string
	primary map[uint32][]string
	shells  map[string]bool
	// autologin are the units that log a user in, by name.
	autologin map[string][]string
	ssh       *sshDoor
	// console says why nobody logs in at the console; empty if one can.
	console string
	// nullok: PAM's login takes an empty password.
	nullok bool
	// nologin: only root logs in, says pam_nologin(8).
	nologin bool
	// files are the authorized keys of each file, spent counts those that users have.
	files map[string]keysFile
	spent int
}

func newDoor(t *tree.Tree) (*door, error) {
	d := &door{
		tree: t, shadow: map[string]report.ShadowEntry{}, shells: map[string]bool{}, files: map[string]keysFile{},
		groups: map[string][]string{}, primary: map[uint32][]string{},
	}
	data, err := t.ReadFile("/etc/passwd", section.MaxTable)
	if err != nil {
		return nil, err
	}
	if d.users, err = parsePasswd(data); err != nil {
		return nil, section.Within("/etc/passwd", err)
	}
	for _, read := range []func() error{d.readShadow, d.readGroups, d.readShells, d.readConsole, d.readAutologin, d.readSSH} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	if d.nologin, err = exists(t, "/etc/nologin"); err != nil {
		return nil, err
	}
	return d, nil
}

func exists(t *tree.Tree, name string) (bool, error) {
	_, err := t.Lookup(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// readShadow keeps the first entry of each name, as getspnam(3) finds it, with its hash.
func (d *door) readShadow() error {
	list, err := shadowLines(d.tree)
	for _, e := range slices.Backward(list) {
		d.shadow[e.Name] = e
	}
	return unless(err)
}

func (d *door) readGroups() error {
	data, err := d.tree.ReadFile("/etc/group", section.MaxTable)
	if err != nil {
		return unless(err)
	}
	list, err := parseGroup(data)
	for _, g := range list {
		d.primary[g.GID] = append(d.primary[g.GID], g.Name)
		for _, m := range g.Members {
			d.groups[m] = append(d.groups[m], g.Name)
		}
	}
	return section.Within("/etc/group", err)
}

func (d *door) readShells() error {
	data, err := d.tree.ReadFile("/etc/shells", section.MaxConfig)
	if err != nil {
		return unless(err)
	}
	return section.Within("/etc/shells", section.EachTableLine(data, func(_ int, line string) error {
		d.shells[line] = true
		return nil
	}))
}

// readConsole looks for login(1) and for what PAM makes it ask.
func (d *door) readConsole() error {
	found := false
	for _, name := range []string{"/bin/login", "/usr/bin/login"} {
		ok, err := exists(d.tree, name)
		if err != nil {
			return err
		}
		found = found || ok
	}
	if !found {
		d.console = "there is no login program"
	}
	stacks, err := newPAMStacks(d.tree)
	if err != nil {
		return err
	}
	service, err := stacks.service("login")
	if err != nil {
		return err
	}
	d.nullok = len(service.Stack) == 0 // without PAM
	for _, line := range service.Stack {
		d.nullok = d.nullok || strings.Contains(line, "pam_unix.so") && strings.Contains(line, "nullok")
	}
	return nil
}

// A visitor is one user in front of the door.
type visitor struct {
	report.User
	// field is the password's; none says that none is asked for.
	field          string
	password, none bool
	groups         []string
	login          *report.Login
}

// login tells how a user gets in.
func (d *door) login(u report.User) (report.Login, error) {
	l := report.Login{Name: u.Name, UID: u.UID, Shell: u.Shell, Autologin: d.autologin[u.Name]}
	l.UnlistedShell = len(d.shells) > 0 && !d.shells[cmp.Or(u.Shell, "/bin/sh")]
	v := visitor{User: u, login: &l}
	d.addPassword(&v)
	problems, err := d.addKeys(&v)
	if err != nil {
		return l, err
	}
	if !v.password && !v.none && len(l.Keys) == 0 && len(l.Autologin) == 0 {
		l.Barred = problems
		return l, nil
	}
	v.groups = d.groupsOf(u)
	if bars := d.bars(&v); len(bars) > 0 {
		l.Barred = append(bars, problems...)
		return l, nil
	}
	l.Barred = problems
	d.atConsole(&v)
	return l, d.bySSH(&v)
}

// addPassword finds the field that counts, in passwd or in shadow.
func (d *door) addPassword(v *visitor) {
	switch e, ok := d.shadow[v.Name]; {
	case v.Password == "none":
		v.none = true
	case v.Password != "x":
		v.password = v.Password != "locked"
	case ok:
		v.field, v.none, v.password = e.Hash, e.State == "none", e.State == "password"
	}
}

// groupsOf are the names of the user's groups.
func (d *door) groupsOf(u report.User) []string {
	return unique(slices.Concat(d.primary[u.GID], d.groups[u.Name]))
}

// bars are what keeps the user out whatever way he comes.
func (d *door) bars(v *visitor) []string {
	var bars []string
	shell := cmp.Or(v.Shell, "/bin/sh")
	f, err := d.tree.Lookup(shell)
	switch base := path.Base(shell); {
	case base == "nologin" || base == "false":
		bars = append(bars, "shell "+shell+" lets nobody in")
	case errors.Is(err, fs.ErrNotExist):
		bars = append(bars, "shell "+shell+" is not there")
	case err == nil && (f.Node.Type != report.File || f.Node.Mode&0o111 == 0):
		bars = append(bars, "shell "+shell+" is no program")
	}
	if e, ok := d.shadow[v.Name]; ok && e.Expire != nil && expired(e) {
		bars = append(bars, fmt.Sprintf("the account expired on day %d", *e.Expire))
	}
	if d.nologin && v.UID != 0 {
		bars = append(bars, "/etc/nologin lets only root in")
	}
	return bars
}

// expired tells what no clock is needed for: an account that was at its end before its
// password was last set, or in the year of the epoch, as "usermod -e 1" makes it.
func expired(e report.ShadowEntry) bool {
	return *e.Expire < 365 || e.Changed != nil && *e.Expire <= *e.Changed
}

func (v *visitor) way(way string) { v.login.Ways = append(v.login.Ways, way) }

func (v *visitor) bar(reason string) { v.login.Barred = append(v.login.Barred, reason) }

func (d *door) atConsole(v *visitor) {
	if len(v.login.Autologin) > 0 {
		v.way("autologin")
	}
	switch {
	case !v.password && !v.none:
	case d.console != "":
		v.bar(d.console)
	case v.password:
		v.way("console")
	case d.nullok:
		v.way("console without password")
	default:
		v.bar("login takes no empty password")
	}
}
