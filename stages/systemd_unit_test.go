package stages_test

import "testing"

// The trees are what upstream's stage leaves.
func TestSystemdUnit(t *testing.T) {
	testChanges(t, "org.osbuild.systemd.unit", map[string]change{
		"system": {
			nil, `{"unit": "a.service", "dropin": "x.conf", "config": {
				"Service": {"Environment": [{"key": "A", "value": "b c"}, {"key": "B", "value": "1"}]}, "Unit": {"ConditionPathExists": "/x"}}}`,
			map[string]string{
				"/usr/lib/systemd/system/a.service.d/x.conf": `file 0644 0:0 "[Unit]\nConditionPathExists=/x\n\n[Service]\nEnvironment=\"A=b c\"\nEnvironment=\"B=1\"\n\n"`,
			}, "",
		},
		"global, a text": {
			nil, `{"unit": "a@b.timer", "dropin": "x.conf", "unit-type": "global", "config": {"Service": {"Environment": "A=1"}}}`,
			map[string]string{"/usr/lib/systemd/user/a@b.timer.d/x.conf": `file 0644 0:0 "[Service]\nEnvironment=A=1\n\n"`}, "",
		},
	})
	testRefusals(t, "org.osbuild.systemd.unit", []refusal{
		{nil, `{"unit": "../a.service", "dropin": "x.conf", "config": {}}`, "options.unit: "},
		{nil, `{"unit": "a.socket", "dropin": "x.conf", "config": {}}`, `options.unit: "a.socket" is not the name of a service or a timer`},
		{nil, `{"unit": "a.service", "dropin": "x", "config": {}}`, `options.dropin: "x" is not a file name that ends in .conf`},
		{nil, `{"unit": "a.service", "dropin": "x.conf", "config": {"Service": {"Environment": [{"key": "A B", "value": "a\nb"}]}}}`, "Environment[0].value: "},
		{nil, `{"unit": "a.service", "dropin": "x.conf", "config": {"Service": {"Environment": 3}}}`, "Environment: is a number, not a string or an array"},
		{nil, `{"unit": "a.service", "dropin": "x.conf", "config": {"Install": {}}}`, "options.config.Install: is no known option"},
	})
}
