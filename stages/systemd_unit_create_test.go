package stages_test

import "testing"

// The trees are what upstream's stage leaves for these options in upstream's order.
func TestSystemdUnitCreate(t *testing.T) {
	usr := map[string]string{"/usr/lib/systemd/system": "dir 0755 0:0"}
	testChanges(t, "org.osbuild.systemd.unit.create", map[string]change{
		"service": {
			usr, `{"filename": "a.service", "config": {
				"Install": {"WantedBy": ["m"]},
				"Unit": {"Description": "d", "After": ["a", "b", "a"], "DefaultDependencies": false},
				"Service": {"Type": "oneshot", "RemainAfterExit": true, "ExecStart": ["x", "x", "y"], "Environment": [{"key": "A", "value": "b"}]}}}`,
			map[string]string{"/usr/lib/systemd/system/a.service": `file 0644 0:0 "[Unit]\nDescription=d\nAfter=a\nAfter=b\nDefaultDependencies=False\n\n` +
				`[Service]\nType=oneshot\nRemainAfterExit=True\nExecStart=x\nExecStart=y\nEnvironment=\"A=b\"\n\n[Install]\nWantedBy=m\n\n"`}, "",
		},
		"swap in etc": {
			map[string]string{"/etc/systemd/system": "dir 0755 0:0"},
			`{"filename": "a.swap", "unit-path": "etc", "config": {"Swap": {"What": "/dev/x", "Priority": 3}, "Install": {}}}`,
			map[string]string{"/etc/systemd/system/a.swap": `file 0644 0:0 "[Swap]\nWhat=/dev/x\nPriority=3\n\n[Install]\n\n"`}, "",
		},
	})
	testRefusals(t, "org.osbuild.systemd.unit.create", []refusal{
		{usr, `{"filename": "a.service", "config": {"Socket": {}}}`, "options.config: a .service file needs the section of its kind"},
		{usr, `{"filename": "a.service", "config": {"Service": {}, "Socket": {}}}`, "options.config: has Service and Socket, of which only one may be given"},
		{usr, `{"filename": "a.service", "config": {"Unit": {}}}`, "options.config: needs one of Service, Socket, Mount, Swap"},
		{usr, `{"filename": "a.service", "config": {"Service": {}, "Unit": {}}}`, "options.config.Install: is missing, and Service needs it"},
		{usr, `{"filename": "a.service", "config": {"Service": {"Type": "forkin"}, "Unit": {}, "Install": {}}}`, `did you mean "forking"?`},
		{usr, `{"filename": "a.service", "config": {"Service": {"ExecStart": ["a\n[Install]"]}, "Unit": {}, "Install": {}}}`, "options.config.Service.ExecStart[0]: "},
		{usr, `{"filename": "a.mount", "config": {"Mount": {"What": "x"}}}`, "options.config.Mount.Where: is missing"},
		{nil, `{"filename": "a.swap", "config": {"Swap": {"What": "x"}}}`, "options.filename: there is no directory /usr/lib/systemd/system"},
	})
}
