package stages

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/assay-os/assay/build/step"
)

//go:embed sshd_config.json
var sshdConfigSchema json.RawMessage

func sshdConfig() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.sshd.config",
		Kind:    step.Stage,
		Summary: "Configure the SSH daemon",
		Description: `Changes /etc/ssh/sshd_config, which the tree must have. The first line that sets
an option, its name in any case, gets the value and keeps its spelling; comments are
not looked at. An option that no line sets is added: at the end, or before the first
Match block, inside of which it would hold for some connections only (upstream adds
at the end always).`,
		Schema: sshdConfigSchema,
		Since:  since,
		Run:    with(configureSSHD),
	}
}

type sshdConfigOptions struct {
	Config struct {
		PasswordAuthentication          *bool           `json:"PasswordAuthentication"`
		ChallengeResponseAuthentication *bool           `json:"ChallengeResponseAuthentication"`
		ClientAliveInterval             *int            `json:"ClientAliveInterval"`
		PermitRootLogin                 json.RawMessage `json:"PermitRootLogin"`
	} `json:"config"`
}

// A setting is one option and its value as sshd_config(5) spells them.
type setting struct {
	key, value string
	// respell rewrites a line that has the value already: upstream does so
	// for numbers.
	respell bool
}

func configureSSHD(c *step.Context, o sshdConfigOptions) error {
	const file = "/etc/ssh/sshd_config"
	settings, err := o.settings()
	if err != nil {
		return err
	}
	text, err := c.Tree.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return step.BadOption(step.At("config"), "there is no %s to configure; install the SSH server before this stage", file)
	}
	if err != nil {
		return err
	}
	return c.Tree.WriteFile(file, []byte(setSSHD(string(text), settings)), 0o644)
}

func (o sshdConfigOptions) settings() ([]setting, error) {
	var list []setting
	if v := o.Config.PasswordAuthentication; v != nil {
		list = append(list, setting{"PasswordAuthentication", yesNo(*v), false})
	}
	if v := o.Config.ChallengeResponseAuthentication; v != nil {
		list = append(list, setting{"ChallengeResponseAuthentication", yesNo(*v), false})
	}
	if v := o.Config.ClientAliveInterval; v != nil {
		list = append(list, setting{"ClientAliveInterval", strconv.Itoa(*v), true})
	}
	var login any
	if o.Config.PermitRootLogin != nil {
		if err := json.Unmarshal(o.Config.PermitRootLogin, &login); err != nil {
			return nil, err
		}
	}
	switch v := login.(type) {
	case bool:
		list = append(list, setting{"PermitRootLogin", yesNo(v), false})
	case string:
		list = append(list, setting{"PermitRootLogin", v, false})
	}
	return list, nil
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

// setSSHD changes the lines that set what settings name, and adds the others.
// A line with anything but a key and a value is left alone.
func setSSHD(text string, settings []setting) string {
	var lines []string
	match := -1
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) > 0 && match < 0 && strings.EqualFold(words[0], "Match") {
			match = len(lines)
		}
		if len(words) == 2 {
			for i, s := range settings {
				if strings.EqualFold(words[0], s.key) {
					settings = append(settings[:i:i], settings[i+1:]...)
					if words[1] != s.value || s.respell {
						line = words[0] + " " + s.value + "\n"
					}
					break
				}
			}
		}
		lines = append(lines, line)
	}
	return addSettings(lines, match, settings)
}

func addSettings(lines []string, match int, settings []setting) string {
	if n := len(lines); n > 0 && !strings.HasSuffix(lines[n-1], "\n") {
		lines[n-1] += "\n"
	}
	if match < 0 {
		match = len(lines)
	}
	var b strings.Builder
	for _, line := range lines[:match] {
		b.WriteString(line)
	}
	for _, s := range settings {
		b.WriteString(s.key + " " + s.value + "\n")
	}
	for _, line := range lines[match:] {
		b.WriteString(line)
	}
	return b.String()
}
