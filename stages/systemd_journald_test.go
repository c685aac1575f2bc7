package stages_test

import "testing"

// The trees are what upstream's stage leaves.
func TestSystemdJournald(t *testing.T) {
	after := map[string]string{"/usr/lib/systemd/journald.conf.d/a.conf": `file 0644 0:0 "[Journal]\nStorage=persistent\nCompress=512K\nAudit=\n\n"`}
	options := `{"filename": "a.conf", "config": {"Journal": {"Audit": "", "Storage": "persistent", "Compress": "512K"}}}`
	testChanges(t, "org.osbuild.systemd-journald", map[string]change{"some": {nil, options, after, ""}})
	testRefusals(t, "org.osbuild.systemd-journald", []refusal{
		{after, options, "a.conf: file exists"},
		{nil, `{"filename": "a.conf", "config": {}}`, "options.config: has 0 keys, and must have at least 1"},
		{nil, `{"filename": "a.conf", "config": {"Journal": {"Storge": "none"}}}`, `options.config.Journal.Storge: is no known option; did you mean "Storage"?`},
		{nil, `{"filename": "a.conf", "config": {"Journal": {"MaxFileSec": 3}}}`, "options.config.Journal.MaxFileSec: is a number, not a string"},
	})
}
