package stages_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/stages"
)

// fileName is the name of a stage's files, without a suffix.
func fileName(name string) string {
	short := strings.TrimPrefix(strings.TrimPrefix(name, "org.osbuild."), "dev.assay.")
	return strings.NewReplacer(".", "_", "-", "_").Replace(short)
}

// TestAll: every schema's file has an entry in the list, and every entry has
// its files and a test that names it.
func TestAll(t *testing.T) {
	schemas, err := filepath.Glob("*.json")
	if err != nil || len(schemas) == 0 {
		t.Fatal(schemas, err)
	}
	tests := testTexts(t)
	var listed []string
	for _, d := range stages.All() {
		name := fileName(d.Name)
		listed = append(listed, name)
		for _, suffix := range []string{".go", ".json"} {
			if _, err := os.Stat(name + suffix); err != nil {
				t.Error(err)
			}
		}
		if !strings.Contains(tests, `"`+d.Name+`"`) {
			t.Errorf("no test names %s", d.Name)
		}
	}
	for _, file := range schemas {
		if name := strings.TrimSuffix(file, ".json"); !slices.Contains(listed, name) {
			t.Errorf("%s has no entry in All()", file)
		}
	}
	if slices.Sort(listed); len(slices.Compact(listed)) != len(stages.All()) {
		t.Error("a name is on the list twice")
	}
}

