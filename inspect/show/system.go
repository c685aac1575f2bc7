package show

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/assay-os/assay/report"
)

// boots tells what can be booted, and how.
func boots(r *report.Report) part {
	p := part{Heading: "How it boots"}
	if p.state(r, "boot", "no way to boot was found") {
		return p
	}
	t := table{Heads: []string{"", "entry", "kernel and its command line"}}
	for _, b := range r.Boot {
		mark := ""
		if b.Default {
			mark = "*"
		}
		t.Rows = append(t.Rows, row(mark, b.Title, strings.TrimSpace(b.Linux+" "+b.Options)))
	}
	p.table(t)
	return p
}

// logins tells who can log in: who has a password or a key, and a shell.
func logins(r *report.Report) part {
	p := part{Heading: "Who can log in"}
	if p.state(r, "users", "no users") {
		return p
	}
	t := table{Heads: []string{"user", ">uid", "shell", "by"}}
	for _, u := range r.Users {
		if canLogIn(u) {
			t.Rows = append(t.Rows, append(row(u.Name, fmt.Sprint(u.UID), cmp.Or(u.Shell, "/bin/sh")), loginBy(u)))
		}
	}
	if len(t.Rows) == 0 {
		p.note(good, "nobody: no user with a shell has a password or a key")
	}
	p.table(t)
	return p
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

// running tells what systemd starts.
func running(r *report.Report) part {
	p := part{Heading: "What runs"}
	if p.state(r, "services", "no systemd units") {
		return p
	}
	s := r.Services
	p.facts(
		fact{Label: "default target", Value: text(cmp.Or(s.DefaultTarget, "none"))},
		names("enabled", s.Enabled),
		names("masked", s.Masked),
		fact{Label: "disabled", Value: text(count(len(s.Disabled), "unit"))},
	)
	return p
}

// names is a fact of many, or that there is none.
func names(label string, list []string) fact {
	if len(list) == 0 {
		return fact{Label: label, Value: cell{"none", soft}}
	}
	return fact{Label: label, Names: list}
}
