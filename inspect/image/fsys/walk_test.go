package fsys_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// A plan is a filesystem of directories by their numbers: "name=number" is a directory, any
// other name a file.
type plan map[int]string

func (p plan) walker() *fsys.Walker[string, int, int] {
	return &fsys.Walker[string, int, int]{
		Name: func(d string) string { name, _, _ := strings.Cut(d, "="); return name },
		Node: func(_ *int, d string, path report.Raw) (*fsys.Node, *int) {
			n := &fsys.Node{Entry: report.Entry{Path: path, Type: report.File}}
			_, number, ok := strings.Cut(d, "=")
			if !ok {
				return n, nil
			}
			n.Type = report.Directory
			dir := 0
			if _, err := fmt.Sscan(number, &dir); err != nil {
				n.Fail(err)
				return n, nil
			}
			return n, &dir
		},
		Number: func(dir *int) int { return *dir },
		List: func(dir *int, depth int) ([]string, error) {
			names := strings.Fields(p[*dir])
			if len(names) > 0 && names[len(names)-1] == "!" {
				return names[:len(names)-1], fmt.Errorf("broken at depth %d", depth)
			}
			return names, nil
		},
	}
}

func TestWalker(t *testing.T) {
	for name, c := range map[string]struct {
		plan plan
		want string
	}{
		"tree":       {plan{1: "a d=2 z", 2: "x e=3", 3: "y"}, "/ /a /d /d/x /d/e /d/e/y /z"},
		"broken":     {plan{1: "a d=2 !", 2: "x !"}, "/ !broken at depth 0 /a /d !broken at depth 1 /d/x"},
		"untrusted":  {plan{1: "a d=?"}, "/ /a /d !expected integer"},
		"cycle":      {plan{1: "d=2", 2: "e=1"}, "/ /d /d/e !directory inode 1 has more than one name: not read again"},
		"two names":  {plan{1: "d=2 e=2", 2: "x"}, "/ /d /d/x /e !directory inode 2 has more than one name: not read again"},
		"is a file":  {nil, "/ !nothing"},
		"empty root": {plan{}, "/"},
	} {
		t.Run(name, func(t *testing.T) {
			root := "=1"
			if c.plan == nil {
				root, c.want = "x", "/"
			}
			var got []string
			err := c.plan.walker().Walk(t.Context(), root, func(n *fsys.Node) error {
				if got = append(got, string(n.Path)); n.Err != nil {
					got = append(got, "!"+n.Err.Error())
				}
				return nil
			})
			if text := strings.Join(got, " "); err != nil || text != c.want {
				t.Errorf("%v\n got %s\nwant %s", err, text, c.want)
			}
		})
	}
}

func TestWalkerEnds(t *testing.T) {
	deep := plan{}
	for i := range fsys.MaxDepth + 10 {
		deep[i] = fmt.Sprintf("d=%d", i+1)
	}
	count, told := 0, 0
	err := deep.walker().Walk(t.Context(), "=0", func(n *fsys.Node) error {
		if count++; errors.Is(n.Err, fsys.ErrTooDeep) {
			told++
		}
		return nil
	})
	if err != nil || told != 1 || count != fsys.MaxDepth+2 {
		t.Errorf("%v, %d names, %d told", err, count, told)
	}
	if text := fsys.ErrTooDeep.Error(); !strings.Contains(text, fmt.Sprint(fsys.MaxDepth)) || !strings.Contains(text, fmt.Sprint(fsys.MaxPath)) {
		t.Error(text)
	}
	long := plan{0: strings.Repeat("n", fsys.MaxPath) + "=1", 1: "x"}
	told = 0
	err = long.walker().Walk(t.Context(), "=0", func(n *fsys.Node) error {
		if errors.Is(n.Err, fsys.ErrTooDeep) {
			told++
		}
		return nil
	})
	if err != nil || told != 1 {
		t.Errorf("a long path: %v, %d told", err, told)
	}
	stop := errors.New("stop")
	if err := deep.walker().Walk(t.Context(), "=0", func(*fsys.Node) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := deep.walker().Walk(ctx, "=0", func(*fsys.Node) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestSortNames(t *testing.T) {
	var faults fsys.Faults
	list := fsys.SortNames([]string{"b.1", "a", "b.2", "\xff", "b.3", "B"}, func(s string) string { return strings.TrimRight(s, ".0123456789") }, &faults)
	if fmt.Sprintf("%q", list) != `["B" "a" "b.1" "\xff"]` || faults.Err().Error() != `the name "b" is in it twice; the name "b" is in it twice` {
		t.Errorf("%q, %v", list, faults.Err())
	}
	for range 5 {
		faults.Fault(nil)
		faults.Fault(io.EOF)
	}
	if n := strings.Count(faults.Err().Error(), ";"); n != 2 {
		t.Errorf("%d more than the first", n)
	}
	if (&fsys.Faults{}).Err() != nil {
		t.Error("an error of none")
	}
}

func TestTypes(t *testing.T) {
	for mode, want := range map[uint32]report.Type{
		0o100644: report.File, 0o040000: report.Directory, 0o127777: report.Symlink, 0o020600: report.Char, 0o060000: report.Block,
		0o010001: report.FIFO, 0o144000: report.Socket, 0: "", 0o160000: "", 0o030000: "", 0x80000000: "",
	} {
		if got := fsys.TypeOf(mode); got != want {
			t.Errorf("%o: %q", mode, got)
		}
	}
	for kind, want := range []report.Type{"", report.File, report.Directory, report.Char, report.Block, report.FIFO, report.Socket, report.Symlink, ""} {
		if got := fsys.TypeOfName(byte(kind)); got != want {
			t.Errorf("%d: %q", kind, got)
		}
	}
	if fsys.TypeOfName(255) != "" {
		t.Error("255")
	}
}

func TestReadPieces(t *testing.T) {
	const text = "0123456789"
	pieces := func(p []byte, off int64) (int, error) {
		if off == 7 {
			return 0, errors.New("broken")
		}
		return copy(p[:min(len(p), 2)], text[off:]), nil
	}
	for _, c := range []struct {
		off  int64
		n    int
		want string
		err  string
	}{
		{0, 4, "0123", ""}, {1, 5, "12345", ""}, {8, 2, "89", ""}, {8, 5, "89", "EOF"}, {10, 1, "", "EOF"}, {99, 1, "", "EOF"},
		{5, 4, "56", "broken"}, {-1, 1, "", "read at negative offset -1"}, {0, 0, "", ""},
	} {
		p := make([]byte, c.n)
		n, err := fsys.ReadPieces(p, c.off, int64(len(text)), pieces)
		if string(p[:n]) != c.want || err == nil != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%d bytes at %d: %q, %v", c.n, c.off, p[:n], err)
		}
	}
}
