package verify

import (
	"context"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// tools are the versions of what of this machine took part: the kernel, the
// sandbox, this program's Go. Every other tool comes from the manifest's build
// pipeline, and the manifest names it.
func tools(ctx context.Context) map[string]string {
	t := map[string]string{"go": runtime.Version(), "architecture": runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		t["assay"] = strings.TrimSpace(info.Main.Path + " " + info.Main.Version)
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		t["kernel"] = unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
	}
	out, err := exec.CommandContext(ctx, "bwrap", "--version").Output()
	if err != nil {
		t["bubblewrap"] = "unknown: " + err.Error()
	} else {
		t["bubblewrap"] = strings.TrimSpace(string(out))
	}
	return t
}
