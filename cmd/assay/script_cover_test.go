package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestScriptsCover: every command and every flag of it that help shows stands in a
// line of a script, with the command's exit code. What all commands share that
// open subjects stands in a line of one of them.
func TestScriptsCover(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var lines []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(string(text), "\n")...)
	}
	cover(t, newRoot(), lines)
	var shared pflag.FlagSet
	new(opening).define(&shared)
	text := strings.Join(lines, "\n")
	shared.VisitAll(func(f *pflag.Flag) {
		if !regexp.MustCompile(`assay .*--` + f.Name + `[ =]`).MatchString(text) {
			t.Errorf("no script uses --%s", f.Name)
		}
	})
}

func cover(t *testing.T, c *cobra.Command, lines []string) {
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			cover(t, sub, lines)
		}
	}
	var calls []string
	for _, line := range lines {
		if regexp.MustCompile(`\b` + c.CommandPath() + `($|[ ;'>])`).MatchString(line) {
			calls = append(calls, line+" ")
		}
	}
	if len(calls) == 0 {
		t.Errorf("no script runs %s", c.CommandPath())
		return
	}
	text := strings.Join(calls, "\n")
	var shared pflag.FlagSet
	new(opening).define(&shared)
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if shared.Lookup(f.Name) != nil {
			return
		}
		used := `--` + f.Name + `[ =]`
		if f.Shorthand != "" {
			used += `| -[A-Za-z0-9]*` + f.Shorthand
		}
		call := c.CommandPath() + " --" + f.Name
		if !f.Hidden && f.Name != "no-descriptions" && elsewhere[call] == "" && !regexp.MustCompile(used).MatchString(text) {
			t.Errorf("no script uses %s", call)
		}
	})
}

// elsewhere are the tests of flags that a script cannot show, by their calls.
var elsewhere = map[string]string{
	"assay resolve --explain": "TestResolveWrites: choices need an archive to choose from",
}
