package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/formats"
	"github.com/assay-os/assay/inspect/sbom"
	"github.com/assay-os/assay/inspect/show"
)

// formatList is the forms of a report for the help text.
func formatList() string {
	var out []string
	for _, f := range formats.All() {
		out = append(out, fmt.Sprintf("%s (%s)", f.Name, f.Summary))
	}
	return strings.Join(out, ", ")
}

// rendering is what the forms are told of where they are shown.
func (o *inspectOptions) rendering(w io.Writer) formats.Options {
	created := time.Time{}
	if o.bill.time >= 0 {
		created = time.Unix(o.bill.time, 0)
	}
	return formats.Options{
		Page: show.Options{Width: columnsOf(w), Colour: isTerminal(w)},
		SBOM: sbom.Options{Files: o.bill.files, Created: created, Version: version},
	}
}

// billOptions are the flags of the bills of materials.
type billOptions struct {
	files bool
	time  int64
}

func (b *billOptions) define(f *pflag.FlagSet) {
	f.BoolVar(&b.files, "sbom-files", false, "list the files in a bill of materials, too, with their digests")
	f.Int64Var(&b.time, "sbom-time", -1, "date a bill of materials `SECONDS` after 1970 began; by default it is as old as the newest file in it")
}

// columnsOf is the width of the terminal that w is; of anything else it is what
// COLUMNS says, 0 where it says nothing.
func columnsOf(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 0 {
			return int(size.Col)
		}
	}
	n, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil || n < 0 {
		return 0
	}
	return min(n, 1000)
}
