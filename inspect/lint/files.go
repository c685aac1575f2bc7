package lint

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/assay-os/assay/report"
)

// fileRules find entries whose own facts are at fault.
func fileRules() []Rule {
	return []Rule{
		{
			ID: "world-writable", Level: Error, needs: []string{"files"},
			Summary: "everybody may write", Reason: "any user of the system can change what others run or read",
			Fix:   "take the permission away (chmod o-w); a shared directory needs the sticky bit",
			check: worldWritable,
		},
		{
			ID: "unowned-privilege", Level: Error, needs: []string{"privileged", "packages"},
			Summary: "a setuid or setgid program belongs to no package", Reason: "nobody updates it, and whoever put it there gets its rights",
			Fix:   "remove the program, or install it by a package",
			check: unownedPrivileges,
		},
		{
			ID: "writable-privilege", Level: Error, needs: []string{"privileged"},
			Summary: "others may write to a setuid or setgid program", Reason: "who can change the program has its rights",
			Fix: "take the permission away (chmod go-w)",
			check: func(s *subject) []found {
				var list []found
				for _, p := range s.Privileged {
					if p.Mode&0o022 != 0 {
						list = append(list, found{p.Path, fmt.Sprintf("mode %04o", uint32(p.Mode))})
					}
				}
				return list
			},
		},
		{
			ID: "privileged-shell", Level: Error, needs: []string{"privileged"},
			Summary: "a program that runs any command is setuid or setgid", Reason: "whoever starts it has the rights of its owner or group, for anything",
			Fix:   "take the bit away (chmod ug-s)",
			check: privilegedShells,
		},
		{
			ID: "unknown-owner", Level: Warning, needs: []string{"files", "users", "groups"},
			Summary: "a file belongs to a user or group that the system does not have", Reason: "the next user who gets the number owns the file",
			Fix:   "give the file an owner of the system",
			check: unknownOwners,
		},
		{
			ID: "broken-link", Level: Note, needs: []string{"files"},
			Summary: "a symbolic link leads nowhere", Reason: "what follows it fails",
			Fix:   "remove the link, or install what it leads to",
			check: brokenLinks,
		},
		{
			ID: "label", Level: Error, needs: []string{"selinux", "selinux-mismatches"},
			Summary: "a file's SELinux label is not the one that the policy has for it", Reason: "the system denies what should be allowed, or allows what should be denied",
			Fix:   "label the tree by its own policy (setfiles, or the stage org.osbuild.selinux) after everything else",
			check: labels,
		},
		{
			ID: "shadow-readable", Level: Error, needs: []string{"files"},
			Summary: "everybody can read the passwords' hashes", Reason: "hashes that can be read can be guessed offline",
			Fix:   "chmod 0640, or 0000 as on Red Hat's systems",
			check: shadowReadable,
		},
	}
}

func unknownOwners(s *subject) []found {
	if !s.has("users") || !s.has("groups") {
		return nil // a tree without tables of users is no system
	}
	users, groups := map[uint32]bool{}, map[uint32]bool{}
	for _, u := range s.Users {
		users[u.UID] = true
	}
	for _, g := range s.Groups {
		groups[g.GID] = true
	}
	var list []found
	for _, e := range s.Files {
		switch {
		case !strings.HasPrefix(string(e.Path), "/"):
		case !users[e.UID]:
			list = append(list, found{e.Path, fmt.Sprintf("user %d is not in /etc/passwd", e.UID)})
		case !groups[e.GID]:
			list = append(list, found{e.Path, fmt.Sprintf("group %d is not in /etc/group", e.GID)})
		}
	}
	return list
}

func brokenLinks(s *subject) []found {
	var list []found
	for _, e := range s.Files {
		target := string(e.Target)
		if e.Type != report.Symlink || !strings.HasPrefix(string(e.Path), "/") || atRuntime(string(e.Path)) {
			continue
		}
		if !strings.HasPrefix(target, "/") {
			target = path.Dir(string(e.Path)) + "/" + target
		}
		if !s.resolve(target) {
			list = append(list, found{e.Path, "it leads to " + e.Target.String()})
		}
	}
	return list
}

func labels(s *subject) []found {
	if x := s.SELinux; x != nil && x.Labelled == 0 && x.FileContexts != nil && x.ModeAtBoot != "disabled" && !x.Autorelabel {
		// Then the section of mismatches is absent: nothing is compared.
		return []found{{"/", fmt.Sprintf("none of %d files has a label", x.Unlabelled)}}
	}
	var list []found
	for _, m := range s.SELinuxMismatches {
		if m.Customizable || m.Kind == "user" {
			continue // a relabelling would leave it as it is
		}
		actual := m.Actual
		if actual == "" {
			actual = "no label"
		}
		list = append(list, found{m.Path, fmt.Sprintf("%s, the policy has %s", actual, m.Expected)})
	}
	return list
}

// worldWritable are what others may write to, but for shared directories and devices.
func worldWritable(s *subject) []found {
	return each(s.matching(func(e *report.Entry) bool {
		if e.Type == report.Symlink || e.Mode&0o002 == 0 || atRuntime(string(e.Path)) {
			return false
		}
		device := e.Type == report.Char || e.Type == report.Block
		return !device && (e.Type != report.Directory || e.Mode&0o1000 == 0)
	}), "everybody may write")
}

// shadowReadable are the tables of hashes that others may read.
func shadowReadable(s *subject) []found {
	var list []found
	for _, p := range []string{"/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/gshadow-"} {
		if e := s.Entry(p); e != nil && e.Mode&0o004 != 0 {
			list = append(list, found{e.Path, fmt.Sprintf("mode %04o", uint32(e.Mode))})
		}
	}
	return list
}

// unownedPrivileges are programs with rights of their own that no package owns.
func unownedPrivileges(s *subject) []found {
	var list []found
	for _, p := range s.Privileged {
		if p.Package == "" && s.has("packages") { // without packages nothing is owned
			list = append(list, found{p.Path, fmt.Sprintf("mode %04o, owner %s, group %s", uint32(p.Mode), p.User, p.Group)})
		}
	}
	return list
}

// privilegedShells are shells, interpreters and what starts or writes anything it is told
// to. No package has a reason to give one rights of its own.
func privilegedShells(s *subject) []found {
	programs := regexp.MustCompile(`^(busybox|bash|dash|ksh|mksh|sh|zsh|csh|tcsh|fish|env|nice|nohup|setsid|stdbuf|timeout|xargs|find|awk|gawk|mawk|sed|ed|vi|vim(\.[a-z]+)?|nano|emacs|` +
		`less|more|cp|mv|dd|tee|install|tar|cpio|rsync|gdb|strace|make|git|docker|podman|systemd-run|chroot|unshare|nsenter|(python|perl|ruby|lua|php|tclsh|node)[0-9.]*)$`)
	var list []found
	for _, p := range s.Privileged {
		if programs.MatchString(path.Base(string(p.Path))) {
			list = append(list, found{p.Path, fmt.Sprintf("mode %04o, owner %s, group %s", uint32(p.Mode), p.User, p.Group)})
		}
	}
	return list
}
