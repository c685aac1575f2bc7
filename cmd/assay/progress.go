package main

import (
	"fmt"
	"io"
	"time"

	"github.com/assay-os/assay/inspect/show"
)

// progressOf shows how far the hashing is, on a terminal only: a line that is
// drawn anew a few times a second and goes at the end.
func progressOf(w io.Writer) func(done, total int64) {
	if !isTerminal(w) {
		return nil
	}
	p := &progressLine{w: w, start: time.Now()}
	return p.tell
}

// A progressLine is what a person sees meanwhile. Times are the host's: they
// reach nothing but the terminal.
type progressLine struct {
	w           io.Writer
	start, last time.Time
}

// between is the time between two drawings.
const between = 200 * time.Millisecond

func (p *progressLine) tell(done, total int64) {
	now := time.Now()
	if done < total && now.Sub(p.last) < between {
		return
	}
	p.last = now
	if done >= total {
		fmt.Fprint(p.w, "\r\x1b[K")
		return
	}
	fmt.Fprintf(p.w, "\r%s\x1b[K", progressText(done, total, now.Sub(p.start)))
}

// progressText is "hashing  45 %, 210.0 MiB of 466.2 MiB, 2s left". What is left
// is told as soon as a second has shown how fast it goes.
func progressText(done, total int64, took time.Duration) string {
	text := fmt.Sprintf("hashing %3d %%, %s of %s", int64(float64(done)/float64(max(total, 1))*100), show.Bytes(done), show.Bytes(total))
	if took >= time.Second && done > 0 {
		left := time.Duration(float64(took) / float64(done) * float64(total-done))
		text += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	return text
}
