package manifest

import (
	"cmp"
	"fmt"
	"slices"
)

// A Finding is something that a manifest may say and that its author will
// probably regret.
type Finding struct {
	// ID is the name of the rule.
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	Path     Path     `json:"path"`
	// Reason says what is wrong, Advice what to do.
	Reason string `json:"reason"`
	Advice string `json:"advice"`
}

// A Severity is how bad a finding is.
type Severity string

// The severities, from the worst.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Severities lists them, from the worst.
func Severities() []Severity { return []Severity{Error, Warning, Note} }

// AtLeast reports whether s is as bad as level.
func (s Severity) AtLeast(level Severity) bool {
	all := Severities()
	return slices.Index(all, s) <= slices.Index(all, level)
}

// A Rule is one thing that [Lint] looks for.
type Rule struct {
	ID       string
	Severity Severity
	// Reason is why it matters, for the reference.
	Reason string
	check  func(*linter)
}

// Rules is the one list of rules, in the order of the reference.
func Rules() []Rule {
	return []Rule{
		{"weak-checksum", Warning, "MD5 and SHA-1 do not pin content: others can be made with the same sum", weakChecksum},
		{"short-commit", Warning, "the beginning of a commit's id does not pin it", shortCommit},
		{"unpinned-repository", Error, "what a repository holds changes from day to day", unpinnedRepository},
		{"random-identifier", Warning, "an identifier that is not given is drawn anew by every build", randomIdentifier},
		{"insecure-source", Warning, "whoever sits on the way learns what is fetched, and can keep it back", insecureSource},
		{"secret-in-url", Error, "a manifest is no place for a password: it is stored, shown and sent around", secretInURL},
		{"plain-password", Error, "a manifest is no place for a password, and /etc/shadow holds hashes only", plainPassword},
		{"empty-password", Warning, "an account without a password lets everybody in, unless the login program refuses", emptyPassword},
		{"plain-passphrase", Warning, "whoever has the manifest can open the disk", plainPassphrase},
		{"deprecated-stage", Warning, "osbuild took the stage away, or tells not to use it", deprecatedStage},
		{"old-version", Note, "version 1 has no new features, and its assemblers are not stages", oldVersion},
		{"script", Warning, "what a script does nobody can tell from the manifest, and it need not do the same twice", script},
		{"uuid-twice", Error, "the kernel and the boot loader find disks by identifier: of two with one name either may come", uuidTwice},
		{"after-selinux", Warning, "what is written after the labels were set has no label, or the wrong one", afterSELinux},
		{"overridden-stage", Warning, "the later one overwrites what the earlier one wrote", overriddenStage},
		{"no-build-pipeline", Warning, "the tools are then those of the machine that builds: each may give another result", noBuildPipeline},
		{"no-source-epoch", Note, "what the output's newest time is then depends on who builds", noSourceEpoch},
		{"unused-source", Warning, "what nobody reads is fetched by some builders, and misleads readers", unusedSource},
		{"unused-pipeline", Note, "what nobody exports and nobody uses is never built", unusedPipeline},
	}
}

// Lint finds what a manifest may say and had better not, by document order.
// The manifest has no problems: see [Read].
func Lint(m *Manifest) []Finding {
	l := &linter{m: m}
	for _, rule := range Rules() {
		l.rule = rule
		rule.check(l)
	}
	slices.SortStableFunc(l.findings, func(a, b Finding) int { return comparePaths(a.Path, b.Path) })
	return l.findings
}

// A linter runs one rule after the other.
type linter struct {
	m        *Manifest
	rule     Rule
	findings []Finding
}

func (l *linter) find(path Path, advice, reason string, args ...any) {
	if len(l.findings) < maxProblems {
		l.findings = append(l.findings, Finding{l.rule.ID, l.rule.Severity, path, fmt.Sprintf(reason, args...), advice})
	}
}

// steps visits every step of the manifest.
func (l *linter) steps(visit func(*Pipeline, *Step)) {
	for _, p := range l.m.Pipelines {
		for _, s := range p.Steps {
			visit(p, s)
		}
	}
}

// builds are the names of the pipelines that others run in.
func (l *linter) builds() map[string]bool {
	builds := map[string]bool{}
	for _, p := range l.m.Pipelines {
		builds[p.Build] = true
	}
	return builds
}

// comparePaths sorts by keys and indices, what contains before what it contains.
func comparePaths(a, b Path) int {
	for i := range min(len(a), len(b)) {
		x, xIsIndex := a[i].(int)
		y, yIsIndex := b[i].(int)
		order := cmp.Compare(x, y)
		if !xIsIndex || !yIsIndex {
			order = cmp.Compare(fmt.Sprint(a[i]), fmt.Sprint(b[i]))
		}
		if order != 0 {
			return order
		}
	}
	return cmp.Compare(len(a), len(b))
}
