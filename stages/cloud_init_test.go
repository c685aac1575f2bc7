package stages_test

import "testing"

// The texts are what upstream's stage leaves, with PyYAML 6.0.
func TestCloudInit(t *testing.T) {
	const words = "aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj kkkk llll mmmm nnnn oooo pppp qqqq rrrr ssss tttt"
	before := map[string]string{"/etc/cloud/cloud.cfg.d": "dir 0755 0:0"}
	tests := map[string]change{}
	for config, text := range map[string]string{
		`{"ssh_pwauth": false, "system_info": {"default_user": {"name": "ec2-user"}}}`: `ssh_pwauth: false\nsystem_info:\n  default_user:\n    name: ec2-user\n`,
		`{"datasource_list": ["Azure", "None"], "datasource": {"Azure": {"apply_network_config": false}},
		  "output": {"all": "| tee -a /var/log/cloud-init-output.log", "init": "` + words + `", "config": "it's ` + words + ` x: y", "final": ">> /f"}}`: `datasource:\n  Azure:\n    apply_network_config: false\n` +
			`datasource_list: [Azure, None]\noutput:\n  all: '| tee -a /var/log/cloud-init-output.log'\n` +
			`  config: 'it''s aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj kkkk llll mmmm\n    nnnn oooo pppp qqqq rrrr ssss tttt x: y'\n` +
			`  final: '>> /f'\n  init: aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj kkkk llll mmmm nnnn oooo\n    pppp qqqq rrrr ssss tttt\n`,
		`{"system_info": {"default_user": {"name": "yes"}}, "datasource_list": [], "output": {"all": "", "init": "1_0", "config": "- a", "final": "a: b"},
		  "network": {"config": "disabled"}, "reporting": {"logging": {"type": "log"}, "telemetry": {}}}`: `datasource_list: []\nnetwork:\n  config: disabled\n` +
			`output:\n  all: ''\n  config: '- a'\n  final: 'a: b'\n  init: '1_0'\nreporting:\n  logging:\n    type: log\n  telemetry: {}\n` +
			`system_info:\n  default_user:\n    name: 'yes'\n`,
		`{"output": {"all": " lead", "init": "2020-01-01", "config": "a #b", "final": "12:30:45"}, "system_info": {"default_user": {"name": "a,b[c]"}}}`: `output:\n  all: ' lead'\n` +
			`  config: 'a #b'\n  final: '12:30:45'\n  init: '2020-01-01'\nsystem_info:\n  default_user:\n    name: a,b[c]\n`,
	} {
		tests[config] = change{before, `{"filename": "x.cfg", "config": ` + config + `}`, map[string]string{"/etc/cloud/cloud.cfg.d/x.cfg": `file 0644 0:0 "` + text + `"`}, ""}
	}
	testChanges(t, "org.osbuild.cloud-init", tests)
	testRefusals(t, "org.osbuild.cloud-init", []refusal{
		{nil, `{"filename": "x.cfg", "config": {"ssh_pwauth": true}}`, "options.filename: there is no directory /etc/cloud/cloud.cfg.d"},
		{before, `{"filename": "x.cfg", "config": {}}`, "options.config: has 0 keys, and must have at least 1"},
		{before, `{"filename": "../x.cfg", "config": {"ssh_pwauth": true}}`, "options.filename: "},
		{before, `{"filename": "x.cfg", "config": {"datasource_list": ["azure"]}}`, `options.config.datasource_list[0]: is "azure", not one of Azure`},
		{before, `{"filename": "x.cfg", "config": {"output": {"all": "a\nb"}}}`, "options.config.output.all: "},
	})
}
