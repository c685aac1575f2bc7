package build_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/build/sandbox"
	"github.com/assay-os/assay/build/store"
)

// BenchmarkTrueInSandbox is the ruler for a step: the same sandbox with
// nothing in it but true(1).
func BenchmarkTrueInSandbox(b *testing.B) {
	bench := newBench(b, b.TempDir())
	for b.Loop() {
		spec := sandbox.Spec{
			Work: b.TempDir(), Args: []string{"/usr/bin/true"}, Root: store.View{Dir: "/"},
			Tree: &store.View{Dir: b.TempDir()}, Epoch: time.Unix(0, 0),
		}
		if _, err := bench.builder.Runner.Run(context.Background(), spec); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNoopStep is one more native step that does nothing, through the
// whole executor: key, look-up, sandbox, commit.
func BenchmarkNoopStep(b *testing.B) {
	bench := newBench(b, b.TempDir())
	if _, err := bench.build(context.Background(), stagesOf(write("/a", "1"))); err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		n++
		noop := fmt.Sprintf(`{"type": "test.noop", "options": {"n": %d}}`, n)
		if _, err := bench.build(context.Background(), stagesOf(write("/a", "1"), noop)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCached40 is a build of 40 steps of which every output is there.
func BenchmarkCached40(b *testing.B) {
	bench := newBench(b, b.TempDir())
	var stages []string
	for i := range 40 {
		stages = append(stages, write(fmt.Sprintf("/f%d", i), strings.Repeat("x", i)))
	}
	document := stagesOf(stages...)
	if _, err := bench.build(context.Background(), document); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := bench.build(context.Background(), document); err != nil {
			b.Fatal(err)
		}
	}
}
