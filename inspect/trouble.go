package inspect

import (
	"fmt"
	"strings"
	"sync"

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
	reason := clip(t.path + ": " + t.what)
	if t.path == "" {
		reason = clip(t.what)
	}
	if t.count > 1 {
		reason += fmt.Sprintf(" (and %d more)", t.count-1)
	}
	return report.Section{Status: report.Unread, Reason: reason}
}

// maxReason bounds a reason, whose words may come from the image.
const maxReason = 500

// clip makes text one line of printable UTF-8, and shortens it to the bound. An
// error that joins others has a line for each.
func clip(text string) string {
	text = report.Raw(strings.ReplaceAll(text, "\n", "; ")).String()
	if len(text) > maxReason {
		text = text[:maxReason] + "…"
	}
	return text
}
