package manifest

import (
	"os"
	"strings"
	"testing"
)

func findings(list []Finding) string {
	var lines []string
	for _, f := range list {
		lines = append(lines, f.ID+" "+f.Path.String())
	}
	return strings.Join(lines, "\n")
}

// tree is a document of one pipeline of the given stages, with everything
// that no rule of this test is about.
func clean(stages, sources string) string {
	return `{"version": "2", "pipelines": [{"name": "b", "source-epoch": 1, "stages": [{"type": "x"}]}, {"name": "p", "build": "name:b", "source-epoch": 1, "stages": [` + stages + `]}], "sources": {` + sources + `}}`
}

func reads(id string) string {
	return `{"type": "x", "inputs": {"f": {"type": "org.osbuild.noop", "origin": "org.osbuild.source", "references": ["` + id + `"]}}}`
}

// TestLint: each rule with what it finds and what comes near and is fine.
func TestLint(t *testing.T) {
	at := "pipelines[1].stages[0]"
	md5, commit := "md5:"+strings.Repeat("a", 32), strings.Repeat("a", 64)
	curl := func(id, item string) string {
		return clean(reads(id), `"org.osbuild.curl": {"items": {"`+id+`": `+item+`}}`)
	}
	users := func(password string) string {
		return clean(`{"type": "org.osbuild.users", "options": {"users": {"bob": {"password": "`+password+`"}}}}`, "")
	}
	sfdisk := func(a, b string) string {
		return clean(`{"type": "org.osbuild.sfdisk", "options": {"label": "gpt", "uuid": "T", "partitions": [{`+a+`}, {`+b+`}]}}`, "")
	}
	tests := map[string]struct{ doc, want string }{
		"nothing":           {clean(`{"type": "x"}`, ""), ""},
		"md5":               {curl(md5, `"http://a/"`), `weak-checksum sources["org.osbuild.curl"].items["` + md5 + `"]`},
		"sha256":            {curl(sumA, `"http://a/"`), ``},
		"short commit":      {clean(reads("abcdef"), `"org.osbuild.ostree": {"items": {"abcdef": {"remote": {"url": "http://a/"}}}}`), `short-commit sources["org.osbuild.ostree"].items.abcdef`},
		"commit":            {clean(reads(commit), `"org.osbuild.ostree": {"items": {"`+commit+`": {"remote": {"url": "http://a/"}}}}`), ``},
		"repository":        {clean(`{"type": "org.osbuild.dnf", "options": {"repos": [{"baseurl": "x", "checksum": "sha256:a"}, {"baseurl": "y"}]}}`, ""), "deprecated-stage " + at + "\nunpinned-repository " + at + ".options.repos[1]"},
		"insecure":          {curl(sumA, `{"url": "https://a/", "insecure": true}`), `insecure-source sources["org.osbuild.curl"].items["` + sumA + `"]`},
		"secure":            {curl(sumA, `{"url": "https://a/", "insecure": false}`), ``},
		"registry":          {clean(reads(sumA), `"org.osbuild.skopeo-index": {"items": {"`+sumA+`": {"image": {"name": "n", "tls-verify": false}}}}`), `insecure-source sources["org.osbuild.skopeo-index"].items["` + sumA + `"]`},
		"password in URL":   {curl(sumA, `"https://bob:secret@a/"`), `secret-in-url sources["org.osbuild.curl"].items["` + sumA + `"]`},
		"mirror's password": {curl(sumA, `{"url": "https://a/", "mirrors": ["https://c/", "https://bob:secret@b/"]}`), `secret-in-url sources["org.osbuild.curl"].items["` + sumA + `"].mirrors[1]`},
		"list's password": {clean(reads(sumA), `"org.osbuild.librepo": {"items": {"`+sumA+`": {"path": "p", "mirror": "m"}}, "options": {"mirrors": {"m": {"url": "https://bob:secret@b/", "type": "baseurl"}}}}`),
			`secret-in-url sources["org.osbuild.librepo"].options.mirrors.m`},
		"user in URL":       {curl(sumA, `"https://bob@a/"`), ``},
		"remote's password": {clean(reads(commit), `"org.osbuild.ostree": {"items": {"`+commit+`": {"remote": {"url": "http://b:c@a/"}}}}`), `secret-in-url sources["org.osbuild.ostree"].items.` + commit},
		"password":          {users("secret"), "plain-password " + at + ".options.users.bob.password"},
		"hash":              {users("$6$salt$hash"), ""},
		"locked":            {users("!!"), ""},
		"empty password":    {users(""), "empty-password " + at + ".options.users.bob.password"},
		"kickstart": {clean(`{"type": "org.osbuild.kickstart", "options": {"path": "k", "rootpw": {"plaintext": true, "password": "x"}, "autopart": {"passphrase": "y"}}}`, ""),
			"plain-passphrase " + at + ".options.autopart.passphrase\nplain-password " + at + ".options.rootpw.password"},
		"passphrase": {clean(`{"type": "org.osbuild.luks2.format", "options": {"passphrase": "x", "uuid": "U"}}`, ""), "plain-passphrase " + at + ".options.passphrase"},
		"script":     {clean(`{"type": "org.osbuild.script", "options": {"script": "x"}}`, ""), "deprecated-stage " + at + "\nscript " + at},
		"removed": {clean(`{"type": "org.osbuild.yum"}, {"type": "org.osbuild.ansible"}, {"type": "org.osbuild.remove-uniqueness"}, {"type": "org.osbuild.dnf4.sbom.spdx"}, {"type": "org.osbuild.dnf4.mark"}`, ""),
			"deprecated-stage pipelines[1].stages[0]\ndeprecated-stage pipelines[1].stages[1]\ndeprecated-stage pipelines[1].stages[2]\ndeprecated-stage pipelines[1].stages[3]"},
		"old ostree":      {clean(`{"type": "org.osbuild.ostree"}`, ""), "deprecated-stage " + at},
		"no UUID":         {sfdisk(`"uuid": "P"`, `"size": 1`), "random-identifier " + at + ".options.partitions[1]"},
		"UUID twice":      {sfdisk(`"uuid": "P"`, `"uuid": "p"`), "uuid-twice " + at + ".options.partitions[1].uuid"},
		"UUIDs":           {sfdisk(`"uuid": "P"`, `"uuid": "Q"`), ""},
		"UUID and fs":     {clean(`{"type": "org.osbuild.mkfs.ext4", "options": {"uuid": "A"}}, {"type": "org.osbuild.mkfs.xfs", "options": {"uuid": "a"}}, {"type": "org.osbuild.fstab", "options": {"filesystems": [{"uuid": "A"}]}}`, ""), "uuid-twice pipelines[1].stages[1].options.uuid"},
		"after selinux":   {clean(`{"type": "org.osbuild.selinux"}, {"type": "org.osbuild.hostname"}`, ""), "after-selinux pipelines[1].stages[1]"},
		"selinux last":    {clean(`{"type": "org.osbuild.hostname"}, {"type": "org.osbuild.selinux"}, {"type": "org.osbuild.ostree.preptree"}`, ""), ""},
		"overridden":      {clean(`{"type": "org.osbuild.hostname"}, {"type": "x"}, {"type": "org.osbuild.hostname"}`, ""), "overridden-stage pipelines[1].stages[2]"},
		"twice is fine":   {clean(`{"type": "org.osbuild.mkdir"}, {"type": "org.osbuild.mkdir"}`, ""), ""},
		"host":            {`{"version": "2", "pipelines": [{"name": "p", "source-epoch": 1, "stages": [{"type": "x"}]}]}`, "no-build-pipeline pipelines[0]"},
		"no epoch":        {v2(`{"name": "b", "stages": [` + reads(sumA) + `]}, {"name": "p", "build": "name:b", "source-epoch": 3, "stages": [` + reads(sumB) + `]}`), "no-source-epoch pipelines"},
		"item not used":   {clean(reads(sumA), `"org.osbuild.curl": {"items": {"`+sumA+`": "http://a/", "`+sumB+`": "http://b/"}}`), `unused-source sources["org.osbuild.curl"].items["` + sumB + `"]`},
		"source not used": {clean(`{"type": "x"}`, `"org.osbuild.curl": {"items": {"`+sumA+`": "http://a/", "`+sumB+`": "http://b/"}}`), `unused-source sources["org.osbuild.curl"]`},
		"pipeline not used": {`{"version": "2", "pipelines": [{"name": "a"}, {"name": "b"}, {"name": "c"}], "metadata": {"exports": [{"name": "b"}]}}`,
			"unused-pipeline pipelines[0]\nunused-pipeline pipelines[2]"},
		"version 1": {v1(`"stages": [{"name": "org.osbuild.rpm", "options": {"packages": ["` + sumA + `"]}}]`),
			"old-version \nno-build-pipeline pipeline\n" + `unused-source sources["org.osbuild.files"].urls["` + sumB + `"]`},
	}
	found := map[string]bool{}
	for name, tt := range tests {
		list := Lint(mustLoad(t, tt.doc))
		if got := findings(list); got != tt.want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, tt.want)
		}
		for _, f := range list {
			found[f.ID] = true
			if f.Reason == "" || f.Advice == "" || !f.Severity.AtLeast(Note) {
				t.Errorf("%s: %+v lacks something", name, f)
			}
		}
	}
	for _, rule := range Rules() {
		if !found[rule.ID] {
			t.Errorf("no document of this test shows %s", rule.ID)
		}
	}
}

// TestRulesAreDocumented: every rule stands in the reference, with its severity.
func TestRulesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range Rules() {
		if line := "| `" + rule.ID + "` | " + string(rule.Severity) + " | " + rule.Reason + " |"; !strings.Contains(string(page), line) {
			t.Errorf("docs/manifest.md lacks the line\n%s", line)
		}
	}
}

func TestSeverities(t *testing.T) {
	if !Error.AtLeast(Warning) || !Warning.AtLeast(Warning) || Note.AtLeast(Warning) {
		t.Error("the order of severities is wrong")
	}
}
