package build_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/assay-os/assay/build"
)

// A recorder keeps events for looking into.
type recorder struct {
	mu   sync.Mutex
	list []build.Event
}

// Event implements build.Monitor.
func (r *recorder) Event(e build.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, e)
}

func (r *recorder) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = nil
}

func TestCache(t *testing.T) {
	b := newBench(t, t.TempDir())
	tests := []struct {
		name     string
		manifest string
		ran      string
		explain  string // of the first step that ran
	}{
		{"first build", stagesOf(write("/a", "1"), write("/b", "2"), write("/c", "3")), "write write write", "never built here"},
		{"again", stagesOf(write("/a", "1"), write("/b", "2"), write("/c", "3")), ". . .", ""},
		{"late change", stagesOf(write("/a", "1"), write("/b", "2"), write("/c", "4")), ". . write", "options./c (\"3\" → \"4\")"},
		{"early change", stagesOf(write("/a", "9"), write("/b", "2"), write("/c", "4")), "write write write", "options./a"},
		{"back", stagesOf(write("/a", "1"), write("/b", "2"), write("/c", "3")), ". . .", ""},
		{"same output by other options", stagesOf(shell("echo -n 5 > a"), write("/b", "2")), "shell write", "never built here"},
		{"early cut-off", stagesOf(shell("printf 5 > a"), write("/b", "2")), "shell .", "options.script"},
	}
	for _, tt := range tests {
		r, err := b.build(context.Background(), tt.manifest)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := ran(r); got != tt.ran {
			t.Errorf("%s: ran %q, want %q", tt.name, got, tt.ran)
		}
		for _, o := range r.Outcomes {
			if !o.Cached {
				if got := o.Explain.String(); !strings.Contains(got, tt.explain) {
					t.Errorf("%s: explained by %q, want %q", tt.name, got, tt.explain)
				}
				break
			}
		}
	}
}
