package inspect

import (
	"fmt"
	"sync"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/report"
)

// trouble collects what could not be read in one section. It keeps the first
// place in the order of paths, whatever the order of work, so that a report
// does not depend on which worker was faster.
type trouble struct {
	mu    sync.Mutex
	count int
	path  string
	what  string
}

// add records that what happened at path.
func (t *trouble) add(path, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	if t.count == 1 || path < t.path || path == t.path && what < t.what {
		t.path, t.what = path, what
	}
}

// section is the state that the troubles make.
func (t *trouble) section() report.Section {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == 0 {
		return report.Section{Status: report.OK}
	}
	reason := section.Clip(t.path + ": " + t.what)
	if t.path == "" {
		reason = section.Clip(t.what)
	}
	if t.count > 1 {
		reason += fmt.Sprintf(" (and %d more)", t.count-1)
	}
	return report.Section{Status: report.Unread, Reason: reason}
}
