package stages_test

import (
	"fmt"
	"strings"
	"testing"
)

// The trees are what upstream's stage leaves.
func TestKernelCmdline(t *testing.T) {
	long := strings.Repeat("x", 257)
	testChanges(t, "org.osbuild.kernel-cmdline", map[string]change{
		"both": {
			nil, `{"root_fs_uuid": "76a22bf4-f153-4541-b6c7-0332c0dfaeac", "kernel_opts": "ro quiet"}`,
			map[string]string{"/etc/kernel/cmdline": `file 0644 0:0 "root=UUID=76a22bf4-f153-4541-b6c7-0332c0dfaeac ro quiet"`}, "",
		},
		"FAT volume": {nil, `{"root_fs_uuid": "6699-AFB5"}`, map[string]string{"/etc/kernel/cmdline": `file 0644 0:0 "root=UUID=6699-AFB5"`}, ""},
		"none": {
			map[string]string{"/etc/kernel/cmdline": `file 0600 0:0 "old"`}, `{}`,
			map[string]string{"/etc/kernel/cmdline": `file 0600 0:0 ""`}, "",
		},
		"long, allowed": {
			nil, fmt.Sprintf(`{"kernel_opts": %q, "kernel_cmdline_size": 257}`, long),
			map[string]string{"/etc/kernel/cmdline": `file 0644 0:0 "` + long + `"`}, "",
		},
	})
	testRefusals(t, "org.osbuild.kernel-cmdline", []refusal{
		{nil, fmt.Sprintf(`{"kernel_opts": %q, "kernel_cmdline_size": 256}`, long), "options.kernel_opts: the command line has 257 characters, and may have at most 256"},
		{nil, fmt.Sprintf(`{"kernel_opts": %q}`, strings.Repeat("x", 4097)), "options.kernel_opts: "},
		{nil, `{"kernel_cmdline_size": 5000}`, "options.kernel_cmdline_size: 5000 is more than 4096"},
		{nil, `{"root_fs_uuid": "x"}`, `options.root_fs_uuid: "x" is not a filesystem's UUID`},
		{nil, `{"kernel_opts": "a\nb"}`, "options.kernel_opts: "},
	})
}
