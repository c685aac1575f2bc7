package lint

import (
	"path"
	"regexp"
	"strings"

	"github.com/assay-os/assay/report"
)

// leftoverRules find what the making of an image has left behind.
func leftoverRules() []Rule {
	return []Rule{
		{
			ID: "log-entries", Level: Warning, needs: []string{"files"},
			Summary: "a log has entries", Reason: "they tell of the machine that made the image, and differ between builds",
			Fix:   "empty the log, or remove it",
			check: logs,
		},
		{
			ID: "shell-history", Level: Error, needs: []string{"files"},
			Summary: "a shell's history is in the image", Reason: "it tells what was typed, passwords at times included",
			Fix:   "remove the file",
			check: shellHistories,
		},
		{
			ID: "build-leftover", Level: Warning, needs: []string{"files"},
			Summary: "a file of the build is in the image", Reason: "nothing uses it, and builds differ by it",
			Fix: "remove the file",
			check: func(s *subject) []found {
				leftover := regexp.MustCompile(`^/osbuild-script$|/dracut\.[A-Za-z0-9]{6}(/|$)|^/usr/sbin/policy-rc\.d$|^/etc/apt/apt\.conf\.d/[^/]*(99mmdebstrap|debug-proxy)$|^/\.dockerenv$|^/root/(anaconda-ks|original-ks)\.cfg$`)
				return each(s.matching(func(e *report.Entry) bool { return leftover.MatchString(string(e.Path)) }), "it was made for the build")
			},
		},
		{
			ID: "package-leftover", Level: Note, needs: []string{"files"},
			Summary: "a package manager has kept two versions of a configuration", Reason: "somebody has to choose; in an image nobody will",
			Fix: "merge the two files and remove this one",
			check: func(s *subject) []found {
				kept := regexp.MustCompile(`\.(rpmsave|rpmnew|rpmorig|dpkg-old|dpkg-new|dpkg-dist|dpkg-tmp|ucf-old|ucf-new|ucf-dist|pacnew|pacsave|apk-new)$`)
				return each(s.matching(func(e *report.Entry) bool { return e.Type != report.Directory && kept.MatchString(string(e.Path)) }), "two versions are there")
			},
		},
		{
			ID: "temporary-file", Level: Warning, needs: []string{"files"},
			Summary: "a temporary directory is not empty", Reason: "what is in it is of the build, or is removed at the first boot",
			Fix: "empty the directory",
			check: func(s *subject) []found {
				var list []found
				for _, dir := range []string{"/tmp", "/var/tmp", "/run"} {
					for _, e := range s.below(dir) {
						if e.Type == report.File && e.Package == "" {
							list = append(list, found{e.Path, "it is in a temporary directory"})
						}
					}
				}
				return list
			},
		},
		{
			ID: "package-cache", Level: Note, needs: []string{"files"},
			Summary: "a package manager's cache is in the image", Reason: "it makes the image larger, and is stale at once",
			Fix:   "clean the cache (apt-get clean, dnf clean all)",
			check: packageCaches,
		},
	}
}

// logs are those with content, but for what a package brings.
func logs(s *subject) []found {
	var list []found
	for _, e := range s.files("/var/log") {
		if e.Package == "" && !strings.HasPrefix(string(e.Path), "/var/log/journal/") {
			list = append(list, found{e.Path, sized(e.Size)})
		}
	}
	return list
}

// shellHistories are the files in which shells and editors remember.
func shellHistories(s *subject) []found {
	return each(s.matching(func(e *report.Entry) bool {
		switch path.Base(string(e.Path)) {
		case ".bash_history", ".zsh_history", ".ash_history", ".sh_history", ".python_history", ".lesshst", ".viminfo", ".mysql_history", ".psql_history":
			return e.Type == report.File && e.Size > 0
		}
		return false
	}), "somebody worked in this image")
}

// packageCaches are the directories of package managers, each as one finding.
func packageCaches(s *subject) []found {
	var list []found
	for _, dir := range []string{"/var/cache/apt/archives", "/var/lib/apt/lists", "/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum", "/var/cache/pacman/pkg", "/var/cache/apk"} {
		list = append(list, summed(dir, s.files(dir))...)
	}
	return list
}
