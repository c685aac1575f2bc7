package stages_test

import "testing"

// The first tree is what upstream's stage leaves; the second is not: see the
// stage's description.
func TestSSHDConfig(t *testing.T) {
	file := func(text string) map[string]string {
		return map[string]string{"/etc/ssh/sshd_config": `file 0600 3:4 "` + text + `"`}
	}
	testChanges(t, "org.osbuild.sshd.config", map[string]change{
		"all": {
			file(`#PasswordAuthentication yes\npasswordauthentication yes\nPasswordAuthentication maybe\nClientAliveInterval  120\n` +
				`PermitRootLogin yes # c\nX11Forwarding yes\n`),
			`{"config": {"PasswordAuthentication": false, "ChallengeResponseAuthentication": false, "ClientAliveInterval": 120, "PermitRootLogin": "prohibit-password"}}`,
			file(`#PasswordAuthentication yes\npasswordauthentication no\nPasswordAuthentication maybe\nClientAliveInterval 120\n` +
				`PermitRootLogin yes # c\nX11Forwarding yes\nChallengeResponseAuthentication no\nPermitRootLogin prohibit-password\n`), "",
		},
		"before a Match block, last line unended": {
			file(`X11Forwarding yes\nMatch User bob\n  PermitTTY no`), `{"config": {"PermitRootLogin": true}}`,
			file(`X11Forwarding yes\nPermitRootLogin yes\nMatch User bob\n  PermitTTY no\n`), "",
		},
		"nothing": {file(`a\n`), `{"config": {}}`, file(`a\n`), ""},
	})
	testRefusals(t, "org.osbuild.sshd.config", []refusal{
		{nil, `{"config": {}}`, "options.config: there is no /etc/ssh/sshd_config to configure"},
		{nil, `{}`, "options.config: is missing"},
		{nil, `{"config": {"PermitRootLogin": "maybe"}}`, `options.config.PermitRootLogin: is "maybe", not one of prohibit-password, forced-commands-only`},
		{nil, `{"config": {"PasswordAuthentication": "no"}}`, "options.config.PasswordAuthentication: is a string, not a boolean"},
		{nil, `{"config": {"PasswordAuth": true}}`, "options.config.PasswordAuth: is no known option"},
	})
}
