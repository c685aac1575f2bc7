package main

import (
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"assay": func() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the scripts that specify every command: its output, its
// messages and its exit codes. UPDATE_SCRIPTS=1 rewrites golden sections.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") == "1",
		RequireExplicitExec: true,
		Condition:           condition,
		Setup:               setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "pin": pin, "toolroot": toolroot, "deb": deb, "cut": cut, "emptyroot": emptyroot,
		},
	})
}

// condition is true for [root], for [static] where this program can run in a build
// root, and for [tool:NAME] where the program is installed. REQUIRE_ORACLES=1 turns what is missing into a failure, since a
// skip would hide something.
func condition(name string) (bool, error) {
	var ok bool
	tool, isTool := strings.CutPrefix(name, "tool:")
	switch {
	case isTool:
		_, err := exec.LookPath(tool)
		ok = err == nil
	case name == "root":
		ok = os.Geteuid() == 0
	case name == "static":
		ok = isStatic()
	default:
		return false, errors.New("no such condition")
	}
	if !ok && os.Getenv("REQUIRE_ORACLES") == "1" {
		return false, errors.New("not met, and REQUIRE_ORACLES=1 forbids the skip")
	}
	return ok, nil
}

// isStatic says that this program asks for no dynamic loader.
func isStatic() bool {
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		return false
	}
	defer f.Close()
	return !slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}

// exits runs a command and requires its exit code: exits CODE PROGRAM ARGS...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	if got := exitCode(err); got != args[0] {
		ts.Fatalf("exit code %s, want %s (%v)", got, args[0], err)
	}
}
