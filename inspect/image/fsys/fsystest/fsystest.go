// Package fsystest shows trees as maps of one-line strings, so that a test
// asserts a whole tree at once and compares readers with each other.
package fsystest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// List is every node of a tree by its path, without contents.
func List(t testing.TB, tree fsys.Tree) map[string]string {
	t.Helper()
	return list(t, tree, func(*fsys.Node) string { return "" })
}

// Contents is List with the SHA-256 of every file, and the first of the names
// that share an inode.
func Contents(t testing.TB, tree fsys.Tree) map[string]string {
	t.Helper()
	first := map[uint64]report.Raw{}
	return list(t, tree, func(n *fsys.Node) string {
		var more string
		if n.Links > 1 && n.Type != report.Directory {
			if first[n.Inode] == "" {
				first[n.Inode] = n.Path
			}
			more = " is=" + first[n.Inode].String()
		}
		if n.Type == report.File {
			more += " " + digest(tree, n)
		}
		return more
	})
}

func list(t testing.TB, tree fsys.Tree, more func(*fsys.Node) string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := tree.Walk(context.Background(), func(n *fsys.Node) error {
		if _, twice := out[string(n.Path)]; twice {
			t.Errorf("%s is shown twice", n.Path)
		}
		out[string(n.Path)] = Line(n) + more(n)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Line is a node as one line: type, mode, owner, size, time, target, device,
// links, attributes, error.
func Line(n *fsys.Node) string {
	parts := []string{string(n.Type), n.Mode.String(), fmt.Sprintf("%d:%d", n.UID, n.GID)}
	if n.Type == report.File {
		parts = append(parts, fmt.Sprint(n.Size))
	}
	parts = append(parts, n.Mtime.Format("2006-01-02T15:04:05.999999999Z07:00"))
	if n.Type == report.Symlink {
		parts = append(parts, "-> "+n.Target.String())
	}
	if n.Device != "" {
		parts = append(parts, n.Device)
	}
	if n.Links > 1 && n.Type != report.Directory {
		parts = append(parts, fmt.Sprintf("links=%d", n.Links))
	}
	for _, name := range slices.Sorted(maps.Keys(n.Xattrs)) {
		parts = append(parts, fmt.Sprintf("%s=%q", name, string(n.Xattrs[name])))
	}
	if n.Attributes != "" {
		parts = append(parts, n.Attributes)
	}
	if n.SELinux+n.Capabilities != "" {
		parts = append(parts, "["+n.SELinux+"|"+n.Capabilities+"]")
	}
	if n.ACL+n.DefaultACL != "" {
		parts = append(parts, "acl="+n.ACL+"|"+n.DefaultACL)
	}
	if n.Project != 0 {
		parts = append(parts, fmt.Sprintf("project=%d", n.Project))
	}
	if n.Err != nil {
		parts = append(parts, "!"+n.Err.Error())
	}
	return strings.Join(parts, " ")
}

// WithoutTime takes the modification time out of a line.
func WithoutTime(line string) string {
	return regexp.MustCompile(` -?\d{4,}-\d\d-\d\dT[0-9:.]+Z`).ReplaceAllString(line, "")
}

func digest(tree fsys.Tree, n *fsys.Node) string {
	c, err := tree.Open(n)
	if err != nil {
		return "!" + err.Error()
	}
	defer c.Close()
	h := sha256.New()
	if err := hashData(h, c); err != nil {
		return "!" + err.Error()
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// piece is the unit in which contents are compared.
const piece = 64 << 10

// hashData writes every piece of content that is not zero, with its number: equal
// contents give equal hashes however their holes lie, and 4 GiB of hole cost
// nothing.
func hashData(w io.Writer, c fsys.Content) error {
	extents, err := c.Extents()
	if err != nil {
		return err
	}
	next := int64(0)
	buf := make([]byte, piece)
	for _, e := range extents {
		for n := max(next, e.Offset/piece); n*piece < e.Offset+e.Length; n++ {
			next = n + 1
			got, err := c.ReadAt(buf, n*piece)
			if err != nil && err != io.EOF {
				return err
			}
			if len(bytes.Trim(buf[:got], "\x00")) > 0 {
				fmt.Fprintf(w, "%d %d ", n, got)
				w.Write(buf[:got])
			}
		}
	}
	return nil
}

// Read is the content of a file.
func Read(t testing.TB, tree fsys.Tree, n *fsys.Node) []byte {
	t.Helper()
	c, err := tree.Open(n)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	data, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Compare reports every path at which two lists differ, up to a screenful.
func Compare(t testing.TB, got, want map[string]string) {
	t.Helper()
	paths := map[string]string{}
	maps.Copy(paths, got)
	maps.Copy(paths, want)
	shown := 0
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		if got[p] == want[p] {
			continue
		}
		if shown++; shown <= 20 {
			t.Errorf("%q:\n got %.1000s\nwant %.1000s", p, got[p], want[p])
		}
	}
	if shown > 20 {
		t.Errorf("... and %d more paths differ", shown-20)
	}
}

// AsNobody calls f as a common user (root is needed). The effective user
// belongs to the thread, which ends with f.
func AsNobody[T any](t testing.TB, f func() T) T {
	t.Helper()
	done := make(chan T)
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread dies with its user
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, ^uintptr(0), 65534, ^uintptr(0)); errno != 0 {
			t.Errorf("become nobody: %v", error(errno))
			return
		}
		if os.Geteuid() == 0 {
			t.Error("still root")
		}
		done <- f()
	}()
	return <-done
}
