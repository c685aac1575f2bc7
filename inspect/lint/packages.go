package lint

import (
	"fmt"
	"strings"
)

// packageRules find what is not as its package says.
func packageRules() []Rule {
	return []Rule{
		{
			ID: "missing-file", Level: Warning, needs: []string{"verification"},
			Summary: "a file of a package is missing", Reason: "the program that needs it fails, and the package manager believes that it is there",
			Fix:   "install the package again, or tell its manager not to unpack the file",
			check: missingFiles,
		},
		{
			ID: "changed-file", Level: Warning, needs: []string{"verification"},
			Summary: "a program is not the one that its package brought", Reason: "an update will put the package's own in its place, and nobody knows what this one does",
			Fix: "install the package again, or divert the file",
			unsure: func(s *subject) string {
				if s.Verification == nil || s.Verification.Unread == 0 {
					return ""
				}
				return fmt.Sprintf("%d contents were not compared with their packages; make the report with --verify", s.Verification.Unread)
			},
			check: func(s *subject) []found {
				var list []found
				if s.Verification == nil {
					return nil
				}
				for _, d := range s.Verification.Different {
					if d.Attribute == "" && strings.Contains(d.Result, "5") {
						list = append(list, found{d.Path, fmt.Sprintf("of %s: %s", d.Package, d.Result)})
					}
				}
				return list
			},
		},
		{
			ID: "half-installed", Level: Error, needs: []string{"packages"},
			Summary: "a package is installed in part", Reason: "its programs may not work, and the package manager refuses to go on",
			Fix:   "dpkg --configure -a, or remove the package",
			check: halfInstalled,
		},
		{
			ID: "unchecked-repository", Level: Warning, needs: []string{"repositories"},
			Summary: "packages of a repository are not checked", Reason: "whoever sits between the machine and the repository chooses what is installed",
			Fix: "switch the check of signatures on (gpgcheck=1; apt: remove trusted=yes)",
			check: func(s *subject) []found {
				var list []found
				for _, r := range s.Repositories {
					if r.Enabled && r.Check == "no" {
						list = append(list, found{r.Source, r.ID})
					}
				}
				return list
			},
		},
	}
}

// missingFiles are those that a package lists, but for configuration, documentation and ghosts.
func missingFiles(s *subject) []found {
	var list []found
	if s.Verification == nil {
		return nil
	}
	for _, d := range s.Verification.Different {
		if d.Result == "missing" && !strings.ContainsAny(d.Attribute, "cdg") && d.State == "" {
			list = append(list, found{d.Path, "of " + d.Package})
		}
	}
	return list
}

// halfInstalled are the packages of dpkg that are neither installed nor gone.
func halfInstalled(s *subject) []found {
	var list []found
	for _, p := range s.Packages {
		words := strings.Fields(p.State)
		if len(words) == 3 && (words[1] != "ok" || words[2] != "installed" && words[2] != "config-files" && words[2] != "not-installed") {
			list = append(list, found{rawName(p.Name), p.State})
		}
	}
	return list
}
