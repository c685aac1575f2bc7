package main

import (
	"testing"
	"time"
)

func TestProgressText(t *testing.T) {
	for _, c := range []struct {
		done, total int64
		took        time.Duration
		want        string
	}{
		{0, 0, 0, "hashing   0 %, 0 B of 0 B"},
		{1 << 20, 4 << 20, time.Second / 2, "hashing  25 %, 1.0 MiB of 4.0 MiB"},
		{1 << 20, 4 << 20, 2 * time.Second, "hashing  25 %, 1.0 MiB of 4.0 MiB, 6s left"},
		{1 << 60, 1 << 62, time.Hour, "hashing  25 %, 1.0 EiB of 4.0 EiB, 3h0m0s left"},
	} {
		if got := progressText(c.done, c.total, c.took); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
