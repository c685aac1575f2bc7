package stages

import (
	_ "embed"
	"encoding/json"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/assay-os/assay/build/step"
)

//go:embed kernel_cmdline.json
var kernelCmdlineSchema json.RawMessage

func kernelCmdline() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.kernel-cmdline",
		Kind:    step.Stage,
		Summary: "Set the kernel's command line",
		Description: `Writes the parameters to /etc/kernel/cmdline, from where kernel-install(8)
takes them for the boot entries that it makes later. The text may not be longer than
the kernel's COMMAND_LINE_SIZE on the architecture of the build, unless
kernel_cmdline_size says otherwise.`,
		Schema: kernelCmdlineSchema,
		Since:  since,
		Run:    with(writeCmdline),
	}
}

type kernelCmdlineOptions struct {
	RootFSUUID string `json:"root_fs_uuid"`
	KernelOpts string `json:"kernel_opts"`
	Size       *int   `json:"kernel_cmdline_size"`
}

func writeCmdline(c *step.Context, o kernelCmdlineOptions) error {
	var parameters []string
	if o.RootFSUUID != "" {
		parameters = append(parameters, "root=UUID="+o.RootFSUUID)
	}
	if o.KernelOpts != "" {
		parameters = append(parameters, o.KernelOpts)
	}
	line := strings.Join(parameters, " ")
	if longest := or(o.Size, commandLineSize()); utf8.RuneCountInString(line) > longest {
		return step.BadOption(step.At("kernel_opts"), "the command line has %d characters, and may have at most %d", utf8.RuneCountInString(line), longest)
	}
	if err := c.Tree.MkdirAll("/etc/kernel", 0o755); err != nil {
		return err
	}
	return c.Tree.WriteFile("/etc/kernel/cmdline", []byte(line), 0o644)
}

// commandLineSize is COMMAND_LINE_SIZE, as upstream's stage has it:
// arch/x86 and arch/arm64, include/uapi/asm/setup.h of Linux.
func commandLineSize() int {
	switch runtime.GOARCH {
	case "amd64", "arm64", "386":
		return 2048
	default:
		return 4096
	}
}
