package show

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// logins tells who can log in and how, and who may become root.
func logins(r *report.Report) part {
	p := part{Heading: "Who can log in"}
	if p.state(r, "users", "no users") {
		return p
	}
	t := table{Heads: []string{"user", ">uid", "shell", "by"}}
	for _, u := range accounts(r) {
		t.Rows = append(t.Rows, append(row(u.Name, fmt.Sprint(u.UID), cmp.Or(u.Shell, "/bin/sh")), u.by))
	}
	if len(t.Rows) == 0 {
		p.note(good, "nobody: no user with a shell has a password or a key")
	}
	p.table(t)
	p.facts(names1("may use sudo", sudoers(r)))
	return p
}

// An account is a user that can log in.
type account struct {
	report.User
	by cell
}

// accounts are those of the section "logins", which knows of sshd and PAM; where
// that was not read they are those with a password or a key, and a shell.
func accounts(r *report.Report) []account {
	var out []account
	known := r.Sections["logins"].Status == report.OK
	for _, l := range r.Logins {
		if known && len(l.Ways) > 0 {
			out = append(out, account{report.User{Name: l.Name, UID: l.UID, Shell: l.Shell}, ways(l)})
		}
	}
	for _, u := range r.Users {
		// Nobody should be without a password, whatever keeps him from using that today.
		open := u.Password == "none" && !slices.ContainsFunc(out, func(a account) bool { return a.Name == u.Name })
		if canLogIn(u) && (open || !known) {
			out = append(out, account{u, loginBy(u)})
		}
	}
	return out
}

// ways tells how a user gets in, and under which conditions.
func ways(l report.Login) cell {
	c := cell{Text: strings.Join(l.Ways, ", ")}
	if len(l.Conditions) > 0 {
		c.Text += " (sshd: " + strings.Join(l.Conditions, "; ") + ")"
	}
	switch {
	case slices.Contains(l.Ways, "console without password"):
		c.Tone = bad
	case slices.Contains(l.Ways, "autologin"):
		c.Tone = warn
	}
	return c
}

// sudoers are whom rules name, and whether they need no password.
func sudoers(r *report.Report) []string {
	if r.Sudoers == nil {
		return nil
	}
	var out []string
	for _, rule := range r.Sudoers.Rules {
		free := ""
		if slices.Contains(rule.Options, "NOPASSWD") {
			free = " (without a password)"
		}
		for _, u := range rule.Users {
			if name := u + free; !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

func canLogIn(u report.User) bool {
	shell := !strings.HasSuffix(u.Shell, "/nologin") && !strings.HasSuffix(u.Shell, "/false")
	return shell && (u.Password != "locked" || u.Keys > 0)
}

func loginBy(u report.User) cell {
	var c cell
	switch u.Password {
	case "locked":
	case "none":
		c = cell{"WITHOUT A PASSWORD", bad}
	default:
		c.Text = "password (" + u.Password + ")"
	}
	if u.Keys > 0 {
		c.Text = strings.TrimPrefix(c.Text+", "+count(u.Keys, "key"), ", ")
	}
	return c
}
