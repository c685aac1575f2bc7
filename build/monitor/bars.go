package monitor

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/assay-os/assay/build"
)

// Bars draws one bar for each pipeline at the bottom of a terminal, with the
// step that runs, the bytes of downloads and the time that is left by earlier
// runs. What is worth keeping scrolls up as plain lines.
type Bars struct {
	w     io.Writer
	width func() int

	mu    sync.Mutex
	bars  []*bar
	fetch string
	drawn int
	last  time.Time
	stop  chan struct{}
}

// A bar is the state of one pipeline.
type bar struct {
	pipeline *build.Pipeline
	done     int
	step     string
	// left is what earlier runs say is still to do, spent the time of this one.
	started  time.Time
	estimate time.Duration
}

// NewBars draws on w, a terminal whose width in columns is asked for with
// every drawing.
func NewBars(w io.Writer, width func() int) *Bars { return &Bars{w: w, width: width} }

// redraw is the shortest time between two drawings, tick the longest while a
// build runs: the time that is left changes also when nothing happens.
const (
	redraw = 50 * time.Millisecond
	tick   = time.Second
)

// Event implements [build.Monitor].
func (b *Bars) Event(e build.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	keep := b.update(e)
	frequent := e.Kind == build.FetchProgress || e.Kind == build.StepOutput
	if frequent && e.Time.Sub(b.last) < redraw {
		return
	}
	b.last = e.Time
	b.draw(keep, e.Time, e.Kind == build.Finished)
	switch {
	case e.Kind == build.Planned && b.stop == nil:
		b.stop = make(chan struct{})
		go b.tick(b.stop)
	case e.Kind == build.Finished && b.stop != nil:
		close(b.stop)
		b.stop = nil
	}
}

// tick draws again and again until the build is finished.
func (b *Bars) tick(stop chan struct{}) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-t.C:
			b.mu.Lock()
			if b.stop != nil {
				b.draw("", now, false)
			}
			b.mu.Unlock()
		}
	}
}

// update takes the event in and returns lines that are to stay.
func (b *Bars) update(e build.Event) string {
	switch e.Kind {
	case build.Planned:
		for _, pl := range e.Plan.Pipelines {
			b.bars = append(b.bars, &bar{pipeline: pl})
		}
	case build.PipelineStarted:
		at := b.find(e.Pipeline)
		at.started, at.estimate = e.Time, e.Estimate
	case build.FetchStarted, build.FetchProgress:
		b.fetch = fetching(e)
	case build.FetchFinished:
		b.fetch = ""
	case build.StepStarted:
		b.find(e.Step.Pipeline).step = e.Step.Type
	case build.StepFinished:
		at := b.find(e.Step.Pipeline)
		at.done, at.step = e.Step.Index+1, ""
	case build.StepFailed, build.Waiting, build.FetchRetried:
		return line(e)
	}
	return ""
}

func (b *Bars) find(pl *build.Pipeline) *bar {
	for _, at := range b.bars {
		if at.pipeline == pl {
			return at
		}
	}
	return &bar{}
}

func fetching(e build.Event) string {
	text := fmt.Sprintf("fetching %d/%d files, %s", e.DoneItems, e.Items, Bytes(e.Bytes))
	if e.TotalBytes > 0 {
		text += " of " + Bytes(e.TotalBytes)
	}
	return text
}

// draw replaces the last drawing. \x1b[A goes up a line, \x1b[J clears from
// there to the end of the screen.
func (b *Bars) draw(keep string, now time.Time, last bool) {
	var out strings.Builder
	if b.drawn > 0 {
		fmt.Fprintf(&out, "\r\x1b[%dA\x1b[J", b.drawn)
	}
	if keep != "" {
		out.WriteString(keep + "\n")
	}
	lines := b.lines(now)
	for _, l := range lines {
		out.WriteString(l + "\n")
	}
	b.drawn = len(lines)
	if last {
		b.drawn = 0
	}
	_, _ = io.WriteString(b.w, out.String()) // nobody looks at the terminal any more
}

func (b *Bars) lines(now time.Time) []string {
	width := b.width()
	var lines []string
	for _, at := range b.bars {
		lines = append(lines, clip(at.line(now), width))
	}
	if b.fetch != "" {
		lines = append(lines, clip(b.fetch, width))
	}
	return lines
}

// line is "tree  [#####.....]  5/12 org.osbuild.users, 12s left".
func (at *bar) line(now time.Time) string {
	const cells = 20
	total := len(at.pipeline.Steps)
	full := cells
	if total > 0 {
		full = cells * at.done / total
	}
	text := fmt.Sprintf("%-12s [%s%s] %*d/%d %s", at.pipeline.Name, strings.Repeat("#", full),
		strings.Repeat(".", cells-full), len(fmt.Sprint(total)), at.done, total, at.step)
	if left := at.left(now); left > 0 && at.step != "" {
		text += fmt.Sprintf(", %s left", left)
	}
	return strings.TrimRight(text, " ")
}

// left is the time that earlier runs took, less what has passed.
func (at *bar) left(now time.Time) time.Duration {
	if at.started.IsZero() || at.estimate == 0 {
		return 0
	}
	return (at.estimate - now.Sub(at.started)).Round(time.Second)
}

// clip keeps a line from wrapping, which would spoil the next drawing.
func clip(s string, width int) string {
	if r := []rune(s); width > 1 && len(r) >= width {
		return string(r[:width-2]) + "…"
	}
	return s
}
