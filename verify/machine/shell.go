package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// sshPort is where the guest's sshd listens.
const sshPort = 22

// An Output is what a command in the guest came to.
type Output struct {
	// Stdout has no last newline. At a console it holds standard error as well.
	Stdout string
	Code   int
}

// SSH runs a command over ssh, as user with the private key in a file. Port 22 must be
// among Options.Ports. An error means that the command was not run to its end.
func (m *Machine) SSH(ctx context.Context, user, key, command string) (Output, error) {
	cmd := exec.CommandContext(ctx, "ssh",
		"-i", key, "-p", strconv.Itoa(m.Port(sshPort)), "-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=20",
		user+"@127.0.0.1", "--", command)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	out := Output{Stdout: strings.TrimSuffix(stdout.String(), "\n")}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return out, nil
	case errors.As(err, &exit) && exit.ExitCode() >= 0 && exit.ExitCode() != 255: // 255 is ssh's own
		out.Code = exit.ExitCode()
		return out, nil
	}
	return out, fmt.Errorf("ssh: %w: %s", err, strings.TrimSpace(stderr.String()))
}

// prompt is what getty(8) and login(1) ask with.
var prompt = regexp.MustCompile(`(?m)login: ?$`)

// WaitLogin waits until the console asks who logs in.
func (m *Machine) WaitLogin(ctx context.Context) error {
	_, err := m.Expect(ctx, prompt)
	return err
}

// Login logs in at the console, which asks for it: see [Machine.WaitLogin]. An empty
// password is for a user that is asked for none.
func (m *Machine) Login(ctx context.Context, user, password string) error {
	if err := m.Type(user + "\n"); err != nil {
		return err
	}
	if password != "" {
		if _, err := m.Expect(ctx, regexp.MustCompile(`(?i)password: ?`)); err != nil {
			return err
		}
		if err := m.Type(password + "\n"); err != nil {
			return err
		}
	}
	found, err := m.Expect(ctx, regexp.MustCompile(`(?m)[$#%>] ?(\x1b\[[0-9;?]*[a-zA-Z])*$|(?i)login incorrect|password: ?$`))
	if err != nil {
		return err
	}
	if strings.Contains(strings.ToLower(found[0]), "incorrect") || strings.Contains(strings.ToLower(found[0]), "password") {
		return fmt.Errorf("log in as %s: the console refused", user)
	}
	return nil
}

// Run runs a command in the shell at the console. The marks around its output are put
// together by the shell, so that what the terminal echoes is not taken for them.
func (m *Machine) Run(ctx context.Context, command string) (Output, error) {
	if strings.ContainsAny(command, "\n\r") {
		return Output{}, errors.New("run in the guest: a command at a console is one line")
	}
	line := fmt.Sprintf("printf '\\n%%s%%s\\n' ASSAY -BEGIN; { %s ; } 2>&1; printf '\\n%%s%%s %%d\\n' ASSAY -END $?\n", command)
	if err := m.Type(line); err != nil {
		return Output{}, err
	}
	if _, err := m.Expect(ctx, regexp.MustCompile(`(?m)^ASSAY-BEGIN\r?\n`)); err != nil {
		return Output{}, err
	}
	found, err := m.Expect(ctx, regexp.MustCompile(`(?s)^(.*?)\r?\nASSAY-END ([0-9]+)\r?\n`))
	if err != nil {
		return Output{}, err
	}
	code, err := strconv.Atoi(found[2])
	if err != nil {
		return Output{}, fmt.Errorf("run in the guest: %w", err)
	}
	text := strings.ReplaceAll(found[1], "\r\n", "\n")
	return Output{Stdout: strings.TrimSuffix(text, "\n"), Code: code}, nil
}
