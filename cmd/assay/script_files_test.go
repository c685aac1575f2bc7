package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/assay-os/assay/fixtures"
)

// pinned are the words in a manifest that stand for the checksum of a file
// (@sum:NAME@) and for its URL (@url:NAME@).
var pinned = regexp.MustCompile(`@(sum|url):([^@]+)@`)

// pin puts checksums and URLs into manifests: pin FILE...
func pin(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: pin FILE...")
	}
	for _, name := range args {
		text := pinText(ts.ReadFile(name), ts.MkAbs("."))
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}

// pinText replaces what [pinned] finds; files are relative to dir.
func pinText(text, dir string) string {
	return pinned.ReplaceAllStringFunc(text, func(word string) string {
		part := pinned.FindStringSubmatch(word)
		file := filepath.Join(dir, part[2])
		if part[1] == "url" {
			return "file://" + file
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err.Error()
		}
		sum := sha256.Sum256(data)
		return "sha256:" + hex.EncodeToString(sum[:])
	})
}

// toolroot makes a package that is a build root with a shell and date(1) of this
// machine, and a gzip(1) that is the script: toolroot PACKAGE SCRIPT
func toolroot(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: toolroot PACKAGE SCRIPT")
	}
	data, err := toolPackage(ts.ReadFile(args[1]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

// toolPackage is the package that toolroot makes.
func toolPackage(script string) ([]byte, error) {
	files := map[string]fixtures.DebFile{}
	// The library that varies the clock is loaded into every program of the root.
	programs, err := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if err != nil {
		return nil, err
	}
	for _, tool := range []string{"sh", "date", "sleep"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			return nil, err
		}
		programs = append(programs, path)
		if err := addFile(files, path, "./usr/bin/"+tool); err != nil {
			return nil, err
		}
	}
	for _, program := range programs {
		if err := addLibraries(files, program); err != nil {
			return nil, err
		}
	}
	files["./usr/bin/gzip"] = fixtures.DebFile{Name: "./usr/bin/gzip", Content: script, Mode: 0o755}
	var list []fixtures.DebFile
	for _, f := range files {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b fixtures.DebFile) int { return strings.Compare(a.Name, b.Name) })
	return debBytes(fixtures.Deb{Files: list})
}

// addLibraries adds what a program of this machine is linked with.
func addLibraries(files map[string]fixtures.DebFile, program string) error {
	out, err := exec.Command("ldd", program).Output()
	if err != nil {
		return fmt.Errorf("ldd %s: %w", program, err)
	}
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "/") {
			if err := addFile(files, word, "."+word); err != nil {
				return err
			}
		}
	}
	return nil
}

func addFile(files map[string]fixtures.DebFile, from, to string) error {
	data, err := os.ReadFile(from)
	files[to] = fixtures.DebFile{Name: to, Content: string(data), Mode: 0o755}
	return err
}

// debBytes turns the failure of a test kit that wants a test into an error.
func debBytes(d fixtures.Deb) (data []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("make package: %v", r)
		}
	}()
	return d.Bytes(panicking{}), nil
}

// panicking is a test that has no test: its failures panic.
type panicking struct{ testing.TB }

func (panicking) Helper()           {}
func (panicking) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// deb makes a package of links and files as they are named, honest or not:
// deb PACKAGE NAME MEMBER[->TARGET]...
func deb(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: deb FILE NAME MEMBER[->TARGET]...")
	}
	d := fixtures.Deb{Control: "Package: " + args[1] + "\nVersion: 1\nArchitecture: all\n"}
	for _, member := range args[2:] {
		name, target, _ := strings.Cut(member, "->")
		d.Files = append(d.Files, fixtures.DebFile{Name: name, Link: target, Content: "content of " + name + "\n"})
	}
	data, err := debBytes(d)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

// cut writes the first bytes of a file into another one: cut FILE BYTES NEW
func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: cut FILE BYTES NEW")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	data := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(data[:n]), 0o644))
}
