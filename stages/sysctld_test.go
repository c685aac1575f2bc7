package stages_test

import "testing"

// The trees are what upstream's stage leaves.
func TestSysctld(t *testing.T) {
	before := map[string]string{"/usr/lib/sysctl.d": "dir 0755 0:0"}
	testChanges(t, "org.osbuild.sysctld", map[string]change{
		"all": {
			before, `{"filename": "a.conf", "config": [{"key": "a.b", "value": "1 2"}, {"key": "-x.*"}, {"key": "c", "value": ""}]}`,
			map[string]string{"/usr/lib/sysctl.d/a.conf": `file 0644 0:0 "a.b = 1 2\n-x.*\nc\n"`}, "",
		},
	})
	testRefusals(t, "org.osbuild.sysctld", []refusal{
		{nil, `{"filename": "a.conf", "config": [{"key": "a", "value": "1"}]}`, "options.filename: there is no directory /usr/lib/sysctl.d"},
		{before, `{"filename": "a.conf", "config": []}`, "options.config: has 0 items, and must have at least 1"},
		{before, `{"filename": "a.conf", "config": [{"key": "a"}]}`, "options.config[0].value: is missing"},
		{before, `{"filename": "a.conf", "config": [{"key": "a", "value": "1\nb = 2"}]}`, "options.config[0].value: "},
		{before, `{"filename": "a/b.conf", "config": [{"key": "a", "value": "1"}]}`, "options.filename: "},
	})
}
