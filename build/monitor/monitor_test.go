package monitor

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/manifest"
)

// twoSteps is a plan of one pipeline with two steps.
func twoSteps() (*build.Plan, *build.Pipeline) {
	pl := &build.Pipeline{Pipeline: &manifest.Pipeline{Name: "tree"}}
	for i, name := range []string{"org.osbuild.hostname", "org.osbuild.users"} {
		path := manifest.Path{"pipelines", 0, "stages", i}
		pl.Steps = append(pl.Steps, &build.Step{Step: &manifest.Step{Type: name, Path: path, ID: "id"}, Pipeline: pl, Index: i})
	}
	return &build.Plan{Exports: []string{"tree"}, Pipelines: []*build.Pipeline{pl}}, pl
}

// story is a build in which the second step fails.
func story() []build.Event {
	plan, pl := twoSteps()
	at := func(s float64) time.Time { return time.Unix(100, 0).Add(time.Duration(s * float64(time.Second))) }
	return []build.Event{
		{Kind: build.Planned, Time: at(0), Plan: plan, Estimate: 12 * time.Second},
		{Kind: build.PipelineStarted, Time: at(0), Pipeline: pl, Estimate: 12 * time.Second},
		{Kind: build.StepFinished, Time: at(1), Step: pl.Steps[0], Outcome: &build.Outcome{Step: pl.Steps[0], Cached: true}},
		{Kind: build.FetchStarted, Time: at(1), Items: 2},
		{Kind: build.FetchProgress, Time: at(2), Items: 2, DoneItems: 1, Bytes: 1500, TotalBytes: 3000000},
		{Kind: build.FetchRetried, Time: at(2), Text: "http://x/y", Err: errors.New("503")},
		{Kind: build.FetchFinished, Time: at(3), Items: 2, DoneItems: 2, Bytes: 3000000},
		{Kind: build.Waiting, Time: at(3), Text: "the store", Holder: "process 7 (build x)"},
		{Kind: build.StepStarted, Time: at(3), Step: pl.Steps[1]},
		{Kind: build.StepOutput, Time: at(4), Step: pl.Steps[1], Text: "useradd: \x1b[31mno"},
		{Kind: build.StepFailed, Time: at(5), Step: pl.Steps[1], Duration: 2 * time.Second, Err: errors.New("no"),
			Outcome: &build.Outcome{Step: pl.Steps[1], Output: "one\n\nuseradd: \x1b[31mno\n"}},
		{Kind: build.Finished, Time: at(5)},
	}
}

func TestLines(t *testing.T) {
	var out bytes.Buffer
	l := NewLines(&out, LinesOptions{})
	for _, e := range story() {
		l.Event(e)
	}
	want := `building tree: 2 steps in 1 pipeline, 12s the last time
tree 1/2 org.osbuild.hostname: from the store
fetching 2 files
fetching http://x/y again: 503
fetched 2 files, 3.0 MB
waiting for the store: process 7 (build x) has it
tree 2/2 org.osbuild.users …
tree 2/2 org.osbuild.users: failed after 2s
  one
  useradd: [31mno
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestLinesWithOutput(t *testing.T) {
	var out bytes.Buffer
	l := NewLines(&out, LinesOptions{Output: true})
	for _, e := range story()[8:11] {
		l.Event(e)
	}
	if got, want := out.String(), "tree 2/2 org.osbuild.users …\nuseradd: \x1b[31mno\ntree 2/2"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want the prefix %q", got, want)
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	j := NewJSON(&out)
	for _, e := range story() {
		j.Event(e)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(story()) {
		t.Fatalf("%d lines for %d events", len(lines), len(story()))
	}
	for _, line := range lines {
		var r Record
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Event == "" || r.Timestamp < 100 {
			t.Errorf("%s: %v", line, err)
		}
	}
	want := `{"event":"step-failed","timestamp":105,"pipeline":"tree","step":{"type":"org.osbuild.users","id":"id","path":"pipelines[0].stages[1]","index":1,"total":2},"cached":false,"duration":2,"error":"no"}`
	if lines[10] != want {
		t.Errorf("got\n%s\nwant\n%s", lines[10], want)
	}
}

// TestBars replays the drawing on a screen of lines.
func TestBars(t *testing.T) {
	var out bytes.Buffer
	b := NewBars(&out, func() int { return 60 })
	events := story()
	for _, e := range events[:9] {
		b.Event(e)
	}
	want := "fetching http://x/y again: 503\nwaiting for the store: process 7 (build x) has it\n" +
		"tree         [##########..........] 1/2 org.osbuild.users,…"
	if got := screen(out.String()); got != want {
		t.Errorf("while it runs:\n%s\nwant\n%s", got, want)
	}
	for _, e := range events[9:] {
		b.Event(e)
	}
	if got := screen(out.String()); !strings.Contains(got, "tree 2/2 org.osbuild.users: failed after 2s\n  one\n") {
		t.Errorf("at the end:\n%s", got)
	}
}

// screen carries out the escape sequences that [Bars] uses.
func screen(s string) string {
	var lines []string
	for s != "" {
		if rest, ok := strings.CutPrefix(s, "\r\x1b["); ok {
			n := int(rest[0] - '0')
			lines = lines[:len(lines)-n]
			s = strings.TrimPrefix(rest[1:], "A\x1b[J")
			continue
		}
		line, rest, _ := strings.Cut(s, "\n")
		lines = append(lines, line)
		s = rest
	}
	return strings.Join(lines, "\n")
}

func TestUnits(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 82_800_000: "82.8 MB", 5e15: "5000.0 TB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{1234567: "1ms", 61234 * time.Millisecond: "1m1.2s"} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d) = %q, want %q", d, got, want)
		}
	}
}
