package manifest

import (
	"strings"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// Rules about single steps.

// passwords visits the passwords of accounts: in org.osbuild.users, and in a
// kickstart file, where "plaintext" says that it is meant as one.
func (l *linter) passwords(visit func(password string, plain bool, path Path)) {
	l.steps(func(_ *Pipeline, s *Step) {
		if s.Type != "org.osbuild.users" && s.Type != "org.osbuild.kickstart" {
			return
		}
		options := value(s.Options)
		users, _ := options.Lookup("users")
		for _, u := range users.Members() {
			if p, ok := u.Value.Lookup("password"); ok && p.Kind() == pyjson.String {
				visit(p.Text(), !crypted(p.Text()), s.Path.At("options", "users", u.Key, "password"))
			}
		}
		root, _ := options.Lookup("rootpw")
		if p, ok := root.Lookup("password"); ok && p.Kind() == pyjson.String {
			isCrypted, _ := root.Lookup("iscrypted")
			visit(p.Text(), !isCrypted.True(), s.Path.At("options", "rootpw", "password"))
		}
	})
}

// crypted reports whether a password is what crypt(5) makes, or locks the
// account: "!" and "*" match no hash.
func crypted(password string) bool {
	hash := strings.TrimLeft(password, "!")
	return hash == "" || strings.HasPrefix(hash, "*") || strings.HasPrefix(hash, "$") && strings.Count(hash, "$") >= 2
}

func plainPassword(l *linter) {
	l.passwords(func(password string, plain bool, path Path) {
		if plain && password != "" {
			l.find(path, "write its hash, as mkpasswd prints it", "the password is not hashed")
		}
	})
}

func emptyPassword(l *linter) {
	l.passwords(func(password string, _ bool, path Path) {
		if password == "" {
			l.find(path, `leave the password out, or write "!" to lock the account`, "the password is empty")
		}
	})
}

func plainPassphrase(l *linter) {
	report := func(options pyjson.Value, path Path) {
		if p, ok := options.Lookup("passphrase"); ok && p.Text() != "" {
			l.find(path.At("passphrase"), "take it for the build only: bind or enrol another key and remove this one", "the passphrase of an encrypted disk stands in the manifest")
		}
	}
	l.steps(func(_ *Pipeline, s *Step) {
		if s.Type == "org.osbuild.luks2.format" {
			report(value(s.Options), s.Path.At("options"))
		}
		if s.Type == "org.osbuild.kickstart" {
			autopart, _ := value(s.Options).Lookup("autopart")
			report(autopart, s.Path.At("options", "autopart"))
		}
	})
}

// deprecations are stages that osbuild tells not to use (their meta.json of
// f6b23dbc) or has removed (its history up to there), with what to use.
func deprecations(stage string) (what, use string) {
	switch stage {
	case "org.osbuild.ostree":
		return "is deprecated", "use org.osbuild.ostree.init-fs, org.osbuild.ostree.pull and org.osbuild.ostree.deploy"
	case "org.osbuild.dnf", "org.osbuild.yum":
		return "was removed from osbuild in April 2020", "resolve the packages and use org.osbuild.rpm"
	case "org.osbuild.script":
		return "was removed from osbuild in July 2020", "use the stages that do what the script does"
	case "org.osbuild.ansible":
		return "was removed from osbuild in September 2019", "use the stages that do what the playbook does, or run it at first boot"
	case "org.osbuild.remove-uniqueness":
		return "was removed from osbuild in September 2019", "use org.osbuild.machine-id"
	case "org.osbuild.dnf4.sbom.spdx", "org.osbuild.dnf5.sbom.spdx":
		return "was removed from osbuild in November 2025", "make the list of packages when they are resolved"
	}
	return "", ""
}

func deprecatedStage(l *linter) {
	l.steps(func(_ *Pipeline, s *Step) {
		if what, use := deprecations(s.Type); what != "" && !s.Assembler {
			l.find(s.Path, use, "the stage %s %s", s.Type, what)
		}
	})
}

func script(l *linter) {
	l.steps(func(_ *Pipeline, s *Step) {
		if s.Type == "org.osbuild.script" {
			l.find(s.Path, "use the stages that do what it does, or a package with a maintainer script", "the stage runs a script of its own")
		}
	})
}

func randomIdentifier(l *linter) {
	l.steps(func(_ *Pipeline, s *Step) {
		options := value(s.Options)
		partitions, _ := options.Lookup("partitions")
		label, _ := options.Lookup("label")
		table, _ := options.Lookup("pttype")
		if s.Type != "org.osbuild.sfdisk" && s.Type != "org.osbuild.qemu" || label.Text() != "gpt" && table.Text() != "gpt" {
			return
		}
		for i, p := range partitions.Items() {
			if id, _ := p.Lookup("uuid"); id.Text() == "" {
				l.find(s.Path.At("options", "partitions", i), `give it a "uuid"`, "the partition has no UUID")
			}
		}
	})
}

func overriddenStage(l *linter) {
	one := map[string]bool{
		"org.osbuild.hostname": true, "org.osbuild.locale": true, "org.osbuild.keymap": true, "org.osbuild.timezone": true,
		"org.osbuild.machine-id": true, "org.osbuild.fstab": true, "org.osbuild.kernel-cmdline": true,
	}
	for _, p := range l.m.Pipelines {
		before := map[string]*Step{}
		for _, s := range p.Steps {
			if first := before[s.Type]; one[s.Type] && first != nil {
				l.find(s.Path, "keep one of them", "%s comes twice in the pipeline; the other one is %s", s.Type, first.Path)
			}
			before[s.Type] = s
		}
	}
}

// afterSELinux names what may follow the labels: what writes no file of the
// tree, and what moves or labels it as a whole.
func afterSELinux(l *linter) {
	for _, p := range l.m.Pipelines {
		labelled := false
		for _, s := range p.Steps {
			harmless := s.Type == "org.osbuild.noop" || s.Type == "org.osbuild.error" || strings.HasPrefix(s.Type, "org.osbuild.ostree.") || strings.HasPrefix(s.Type, "org.osbuild.selinux")
			if labelled && !harmless {
				l.find(s.Path, "move it before org.osbuild.selinux", "%s changes the tree after org.osbuild.selinux has labelled it", s.Type)
			}
			labelled = labelled || s.Type == "org.osbuild.selinux"
		}
	}
}
