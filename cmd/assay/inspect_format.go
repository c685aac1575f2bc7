package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/formats"
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
	return formats.Options{Page: show.Options{Width: columnsOf(w), Colour: isTerminal(w)}}
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
