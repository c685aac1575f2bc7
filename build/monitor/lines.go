// Package monitor shows people and programs what happens during a build: as
// plain lines, as progress bars on a terminal, as JSON lines.
//
// It formats events of package build and does nothing else.
package monitor

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/sandbox"
)

// LinesOptions say what [Lines] prints beyond one line a step.
type LinesOptions struct {
	// Output prints what steps print.
	Output bool
}

// Lines prints one plain line for each thing that happened.
type Lines struct {
	w io.Writer
	o LinesOptions

	mu   sync.Mutex
	open bool // the last output did not end its line
	// waited is the last line that told of waiting: two builds that share
	// downloads wait for each other at every file.
	waited string
}

// NewLines prints to w. Errors of w are not reported: a build does not stop
// because nobody reads its progress.
func NewLines(w io.Writer, o LinesOptions) *Lines { return &Lines{w: w, o: o} }

// Event implements [build.Monitor].
func (l *Lines) Event(e build.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Kind == build.StepOutput {
		if l.o.Output && e.Text != "" {
			fmt.Fprint(l.w, e.Text)
			l.open = !strings.HasSuffix(e.Text, "\n")
		}
		return
	}
	if text := line(e); text != "" {
		if e.Kind == build.Waiting {
			if text == l.waited {
				return
			}
			l.waited = text
		}
		if l.open {
			fmt.Fprintln(l.w)
			l.open = false
		}
		fmt.Fprintln(l.w, text)
	}
}

func line(e build.Event) string {
	switch e.Kind {
	case build.Planned:
		return planned(e)
	case build.FetchStarted:
		return fmt.Sprintf("fetching %s", count(e.Items, "file", "files"))
	case build.FetchRetried:
		return fmt.Sprintf("fetching %s again: %v", e.Text, e.Err)
	case build.FetchFinished:
		return fmt.Sprintf("fetched %s, %s", count(e.Items, "file", "files"), Bytes(e.Bytes))
	case build.StepStarted:
		return name(e.Step) + " …"
	case build.StepFinished:
		return finished(e)
	case build.StepFailed:
		return failed(e)
	case build.Waiting:
		return fmt.Sprintf("waiting for %s: %s has it", e.Text, e.Holder)
	}
	return ""
}

func planned(e build.Event) string {
	text := fmt.Sprintf("building %s: %s in %s", strings.Join(e.Plan.Exports, ", "),
		count(len(e.Plan.Steps()), "step", "steps"), count(len(e.Plan.Pipelines), "pipeline", "pipelines"))
	if e.Estimate >= time.Second {
		text += fmt.Sprintf(", %s the last time", e.Estimate.Round(time.Second))
	}
	return text
}

func finished(e build.Event) string {
	how := Duration(e.Duration)
	if e.Outcome.Cached {
		how = "from the store"
	}
	return fmt.Sprintf("%s: %s", name(e.Step), how)
}

// failed shows the last lines of the log; the error itself is the command's to print.
func failed(e build.Event) string {
	text := fmt.Sprintf("%s: failed after %s", name(e.Step), Duration(e.Duration))
	if last := sandbox.LastLines(e.Outcome.Output, 20); last != "" {
		text += "\n  " + strings.ReplaceAll(printable(last), "\n", "\n  ")
	}
	return text
}

// printable takes the control characters out of what programs printed.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, s)
}

// name is a step for people: "tree 3/12 org.osbuild.hostname".
func name(s *build.Step) string {
	return fmt.Sprintf("%s %d/%d %s", s.Pipeline.Name, s.Index+1, len(s.Pipeline.Steps), s.Type)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Duration is d in a form that people read at a glance.
func Duration(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

// Bytes is n with a unit: "12.3 MB".
func Bytes(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	x, i := float64(n), 0
	for x >= 1000 && i < len(units)-1 {
		x, i = x/1000, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", x, units[i])
}