// testTexts are the texts of all tests here and in the folders below.
func testTexts(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		b.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDefinitions holds every definition to what the reference and the error
// messages need of it.
func TestDefinitions(t *testing.T) {
	for _, d := range stages.All() {
		if d.Kind != step.Stage || d.Run == nil || d.Since == "" {
			t.Errorf("%s: kind %q, since %q", d.Name, d.Kind, d.Since)
		}
		if d.Summary == "" || strings.HasSuffix(d.Summary, ".") || strings.Contains(d.Summary, "\n") || len(d.Description) < 40 {
			t.Errorf("%s: summary %q, description %q", d.Name, d.Summary, d.Description)
		}
		var schema struct {
			Title    string            `json:"title"`
			Examples []json.RawMessage `json:"examples"`
		}
		if err := json.Unmarshal(d.Schema, &schema); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
		if schema.Title != d.Name || len(schema.Examples) == 0 {
			t.Errorf("%s: the schema has the title %q and %d examples", d.Name, schema.Title, len(schema.Examples))
		}
		for _, example := range schema.Examples {
			if problems := d.Validate(example); problems != nil {
				t.Errorf("%s: the example is wrong: %v", d.Name, problems)
			}
		}
		requireDescribed(t, d)
	}
}

// requireDescribed: every option has a description, every pattern its words.
func requireDescribed(t *testing.T, d step.Definition) {
	t.Helper()
	var walk func(place string, node any, option bool)
	walk = func(place string, node any, option bool) {
		object, ok := node.(map[string]any)
		if !ok {
			return
		}
		if option && object["description"] == nil && !strings.Contains(place, "$defs") {
			t.Errorf("%s: %s has no description", d.Name, place)
		}
		if object["pattern"] != nil && object["$comment"] == nil && !strings.HasSuffix(place, "/not") {
			t.Errorf("%s: the pattern at %s has no $comment that says it in words", d.Name, place)
		}
		for key, child := range object {
			if !slices.Contains([]string{"examples", "enum", "if", "then", "else"}, key) {
				walk(place+"/"+key, child, strings.HasSuffix(place, "/properties"))
			}
		}
	}
	var schema any
	if err := json.Unmarshal(d.Schema, &schema); err != nil {
		t.Fatal(err)
	}
	walk("", schema, false)
}

// TestUnknownOption: each stage but noop names an option that it does not have.
func TestUnknownOption(t *testing.T) {
	for _, d := range stages.All() {
		problems := d.Validate(json.RawMessage(`{"no-such-option": 1}`))
		known := slices.ContainsFunc(problems, func(p step.Problem) bool { return p.Path == "options.no-such-option" })
		if !known && d.Name != "org.osbuild.noop" {
			t.Errorf("%s: %v", d.Name, problems)
		}
	}
}

// example is the first example of a stage's schema.
func example(t *testing.T, d step.Definition) string {
	t.Helper()
	var schema struct {
		Examples []json.RawMessage `json:"examples"`
	}
	if err := json.Unmarshal(d.Schema, &schema); err != nil {
		t.Fatal(err)
	}
	return string(schema.Examples[0])
}

// native are the stages that need no program and no package: those that a
// test can run anywhere.
func native() []step.Definition {
	return slices.DeleteFunc(stages.All(), func(d step.Definition) bool { return d.Chroot || len(d.Tools) > 0 })
}

// system is a tree that most stages can work on.
func system() map[string]string {
	return map[string]string{
		"/etc/passwd":                         `file 0644 0:0 "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n"`,
		"/etc/group":                          `file 0644 0:0 "root:x:0:\nsudo:x:27:\nwww-data:x:33:\n"`,
		"/etc/shadow":                         `file 0640 0:42 "root:*:18000:0:99999:7:::\n"`,
		"/etc/gshadow":                        `file 0640 0:42 "root:*::\nsudo:*::\n"`,
		"/etc/subuid":                         `file 0644 0:0 ""`,
		"/etc/subgid":                         `file 0644 0:0 ""`,
		"/etc/skel/.profile":                  `file 0644 0:0 "# profile\n"`,
		"/etc/ssh/sshd_config":                `file 0644 0:0 "#PermitRootLogin yes\n"`,
		"/etc/cloud/cloud.cfg.d":              `dir 0755 0:0`,
		"/etc/machine-id":                     `file 0444 0:0 "0123456789abcdef0123456789abcdef\n"`,
		"/etc/os-release":                     `link 0:0 "../usr/lib/os-release"`,
		"/usr/lib/systemd/system/ssh.service": `file 0644 0:0 "[Install]\nWantedBy=multi-user.target\nAlias=sshd.service\n"`,
		"/usr/lib/systemd/system/systemd-networkd.service": `file 0644 0:0 "[Install]\nWantedBy=multi-user.target\n"`,
		"/usr/lib/systemd/system/apt-daily.timer":          `file 0644 0:0 "[Install]\nWantedBy=timers.target\n"`,
		"/usr/lib/systemd/system/multi-user.target":        `file 0644 0:0 "[Unit]\n"`,
		"/usr/share/zoneinfo/Europe/Berlin":                `file 0644 0:0 "TZif"`,
		"/srv/www":                                         `dir 0755 0:0`,
		"/usr/lib/sysctl.d":                                `dir 0755 0:0`,
		"/usr/lib/tmpfiles.d":                              `dir 0755 0:0`,
		"/home":                                            `dir 0755 0:0`,
	}
}

// TestDeterminism: a stage's example works on a small system, and gives the
// same tree under another umask.
func TestDeterminism(t *testing.T) {
	for _, d := range native() {
		t.Run(d.Name, func(t *testing.T) {
			first := outcome(t, d, system(), 0o022)
			if second := outcome(t, d, system(), 0o077); !maps.Equal(first, second) {
				t.Errorf("got\n%v\nand\n%v", first, second)
			}
			if first["error"] != "" && !slices.Contains(needMore(), d.Name) {
				t.Error(first["error"])
			}
		})
	}
}

// needMore are the stages whose examples ask for what a test's system has
// not: an input, a kernel, a failure. Their own tests have it.
func needMore() []string {
	return []string{"org.osbuild.copy", "org.osbuild.error", "org.osbuild.ln", "dev.assay.grub"}
}

// outcome is the tree after a stage's example, and its error.
func outcome(t *testing.T, d step.Definition, before map[string]string, mask int) map[string]string {
	t.Helper()
	dir := fixtures.Tree(t, before)
	defer unix.Umask(unix.Umask(mask))
	_, err := run(t, d, dir, example(t, d), nil)
	entries := fixtures.Snapshot(t, dir)
	entries["error"] = ""
	if err != nil {
		entries["error"] = err.Error()
	}
	return entries
}

// TestConfined: on trees whose links lead out, no stage writes or reads
// anything outside. Each link is tried relative, where it means the same file
// inside of the tree to a stage that is confined, and absolute.
func TestConfined(t *testing.T) {
	links := []string{"/etc", "/usr", "/usr/lib", "/srv", "/home", "/etc/passwd", "/etc/ssh", "/etc/ssh/sshd_config", "/etc/skel"}
	for _, d := range native() {
		t.Run(fileName(d.Name), func(t *testing.T) {
			t.Parallel()
			for _, link := range links {
				requireConfined(t, d, link)
			}
		})
	}
}

// requireConfined runs a stage on a tree, a part of which is a link to what
// lies beside the tree, and inside of it at the same name.
func requireConfined(t *testing.T, d step.Definition, link string) {
	t.Helper()
	before, outside := system(), map[string]string{"/host/mark": `file 0644 0:0 "secret"`}
	for path, line := range system() {
		rest, under := strings.CutPrefix(path, link)
		if !under || rest != "" && rest[0] != '/' {
			continue
		}
		delete(before, path)
		before["/host"+rest] = line
		if rest == "" && strings.HasPrefix(line, "file") {
			delete(outside, "/host/mark")
		}
		outside["/host"+rest] = secret(line)
	}
	outer := fixtures.Tree(t, outside)
	want := fixtures.Snapshot(t, outer)
	inner := filepath.Join(outer, "tree")
	for _, target := range []string{strings.Repeat("../", strings.Count(link, "/")) + "host", outer + "/host"} {
		before[link] = `link 0:0 "` + target + `"`
		if err := os.Rename(fixtures.Tree(t, before), inner); err != nil {
			t.Fatal(err)
		}
		_, err := run(t, d, inner, example(t, d), nil)
		for path, line := range fixtures.Snapshot(t, inner) {
			if strings.Contains(line, "secret") {
				t.Errorf("link %s to %s: %s is in the tree: %s (%v)", link, target, path, line, err)
			}
		}
		if err := os.RemoveAll(inner); err != nil {
			t.Fatal(err)
		}
		if got := fixtures.Snapshot(t, outer); !maps.Equal(got, want) {
			t.Errorf("link %s to %s, outside of the tree:\ngot  %v\nwant %v (%v)", link, target, got, want, err)
		}
	}
}

// secret adds a mark to the content of a file.
func secret(line string) string {
	if !strings.HasPrefix(line, "file") {
		return line
	}
	return strings.TrimSuffix(line, `"`) + `secret\n"`
}
