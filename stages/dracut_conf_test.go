package stages_test

import "testing"

// The trees are what upstream's stage leaves for these options in this order.
func TestDracutConf(t *testing.T) {
	testChanges(t, "org.osbuild.dracut.conf", map[string]change{
		"one of each": {
			nil, `{"filename": "a.conf", "config": {"reproducible": true, "early_microcode": false, "install_items": [], "add_drivers": ["a", "b"], "compress": "xz"}}`,
			map[string]string{"/usr/lib/dracut/dracut.conf.d/a.conf": `file 0644 0:0 "compress=\"xz\"\nadd_drivers+=\" a b \"\ninstall_items+=\"  \"\nearly_microcode=\"no\"\nreproducible=\"yes\"\n"`}, "",
		},
	})
	testRefusals(t, "org.osbuild.dracut.conf", []refusal{
		{nil, `{"filename": "a.conf", "config": {}}`, "options.config: has 0 keys"},
		{nil, `{"filename": "a.conf", "config": {"drivers": "a"}}`, "options.config.drivers: is a string, not an array"},
		{nil, `{"filename": "a.conf", "config": {"compress": "xz\"\nrm -rf /"}}`, "options.config.compress: "},
		{nil, `{"filename": "a.conf", "config": {"add_driver": []}}`, `did you mean "add_drivers"?`},
	})
}
