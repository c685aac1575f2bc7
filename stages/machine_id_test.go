package stages_test

import "testing"

// The trees are what upstream's stage leaves.
func TestMachineID(t *testing.T) {
	before := map[string]string{"/etc/machine-id": `file 0444 0:0 "0123456789abcdef0123456789abcdef\n"`}
	testChanges(t, "org.osbuild.machine-id", map[string]change{
		"yes":      {map[string]string{"/etc": "dir 0755 0:0"}, `{"first-boot": "yes"}`, map[string]string{"/etc/machine-id": `file 0644 0:0 "uninitialized\n"`}, ""},
		"no":       {before, `{"first-boot": "no"}`, map[string]string{"/etc/machine-id": `file 0444 0:0 ""`}, ""},
		"preserve": {before, `{"first-boot": "preserve"}`, before, ""},
	})
	testRefusals(t, "org.osbuild.machine-id", []refusal{
		{nil, `{"first-boot": "preserve"}`, "options.first-boot: there is no /etc/machine-id that could be preserved"},
		{nil, `{"first-boot": "presserve"}`, `options.first-boot: is "presserve", not one of yes, no, preserve; did you mean "preserve"?`},
		{nil, `{}`, "options.first-boot: is missing"},
	})
}
