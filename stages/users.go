package stages

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/assay-os/assay/build/step"
)

//go:embed users.json
var usersSchema json.RawMessage

func users() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.users",
		Kind:    step.Stage,
		Summary: "Add and change users",
		Description: `Adds users, or changes those that the tree has, sorted by their names. It writes
/etc/passwd and /etc/group, which must be there, /etc/shadow and /etc/gshadow where they
exist, and /etc/subuid and /etc/subgid where they exist and the uid is not a system's.
Without /etc/shadow the hashes stand in /etc/passwd, which everybody reads. Defaults are
the tree's own: /etc/login.defs and /etc/default/useradd.

A new user without a gid gets a group of its own name. A home directory that is given
is made from /etc/skel, in one of its parents where those exist, and so is one that is
not given when CREATE_HOME says so. For a user that is there only what is given is
changed: groups replaces all further groups, a new home does not move the old one,
and another uid is an error.

A password is a hash by crypt(3); plain text is refused, for it would stand in the
manifest and could never match. The day of the last change in /etc/shadow is the
source epoch.

Works natively, by the rules of useradd(8), usermod(8) and mkhomedir_helper(8), which
upstream runs in the tree; passwd- and its kin (their backups) are not made.`,
		Schema: usersSchema,
		Since:  since,
		Run:    with(addUsers),
	}
}

type usersOptions struct {
	Users map[string]user `json:"users"`
}

type user struct {
	UID           *uint32  `json:"uid"`
	GID           *uint32  `json:"gid"`
	Groups        []string `json:"groups"`
	Description   *string  `json:"description"`
	Home          *string  `json:"home"`
	Shell         string   `json:"shell"`
	Password      *string  `json:"password"`
	Key           string   `json:"key"`
	Keys          []string `json:"keys"`
	ExpireDate    *int64   `json:"expiredate"`
	PasswordReset bool     `json:"force_password_reset"`
}

func addUsers(c *step.Context, o usersOptions) error {
	db, err := readAccounts(c)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(o.Users)) {
		u := o.Users[name]
		home, err := db.setUser(c, name, u)
		if err != nil {
			return err
		}
		if u.PasswordReset {
			db.shadow.set(name, 2, "0")
		}
		if err := db.write(c); err != nil {
			return err
		}
		if home != nil {
			if err := makeHome(c.Tree, *home); err != nil {
				return err
			}
		}
		if err := db.addKeys(c, name, u); err != nil {
			return err
		}
	}
	return nil
}

// setUser adds or changes a user in the tables, and returns the home to be made.
func (db *accounts) setUser(c *step.Context, name string, u user) (*home, error) {
	for i, group := range u.Groups {
		row := db.group.find(group)
		if id, err := strconv.ParseUint(group, 10, 32); row == nil && err == nil {
			row = db.group.findID(uint32(id))
		}
		if row == nil {
			return nil, step.BadOption(step.At("users", name, "groups", i), "the tree has no group %s", group)
		}
		u.Groups[i] = row[0]
	}
	if u.GID != nil && db.group.findID(*u.GID) == nil {
		return nil, step.BadOption(step.At("users", name, "gid"), "the tree has no group of the id %d", *u.GID)
	}
	if db.passwd.find(name) != nil {
		return db.changeUser(c, name, u)
	}
	return db.addUser(c, name, u)
}

// today is the source epoch as shadow(5) counts days.
func today(c *step.Context) string {
	return strconv.FormatInt(c.Epoch.Unix()/int64(24*time.Hour/time.Second), 10)
}

