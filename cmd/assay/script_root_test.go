package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// emptyroot makes a directory that is a machine with this program and
// bubblewrap and nothing else: emptyroot DIR
func emptyroot(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: emptyroot DIR")
	}
	root := ts.MkAbs(args[0])
	for _, dir := range []string{"bin", "proc", "dev", "sys", "tmp", "usr", "etc", "run", "var"} {
		ts.Check(os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	self, err := os.Executable()
	ts.Check(err)
	ts.Check(copyTo(self, filepath.Join(root, "bin/assay")))
	bwrap, err := exec.LookPath("bwrap")
	ts.Check(err)
	ts.Check(copyTo(bwrap, filepath.Join(root, "bin/bwrap")))
	libraries, err := exec.Command("ldd", bwrap).Output()
	ts.Check(err)
	for _, library := range regexp.MustCompile(`/\S+`).FindAllString(string(libraries), -1) {
		ts.Check(copyTo(library, filepath.Join(root, library)))
	}
}

// copyTo copies a file and makes the directories above it.
func copyTo(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

// setup tells scripts where the repository's fixtures are.
func setup(env *testscript.Env) error {
	fixtures, err := filepath.Abs("../../fixtures")
	env.Setenv("FIXTURES", strings.TrimSuffix(fixtures, "/"))
	return err
}
