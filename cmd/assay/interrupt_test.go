package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/build/store"
	"github.com/assay-os/assay/fixtures"
)

// patience is how long a test waits for what should come within two seconds: on
// a machine with much to do everything takes longer.
const patience = time.Minute

// A process is the program, started as a user starts it.
type process struct {
	*exec.Cmd
	stderr onText
	// waits is closed when the process says that it waits for the store.
	waits chan struct{}
	ended chan error
}

func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command("assay", args...), waits: make(chan struct{}), ended: make(chan error, 1)}
	p.stderr = onText{text: "waiting for the store: ", do: func() { close(p.waits) }}
	p.Dir, p.Stderr = dir, &p.stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill() // it mostly has ended by itself
	})
	go func() { p.ended <- p.Wait() }()
	return p
}

// interrupt sends Ctrl-C and requires an end with exit code 130.
func (p *process) interrupt(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		if got := exitCode(err); got != "130" {
			t.Errorf("exit code %s, want 130", got)
		}
	case <-time.After(patience):
		t.Fatal("the process did not end")
	}
	if lines := strings.Split(strings.TrimSpace(p.stderr.String()), "\n"); lines[len(lines)-1] != "assay: interrupted" {
		t.Errorf("stderr ends with %q", lines[len(lines)-1])
	}
}

// file writes a file into dir.
func file(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// usable requires a store that holds nothing broken and no leftovers, and a build in it.
func usable(t *testing.T, dir string) {
	t.Helper()
	storeDir := filepath.Join(dir, ".assay")
	file(t, dir, "good.json", `{"version": "2", "pipelines": [{"name": "tree", "stages": [{"type": "org.osbuild.noop"}]}]}`)
	for _, args := range [][]string{{"build", filepath.Join(dir, "good.json")}, {"store", "verify"}} {
		if code, _, stderr := assay(append(args, "--store", storeDir)...); code != 0 {
			t.Errorf("assay %s after the interruption: exit code %d, %s", args[0], code, stderr)
		}
	}
	for _, name := range []string{"work", "failed"} {
		if left, err := os.ReadDir(filepath.Join(storeDir, name)); err != nil || len(left) > 0 {
			t.Errorf("the store's %s holds %v (%v)", name, left, err)
		}
	}
}

// TestInterruptFetch: Ctrl-C while a server keeps a build waiting.
func TestInterruptFetch(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "bwrap")
	asked, end := make(chan struct{}, 1), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-end
	}))
	defer server.Close()
	defer close(end)
	dir := t.TempDir()
	file(t, dir, "waits.json", strings.ReplaceAll(`{"version": "2", "pipelines": [{"name": "tree", "stages": [{"type": "org.osbuild.copy",
		"options": {"paths": [{"from": "input://file/SUM", "to": "tree:///x"}]},
		"inputs": {"file": {"type": "org.osbuild.files", "origin": "org.osbuild.source", "references": ["SUM"]}}}]}],
		"sources": {"org.osbuild.curl": {"items": {"SUM": "`+server.URL+`/x"}}}}`, "SUM", "sha256:"+strings.Repeat("0", 64)))
	p := start(t, dir, "build", "waits.json")
	await(t, p, asked)
	p.interrupt(t)
	usable(t, dir)
}

// await waits for what shows that the process has come to the point.
func await(t *testing.T, p *process, reached <-chan struct{}) {
	t.Helper()
	select {
	case <-reached:
	case err := <-p.ended:
		t.Fatalf("the process ended early: %v, %s", err, p.stderr.String())
	case <-time.After(patience):
		t.Fatalf("the process did not come to the point: %s", p.stderr.String())
	}
}

