package accounts

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// TestDebian reads a whole Debian system, and asks its own programs.
func TestDebian(t *testing.T) {
	root := fixtures.DebianTree(t)
	r := sectiontest.Fill(t, Sections(Options{}), treetest.Open(t, root))
	for name, s := range r.Sections {
		if s.Status == report.Unread {
			t.Errorf("section %s: %s", name, s.Reason)
		}
	}
	t.Run("sudoers", func(t *testing.T) { compareSudoers(t, root, r.Sudoers) })
	t.Run("shadow", func(t *testing.T) { compareShadow(t, root, r.Shadow) })
	t.Run("keys", func(t *testing.T) { compareKeys(t, root, r.Logins) })
	for _, p := range r.PAM {
		if len(p.Stack) == 0 || len(p.Problems) > 0 || len(p.Missing) > 0 {
			t.Errorf("%+v", p)
		}
	}
	if len(r.PAM) < 15 || r.Polkit.Actions < 50 || len(r.Polkit.Rules) < 2 || len(r.Skel) != 3 || r.LoginDefs["UID_MIN"] != "1000" {
		t.Errorf("%d services, polkit %+v, skel %q", len(r.PAM), r.Polkit, r.Skel)
	}
	if len(r.Logins) != 1 || short(r.Logins[0]) != "ssh key" {
		t.Errorf("logins: %+v", r.Logins)
	}
}

// A member of cvtsudoers' JSON.
type member map[string]any

func (m member) String() string {
	prefix := map[string]string{"usergroup": "%", "userid": "#", "usergid": "%#", "netgroup": "+"}
	for kind, name := range m {
		if kind != "negated" {
			text := prefix[kind] + fmt.Sprint(name)
			if m["negated"] == true {
				text = "!" + text
			}
			return text
		}
	}
	return ""
}

func compareSudoers(t *testing.T, root string, got *report.Sudoers) {
	text, err := fixtures.InTree(t, root, nil, "", "cvtsudoers", "-f", "json", "/etc/sudoers")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Defaults  []struct{ Options []map[string]any }
		UserSpecs []struct {
			UserList  []member `json:"User_List"`
			HostList  []member `json:"Host_List"`
			CmndSpecs []struct {
				RunAsUsers, RunAsGroups []member
				Options                 []map[string]any
				Commands                []member
			} `json:"Cmnd_Specs"`
		} `json:"User_Specs"`
	}
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	var theirs, ours []string
	for _, u := range want.UserSpecs {
		for _, c := range u.CmndSpecs {
			pass := ""
			for _, o := range c.Options {
				if o["authenticate"] == false {
					pass = " NOPASSWD"
				}
			}
			groups := strings.ReplaceAll(fmt.Sprint(c.RunAsGroups), "%", "")
			theirs = append(theirs, fmt.Sprintln(u.UserList, u.HostList, c.RunAsUsers, groups, c.Commands, pass))
		}
	}
	for _, rule := range got.Rules {
		pass := ""
		if slices.Contains(rule.Options, "NOPASSWD") {
			pass = " NOPASSWD"
		}
		ours = append(ours, fmt.Sprintln(rule.Users, rule.Hosts, rule.RunAsUsers, rule.RunAsGroups, rule.Commands, pass))
	}
	if !slices.Equal(ours, theirs) || len(ours) < 4 {
		t.Errorf("got\n%s\ncvtsudoers says\n%s", strings.Join(ours, ""), strings.Join(theirs, ""))
	}
	if len(got.Defaults) != len(want.Defaults) || len(got.Problems) > 0 {
		t.Errorf("%d settings, cvtsudoers has %d; problems %q", len(got.Defaults), len(want.Defaults), got.Problems)
	}
}

// compareShadow asks chage(1) for the days and passwd(1) for the states.
func compareShadow(t *testing.T, root string, list []report.ShadowEntry) {
	if len(list) < 15 {
		t.Errorf("only %d entries", len(list))
	}
	for _, e := range list {
		text, err := fixtures.InTree(t, root, nil, "", "chage", "--list", "--iso8601", e.Name)
		if err != nil {
			t.Fatal(err)
		}
		facts := map[string]string{}
		for line := range strings.Lines(text) {
			key, value, _ := strings.Cut(line, ":")
			facts[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
		for key, got := range map[string]string{
			"Last password change":                              date(e.Changed),
			"Account expires":                                   date(e.Expire),
			"Minimum number of days between password change":    number(e.Min),
			"Maximum number of days between password change":    number(e.Max),
			"Number of days of warning before password expires": number(e.Warn),
		} {
			if facts[key] != got {
				t.Errorf("%s: %s: %s, chage says %s", e.Name, key, got, facts[key])
			}
		}
	}
}

func date(n *int64) string {
	if n == nil {
		return "never"
	}
	return time.Unix(*n*86400, 0).UTC().Format(time.DateOnly)
}

func number(n *int64) string {
	if n == nil {
		return "-1"
	}
	return fmt.Sprint(*n)
}

// compareKeys asks ssh-keygen(1) for the fingerprints.
func compareKeys(t *testing.T, root string, list []report.Login) {
	fixtures.RequireTool(t, "ssh-keygen")
	for _, l := range list {
		for _, k := range l.Keys {
			name, _, _ := strings.Cut(k.Source, ":")
			want := fixtures.Run(t, "ssh-keygen", "-l", "-f", filepath.Join(root, name))
			if !strings.Contains(want, " "+k.Fingerprint+" "+k.Comment+" ") {
				t.Errorf("got %+v, ssh-keygen says %s", k, want)
			}
		}
	}
}

// TestFingerprints asks ssh-keygen(1) about a new key of each type.
func TestFingerprints(t *testing.T) {
	fixtures.RequireTool(t, "ssh-keygen")
	for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
		file := filepath.Join(t.TempDir(), kind)
		fixtures.Run(t, "ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "a comment", "-f", file)
		data, err := os.ReadFile(file + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		keys, _, err := authorizedKeys(data, "x")
		want := strings.Fields(fixtures.Run(t, "ssh-keygen", "-l", "-f", file+".pub"))
		if err != nil || len(keys) != 1 || keys[0].Fingerprint != want[1] || keys[0].Comment != "a comment" {
			t.Errorf("%s: %+v, %v; ssh-keygen says %s", kind, keys, err, want)
		}
	}
}
