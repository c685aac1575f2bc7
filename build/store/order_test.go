package store

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// A call is one system call of a traced child, by the paths that it was on.
type call struct {
	name string
	// path is the file, or what a rename moves, to is where.
	path, to string
}

// TestPowerCutOrder traces the system calls of a build. A power cut keeps what
// was synced and any part of the rest, so at every commit
//
//   - everything in the layer is written and then synced before it gets its name,
//   - layer.json is written after everything else,
//   - its directory is synced before the key is renamed to lead to it,
//   - and a key, and a source, is synced before it is renamed, its directory after.
func TestPowerCutOrder(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "strace")
	for _, mode := range []Mode{Overlay, Copy} {
		t.Run(string(mode), func(t *testing.T) {
			dir := onTmpfs(t, "")
			calls := traced(t, filepath.Join(dir, "store"), mode)
			layers, files := 0, 0
			for i, c := range calls {
				switch {
				case c.name != "rename":
				case filepath.Dir(c.to) == "/layers":
					layers++
					checkLayer(t, filepath.Join(dir, "store"), calls, i)
				case filepath.Dir(c.to) == "/keys" || strings.HasPrefix(c.to, "/sources/sha256/"):
					files++
					checkFile(t, calls, i)
				}
			}
			if want := len(childSteps()); layers != want || files != want+1 {
				t.Errorf("%d layers and %d keys and sources were placed, want %d and %d", layers, files, want, want+1)
			}
		})
	}
}

// traced runs the child under strace and returns its calls in the order in
// which they ended; renames where they began. Paths are within the store.
func traced(t *testing.T, store string, mode Mode) []call {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "trace")
	names := "openat,mkdirat,mknodat,linkat,symlinkat,write,pwrite64,ftruncate,copy_file_range,fsync,fdatasync,syncfs,rename,renameat,renameat2"
	c := exec.Command("strace", "-f", "-y", "-s", "0", "-o", log, "-e", "trace="+names, self)
	c.Env = append(os.Environ(), childVariable+"="+string(mode)+":"+store)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("strace: %v\n%s", err, out)
	}
	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var calls []call
	begun := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		pid, text, _ := strings.Cut(lines.Text(), " ")
		text = strings.TrimSpace(text)
		if start, cut := strings.CutSuffix(text, "<unfinished ...>"); cut && !strings.HasPrefix(text, "rename") {
			begun[pid] = start
			continue
		}
		if _, rest, resumed := strings.Cut(text, " resumed>"); resumed {
			text = begun[pid] + rest
		}
		if c, ok := parseCall(text, store); ok {
			calls = append(calls, c)
		}
	}
	return calls
}

// parseCall reads a line of strace -y. It is false for what failed, and for
// what is not on the store.
func parseCall(line, store string) (call, bool) {
	name, args, ok := strings.Cut(line, "(")
	if !ok || strings.Contains(line, ") = -1") || name == "openat" && !strings.Contains(args, "O_CREAT") {
		return call{}, false
	}
	var paths []string
	for _, m := range regexp.MustCompile(`<(/[^>]*)>|"([^"]*)"`).FindAllStringSubmatch(args, -1) {
		if path, in := strings.CutPrefix(m[1]+m[2], store); in {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return call{}, false
	}
	c := call{name: name, path: paths[0]}
	switch {
	case strings.HasPrefix(name, "rename") && len(paths) == 2:
		c.name, c.to = "rename", paths[1]
	case name == "linkat" && len(paths) == 2:
		c.path = paths[1]
	}
	return c, true
}

func (c call) syncs() bool { return strings.HasSuffix(c.name, "sync") }

// checkLayer looks at the calls before and after the rename at calls[at].
func checkLayer(t *testing.T, store string, calls []call, at int) {
	t.Helper()
	work := filepath.Dir(calls[at].path)
	unsynced := map[string]bool{}
	last := ""
	for _, c := range calls[:at] {
		// What the step writes through its mount lies in upper/.
		path := strings.Replace(c.path, work+"/files/tree", work+"/upper", 1)
		switch {
		case c.name == "syncfs":
			clear(unsynced)
		case c.syncs():
			delete(unsynced, path)
		case c.name == "rename":
			unsynced = moved(unsynced, path, c.to)
		case strings.HasPrefix(path, work+"/"):
			if last = path; c.name != "write" {
				unsynced[filepath.Dir(path)] = true // the name
			}
			if c.name != "mknodat" && c.name != "symlinkat" { // these are all name
				unsynced[path] = true
			}
		}
	}
	for path := range unsynced {
		// A file that the step itself removed again is in no layer.
		name, inside := strings.CutPrefix(path, work+"/layer/")
		if _, err := os.Lstat(filepath.Join(store, calls[at].to, name)); inside && err == nil {
			t.Errorf("%s gets its name before %s is synced", calls[at].to, path)
		}
	}
	if last != work+"/layer/layer.json" {
		t.Errorf("%s: the last that is written is %s", calls[at].to, last)
	}
	for _, c := range calls[at+1:] {
		if c.name == "fsync" && c.path == "/layers" {
			return
		}
		if c.name == "rename" && strings.HasPrefix(c.to, "/keys/") {
			break
		}
	}
	t.Errorf("%s: /layers is not synced before a key leads there", calls[at].to)
}

// moved are the paths after a rename, which changes two directories too.
func moved(paths map[string]bool, from, to string) map[string]bool {
	after := map[string]bool{filepath.Dir(from): true, filepath.Dir(to): true}
	for path := range paths {
		if rest, below := strings.CutPrefix(path+"/", from+"/"); below {
			path = filepath.Join(to, rest)
		}
		after[path] = true
	}
	return after
}

// checkFile looks at a file that is written aside.
func checkFile(t *testing.T, calls []call, at int) {
	t.Helper()
	state := "not written"
	for _, c := range calls[:at] {
		if c.path == calls[at].path {
			state = "written and not synced"
			if c.syncs() {
				state = ""
			}
		}
	}
	if state != "" {
		t.Errorf("%s gets its name when it is %s", calls[at].to, state)
	}
	for _, c := range calls[at+1:] {
		if c.name == "fsync" && c.path == filepath.Dir(calls[at].to) {
			return
		}
		if c.name == "rename" {
			break
		}
	}
	t.Errorf("%s: its directory is not synced after the rename", calls[at].to)
}