// TestInterruptStep: Ctrl-C while a tool in a sandbox runs. The tool does not care
// for signals, and it is gone afterwards.
func TestInterruptStep(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "bwrap", "ldd")
	if ok, err := condition("static"); err != nil {
		t.Fatal("this program is not static: CGO_ENABLED=0 makes it so; ", err)
	} else if !ok {
		t.Skip("this program is not static: CGO_ENABLED=0 makes it so")
	}
	dir := t.TempDir()
	seconds := strconv.Itoa(1e6 + os.Getpid())
	data, err := toolPackage("#!/bin/sh\ntrap '' INT TERM\nwhile :; do sleep " + seconds + "; done\n")
	if err != nil {
		t.Fatal(err)
	}
	file(t, dir, "root.deb", string(data))
	file(t, dir, "slow.json", pinText(`{"version": "2", "pipelines": [
		{"name": "build", "stages": [{"type": "dev.assay.debs", "options": {"mode": "unpack"},
		 "inputs": {"packages": {"type": "org.osbuild.files", "origin": "org.osbuild.source", "references": ["@sum:root.deb@"]}}}]},
		{"name": "slow", "build": "name:build", "stages": [{"type": "org.osbuild.gzip", "options": {"filename": "x.gz"},
		 "inputs": {"file": {"type": "org.osbuild.files", "origin": "org.osbuild.source", "references": ["@sum:root.deb@"]}}}]}],
		"sources": {"org.osbuild.curl": {"items": {"@sum:root.deb@": "@url:root.deb@"}}}}`, dir))
	for _, command := range []string{"build", "verify"} {
		p := start(t, dir, command, "slow.json")
		await(t, p, sleeps(t, seconds, true))
		p.interrupt(t)
		await(t, &process{ended: make(chan error)}, sleeps(t, seconds, false))
		usable(t, dir)
	}
}

// sleeps tells when the tool of the test runs, or runs no more.
func sleeps(t *testing.T, seconds string, running bool) <-chan struct{} {
	t.Helper()
	reached := make(chan struct{})
	go func() {
		for range time.Tick(50 * time.Millisecond) {
			if runs("sleep\x00"+seconds+"\x00") == running {
				close(reached)
				return
			}
			if t.Context().Err() != nil {
				return
			}
		}
	}()
	return reached
}

// runs reports whether a process of this machine has the command line.
func runs(cmdline string) bool {
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return false
	}
	for _, name := range names {
		if data, err := os.ReadFile(name); err == nil && string(data) == cmdline {
			return true
		}
	}
	return false
}

// TestBuildWaits: a build waits for another one that makes the same step, and for
// a collection, and says so.
func TestBuildWaits(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "bwrap")
	dir := t.TempDir()
	storeDir := filepath.Join(dir, "store")
	file(t, dir, "a.json", `{"version": "2", "pipelines": [{"name": "tree", "stages": [{"type": "org.osbuild.noop"}]}]}`)
	build := []string{"build", filepath.Join(dir, "a.json"), "--store", storeDir}
	if code, _, stderr := assay(build...); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	s, err := store.Open(storeDir, store.Options{Holder: "build b.json"})
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.List()
	if err != nil || len(list.Layers) != 1 {
		t.Fatalf("layers %v, %v", list, err)
	}
	if code, _, stderr := assay("store", "gc", "--max-size", "0", "--store", storeDir); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	unlock, err := s.Lock(t.Context(), list.Layers[0].Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	stderr := &onText{text: "waiting for ", do: unlock}
	code := run(build, strings.NewReader(""), io.Discard, stderr)
	wantOutput(t, code, 0, stderr.String(), "waiting for pipelines[0].stages[0] (org.osbuild.noop): process ", " (build b.json) has it\n")
}

// TestBuildWaitsInterrupted: a build that waits for the store ends with Ctrl-C.
func TestBuildWaitsInterrupted(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "bwrap", "flock")
	dir := t.TempDir()
	usable(t, dir)
	held := exec.Command("flock", "--exclusive", filepath.Join(dir, ".assay/locks/store"), "cat")
	hold, err := held.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := held.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(hold, "x\n"); err != nil {
		t.Fatal(err)
	}
	// What cat gives back shows that the lock is taken.
	if _, err := io.ReadFull(out, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	p := start(t, dir, "build", "good.json")
	await(t, p, p.waits)
	p.interrupt(t)
	if err := errors.Join(hold.Close(), held.Wait()); err != nil {
		t.Error(err)
	}
	usable(t, dir)
}

// An onText does something once, when the text was written.
type onText struct {
	all  bytes.Buffer
	text string
	do   func()
}

func (w *onText) String() string { return w.all.String() }

func (w *onText) Write(p []byte) (int, error) {
	n, err := w.all.Write(p)
	if w.do != nil && strings.Contains(w.String(), w.text) {
		w.do()
		w.do = nil
	}
	return n, err
}
