package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// accountRules find doors that stand open.
func accountRules() []Rule {
	return []Rule{
		{
			ID: "empty-password", Level: Error, needs: []string{"users"},
			Summary: "a user has no password", Reason: "anybody logs in as this user at a console, and where a service allows it",
			Fix: "lock the password (passwd -l), or set a hash",
			check: func(s *subject) []found {
				return usersWho(s, func(u report.User) string {
					if u.Password == "none" {
						return "no password is asked for"
					}
					return ""
				})
			},
		},
		{
			ID: "weak-hash", Level: Warning, needs: []string{"users"},
			Summary: "a password's hash is weak", Reason: "it can be guessed by trying: crypt(5)",
			Fix: "set the password anew, with yescrypt or sha512",
			check: func(s *subject) []found {
				return usersWho(s, func(u report.User) string {
					if slices.Contains([]string{"des", "md5", "nt", "sha1", "sunmd5"}, u.Password) {
						return "the hash is " + u.Password
					}
					return ""
				})
			},
		},
		{
			ID: "root-key", Level: Error, needs: []string{"users", "logins"},
			Summary: "somebody's SSH key opens root", Reason: "whoever has the private key is root on every machine that is made of the image",
			Fix:   "remove root's authorized_keys; let cloud-init or Ignition write keys at the first boot",
			check: rootKeys,
		},
		{
			ID: "second-root", Level: Error, needs: []string{"users"},
			Summary: "a user besides root has the number 0", Reason: "this user is root",
			Fix: "give the user another number",
			check: func(s *subject) []found {
				return usersWho(s, func(u report.User) string {
					if u.UID == 0 && u.Name != "root" {
						return "uid 0"
					}
					return ""
				})
			},
		},
		{
			ID: "duplicate-account", Level: Warning, needs: []string{"users", "groups"},
			Summary: "two users or groups have one name", Reason: "which of the two counts depends on the program that looks",
			Fix:   "remove one",
			check: duplicateAccounts,
		},
	}
}

// usersWho are the users about whom fn has something to say.
func usersWho(s *subject, fn func(report.User) string) []found {
	var list []found
	for _, u := range s.Users {
		if message := fn(u); message != "" {
			list = append(list, found{report.Raw(u.Name), message})
		}
	}
	return list
}

// duplicateAccounts are names that come twice; both lists are sorted by name.
func duplicateAccounts(s *subject) []found {
	var list []found
	for i := 1; i < len(s.Users); i++ {
		if s.Users[i].Name == s.Users[i-1].Name {
			list = append(list, found{report.Raw(s.Users[i].Name), "the user is there twice"})
		}
	}
	for i := 1; i < len(s.Groups); i++ {
		if s.Groups[i].Name == s.Groups[i-1].Name {
			list = append(list, found{report.Raw(s.Groups[i].Name), "the group is there twice"})
		}
	}
	return list
}

// rootKeys are the keys that open root, wherever sshd looks for them.
func rootKeys(s *subject) []found {
	list := usersWho(s, func(u report.User) string {
		if u.UID == 0 && u.Keys > 0 {
			return fmt.Sprintf("%d keys are in %s/.ssh", u.Keys, strings.TrimSuffix(u.Home, "/"))
		}
		return ""
	})
	for _, l := range s.Logins {
		name := report.Raw(l.Name)
		if l.UID == 0 && len(l.Keys) > 0 && !slices.ContainsFunc(list, func(f found) bool { return f.path == name }) {
			list = append(list, found{name, "a key is in " + l.Keys[0].Source})
		}
	}
	return list
}
