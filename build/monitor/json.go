package monitor

import (
	"io"
	"sync"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/report"
)

// JSON writes one JSON object a line for each event, in the form of [Record].
type JSON struct {
	mu sync.Mutex
	e  *report.Encoder
}

// NewJSON writes to w. Errors of w are not reported.
func NewJSON(w io.Writer) *JSON {
	return &JSON{e: report.NewEncoder(w, "")}
}

// A Record is an event as JSON. Times are seconds since 1970, durations
// seconds; what an event has not is left out.
type Record struct {
	Event     build.Kind         `json:"event"`
	Timestamp float64            `json:"timestamp"`
	Pipeline  string             `json:"pipeline,omitempty"`
	Step      *StepRecord        `json:"step,omitempty"`
	Cached    *bool              `json:"cached,omitempty"`
	Key       string             `json:"key,omitempty"`
	Explain   *build.Explanation `json:"explain,omitempty"`
	Digest    string             `json:"digest,omitempty"`
	Duration  float64            `json:"duration,omitempty"`
	Estimate  float64            `json:"estimate,omitempty"`
	Text      string             `json:"text,omitempty"`
	Holder    string             `json:"holder,omitempty"`
	Progress  *ProgressRecord    `json:"progress,omitempty"`
	Error     string             `json:"error,omitempty"`
}

// A StepRecord names a step.
type StepRecord struct {
	Type  string `json:"type"`
	ID    string `json:"id"`
	Path  string `json:"path"`
	Index int    `json:"index"`
	Total int    `json:"total"`
}

// A ProgressRecord is how far a download is.
type ProgressRecord struct {
	Items      int   `json:"items"`
	Done       int   `json:"done"`
	Bytes      int64 `json:"bytes"`
	TotalBytes int64 `json:"total_bytes"`
}

// Event implements [build.Monitor].
func (j *JSON) Event(e build.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_ = j.e.Encode(record(e)) // nobody reads: see NewJSON
}

func record(e build.Event) Record {
	r := Record{
		Event: e.Kind, Timestamp: float64(e.Time.UnixMicro()) / 1e6, Duration: e.Duration.Seconds(),
		Estimate: e.Estimate.Seconds(), Digest: e.Digest, Text: e.Text, Holder: e.Holder,
	}
	if e.Pipeline != nil {
		r.Pipeline = e.Pipeline.Name
	}
	if e.Step != nil {
		r.Pipeline = e.Step.Pipeline.Name
		r.Step = &StepRecord{e.Step.Type, e.Step.ID, e.Step.Path.String(), e.Step.Index, len(e.Step.Pipeline.Steps)}
	}
	if e.Outcome != nil {
		r.Key = e.Outcome.Key
		r.Cached = &e.Outcome.Cached
		r.Explain = e.Outcome.Explain
	}
	if e.Items > 0 {
		r.Progress = &ProgressRecord{e.Items, e.DoneItems, e.Bytes, e.TotalBytes}
	}
	if e.Err != nil {
		r.Error = e.Err.Error()
	}
	return r
}
