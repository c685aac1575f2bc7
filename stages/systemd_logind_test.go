package stages_test

import "testing"

// The trees are what upstream's stage leaves.
func TestSystemdLogind(t *testing.T) {
	testChanges(t, "org.osbuild.systemd-logind", map[string]change{
		"both, replaced": {
			map[string]string{"/usr/lib/systemd/logind.conf.d/a.conf": `file 0600 0:0 "old"`},
			`{"filename": "a.conf", "config": {"Login": {"ReserveVT": 6, "NAutoVTs": 0}}}`,
			map[string]string{"/usr/lib/systemd/logind.conf.d/a.conf": `file 0600 0:0 "[Login]\nNAutoVTs=0\nReserveVT=6\n\n"`}, "",
		},
	})
	testRefusals(t, "org.osbuild.systemd-logind", []refusal{
		{nil, `{"filename": "a.conf", "config": {"Login": {"NAutoVTs": -1}}}`, "options.config.Login.NAutoVTs: -1 is less than 0"},
		{nil, `{"filename": "a.conf", "config": {"Login": {"NAutoVT": 1}}}`, `did you mean "NAutoVTs"?`},
		{nil, `{"filename": "a", "config": {"Login": {"NAutoVTs": 1}}}`, "options.filename: "},
	})
}
