package build

import "time"

// A Monitor is told what happens during a build. Event may be called by
// several goroutines at once and must return soon: the build waits for it.
type Monitor interface {
	Event(Event)
}

// A Kind is what happened.
type Kind string

// The kinds of events.
const (
	Planned          Kind = "planned"
	PipelineStarted  Kind = "pipeline-started"
	PipelineFinished Kind = "pipeline-finished"
	FetchStarted     Kind = "fetch-started"
	FetchProgress    Kind = "fetch-progress"
	FetchRetried     Kind = "fetch-retried"
	FetchFinished    Kind = "fetch-finished"
	StepStarted      Kind = "step-started"
	StepOutput       Kind = "step-output"
	StepFinished     Kind = "step-finished"
	StepFailed       Kind = "step-failed"
	Waiting          Kind = "waiting"
	Finished         Kind = "finished"
)

// An Event is one thing that happened. Which fields are set depends on Kind.
type Event struct {
	Kind     Kind
	Time     time.Time
	Plan     *Plan
	Pipeline *Pipeline
	Step     *Step
	// Outcome is set when a step is finished or has failed.
	Outcome *Outcome
	// Estimate is what earlier runs took; 0 when nothing is known.
	Estimate time.Duration
	Duration time.Duration
	Digest   string
	// Text is a step's output, or what is waited for; Holder is who has it.
	Text, Holder string
	// Items and bytes of a download; TotalBytes is what is known so far.
	Items, DoneItems  int
	Bytes, TotalBytes int64
	Err               error
}
