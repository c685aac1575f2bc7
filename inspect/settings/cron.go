package settings

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func cron() section.Section {
	return section.Section{
		Name: "cron", Source: "/etc/crontab, /etc/cron.d, /etc/anacrontab, /etc/cron.{hourly,daily,weekly,monthly}, /var/spool/cron",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			for _, read := range []func(*tree.Tree, *report.Report) error{systemCrontabs, anacrontab, cronDirs, userCrontabs} {
				if err := read(t, r); err != nil {
					return err
				}
			}
			slices.SortStableFunc(r.Cron, func(a, b report.CronJob) int {
				return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Schedule, b.Schedule))
			})
			return nil
		},
	}
}

// nameLetters are those of a shell variable's name.
const nameLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

// systemCrontabs have a user in each line: crontab(5).
func systemCrontabs(t *tree.Tree, r *report.Report) error {
	files, err := t.Glob("/etc/cron.d/*")
	if err != nil {
		return err
	}
	names := []string{"/etc/crontab"}
	for _, f := range files {
		// Others are leftovers of a package manager, or of an editor.
		if strings.Trim(f.Name(), nameLetters+"-") == "" && f.Node.Type != report.Directory {
			names = append(names, f.Path)
		}
	}
	for _, name := range names {
		if err := crontab(t, r, name, ""); err != nil {
			return err
		}
	}
	return nil
}

// userCrontabs are named after their user, in Debian's directory or Red Hat's.
func userCrontabs(t *tree.Tree, r *report.Report) error {
	for _, dir := range []string{"/var/spool/cron/crontabs", "/var/spool/cron"} {
		files, err := t.Glob(dir + "/*")
		if err != nil {
			return err
		}
		for _, f := range files {
			if f.Node.Type != report.File {
				continue
			}
			if err := crontab(t, r, f.Path, f.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// crontab reads one table; where user is empty each line names one.
func crontab(t *tree.Tree, r *report.Report, name, user string) error {
	return section.ReadLines(t, name, func(_ int, line string) error {
		fields := 5
		if line[0] == '@' {
			fields = 1
		} else if variable, _, ok := strings.Cut(line, "="); ok && strings.Trim(strings.TrimSpace(variable), nameLetters) == "" {
			return nil
		}
		job := report.CronJob{Source: name, User: user}
		var words []string
		for range fields {
			var word string
			word, line = cutWord(line)
			words = append(words, word)
		}
		job.Schedule = strings.Join(words, " ")
		if user == "" {
			job.User, line = cutWord(line)
		}
		job.Command = line
		r.Cron = append(r.Cron, job)
		return nil
	})
}

// anacrontab has period, delay, name and command: anacrontab(5).
func anacrontab(t *tree.Tree, r *report.Report) error {
	const name = "/etc/anacrontab"
	return section.ReadLines(t, name, func(_ int, line string) error {
		w := strings.Fields(line)
		if len(w) < 4 || strings.Contains(w[0], "=") {
			return nil
		}
		r.Cron = append(r.Cron, report.CronJob{Source: name, Schedule: "every " + w[0] + " days", Command: strings.Join(w[3:], " ")})
		return nil
	})
}

// cronDirs hold programs that run-parts(8) starts.
func cronDirs(t *tree.Tree, r *report.Report) error {
	for _, period := range []string{"hourly", "daily", "weekly", "monthly"} {
		files, err := t.Glob("/etc/cron." + period + "/*")
		if err != nil {
			return err
		}
		for _, f := range files {
			if f.Node.Type != report.Directory && f.Node.Mode&0o111 != 0 && !strings.HasPrefix(f.Name(), ".") {
				r.Cron = append(r.Cron, report.CronJob{Source: f.Path, Schedule: period, User: "root", Command: f.Path})
			}
		}
	}
	return nil
}

// cutWord splits the first word and the blanks behind it off.
func cutWord(s string) (word, rest string) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], " \t")
}
