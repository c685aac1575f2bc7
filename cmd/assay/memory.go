package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/spf13/cobra"
)

// The memory of a command that looks into subjects: from memoryGoal on the
// collector runs more often, and over defaultMaxMemory the command gives up. An
// image of 200,000 files needs about the goal; a hostile one wants more.
const (
	memoryGoal       = 250 << 20
	defaultMaxMemory = "4G"
)

// bounded is a command that ends, with an error of its own, when more memory is
// needed than limit says at that time. The goal is the environment's where
// GOMEMLIMIT is set.
func bounded(limit *string, run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		most, err := parseSize(*limit)
		if err != nil || most <= 0 {
			return usage(fmt.Errorf("--max-memory %q: it is a number of bytes, or one with K, M, G or T", *limit))
		}
		if debug.SetMemoryLimit(-1) == math.MaxInt64 {
			debug.SetMemoryLimit(min(memoryGoal, most))
		}
		ctx, cancel := context.WithCancelCause(c.Context())
		defer cancel(nil)
		c.SetContext(ctx)
		if checkMemory(most, cancel) {
			go watchMemory(ctx, most, cancel)
			err = run(c, args)
		}
		var exceeded *exitError
		if errors.As(context.Cause(ctx), &exceeded) {
			return exceeded
		}
		return err
	}
}

// watchMemory looks at the heap until the context ends.
func watchMemory(ctx context.Context, most int64, cancel context.CancelCauseFunc) {
	const interval = 20 * time.Millisecond
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for checkMemory(most, cancel) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// checkMemory tells whether the heap is within its bound.
func checkMemory(most int64, cancel context.CancelCauseFunc) bool {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Uint64() <= uint64(most) {
		return true
	}
	cancel(&exitError{exitInconclusive, fmt.Errorf("more than %s of memory is needed, so it gave up and tells nothing; raise --max-memory if you trust the subject", size(most))})
	return false
}