func (db *accounts) addUser(c *step.Context, name string, u user) (*home, error) {
	uid, gid, err := db.newIDs(name, u)
	if err != nil {
		return nil, err
	}
	dir := db.preset("HOME", "/home") + "/" + name
	if u.Home != nil && *u.Home != "" {
		dir = *u.Home
	}
	shell := u.Shell
	if shell == "" {
		shell = db.preset("SHELL", "")
	}
	password, shadowed := or(u.Password, "!"), "x"
	if !db.shadow.exists {
		shadowed = password
	}
	db.passwd.add(name, shadowed, decimal(uid), decimal(gid), or(u.Description, ""), dir, shell)
	db.shadow.add(name, password, today(c), db.days("PASS_MIN_DAYS"), db.days("PASS_MAX_DAYS"), db.days("PASS_WARN_AGE"),
		dayField(db.defaults["INACTIVE"]), expiry(u.ExpireDate), "")
	for _, group := range u.Groups {
		db.group.join(group, 3, name, true)
		db.gshadow.join(group, 3, name, true)
	}
	if err := db.addSubIDs(name, uid); err != nil {
		return nil, err
	}
	if err := db.makeMailbox(c.Tree, name, uid, gid); err != nil {
		return nil, err
	}
	if u.Home == nil && !db.yes("CREATE_HOME") || u.Home != nil && *u.Home == "" {
		return nil, nil
	}
	return &home{dir, uid, gid, db.homeMode(), db.preset("SKEL", "/etc/skel")}, nil
}

func decimal(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

// expiry is the field of shadow(5): days since 1970, empty for never.
func expiry(days *int64) string {
	if days == nil || *days < 0 {
		return ""
	}
	return strconv.FormatInt(*days, 10)
}

// newIDs finds uid and gid, and makes the user's own group where it gets one.
func (db *accounts) newIDs(name string, u user) (uid, gid uint32, err error) {
	if u.UID != nil {
		uid = *u.UID
	} else if uid, err = db.passwd.freeID(db.number("UID_MIN", 1000), db.number("UID_MAX", 60000)); err != nil {
		return 0, 0, err
	}
	if u.GID != nil {
		return uid, *u.GID, nil
	}
	if v := db.login["USERGROUPS_ENAB"]; v != "" && !db.yes("USERGROUPS_ENAB") {
		gid, err := strconv.ParseUint(db.preset("GROUP", "100"), 10, 32)
		return uid, uint32(gid), err
	}
	if db.group.find(name) != nil {
		return 0, 0, step.BadOption(step.At("users", name), "the tree has a group of this name; give its gid to make it the user's own")
	}
	own := &uid
	if inRange := uid >= db.number("GID_MIN", 1000) && uid <= db.number("GID_MAX", 60000); !inRange || db.group.findID(uid) != nil {
		own = nil
	}
	if err := db.addGroup(name, own); err != nil {
		return 0, 0, err
	}
	if !db.gshadow.exists {
		db.group.set(name, 1, "!") // as useradd does, and groupadd does not
	}
	gid64, err := strconv.ParseUint(field(db.group.find(name), 2), 10, 32)
	return uid, uint32(gid64), err
}

// changeUser does what usermod does, and makes a home that does not exist.
func (db *accounts) changeUser(c *step.Context, name string, u user) (*home, error) {
	row := db.passwd.find(name)
	if u.UID != nil && field(row, 2) != decimal(*u.UID) {
		return nil, step.BadOption(step.At("users", name, "uid"), "the tree has this user with the uid %s, which stays", field(row, 2))
	}
	if u.GID != nil {
		db.passwd.set(name, 3, decimal(*u.GID))
	}
	if len(u.Groups) > 0 {
		for _, other := range db.group.rows {
			in := slices.Contains(u.Groups, other[0])
			db.group.join(other[0], 3, name, in)
			db.gshadow.join(other[0], 3, name, in)
		}
	}
	if u.Description != nil {
		db.passwd.set(name, 4, *u.Description)
	}
	if u.Home != nil && *u.Home != "" {
		db.passwd.set(name, 5, *u.Home)
	}
	if u.Shell != "" {
		db.passwd.set(name, 6, u.Shell)
	}
	db.changeShadow(c, name, u)
	uid, gid, dir, err := owner(db.passwd.find(name))
	if err != nil || dir == "" {
		return nil, err
	}
	return &home{dir, uid, gid, db.helperMode(), "/etc/skel"}, nil
}

func (db *accounts) changeShadow(c *step.Context, name string, u user) {
	if u.Password != nil && db.shadow.find(name) != nil {
		db.shadow.set(name, 1, *u.Password)
		db.shadow.set(name, 2, today(c))
	} else if u.Password != nil {
		db.passwd.set(name, 1, *u.Password)
	}
	if u.ExpireDate != nil {
		db.shadow.set(name, 7, expiry(u.ExpireDate))
	}
}
