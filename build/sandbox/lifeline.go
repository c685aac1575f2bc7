package sandbox

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// lifelineFD is where a process in a sandbox finds the reading end of a pipe of
// which the runner has the other end: the first of exec.Cmd's ExtraFiles.
const lifelineFD = 3

// DieWithRunner ends this process when the runner ends or gives up, however that
// happens. It runs inside, as the first process of the sandbox, so that with it
// everything in the sandbox ends.
//
// bwrap --die-with-parent is not enough: when the parent is killed before
// bwrap's child has asked for the parent-death signal (prctl(2)), none comes.
func DieWithRunner() {
	var stat unix.Stat_t
	if err := unix.Fstat(lifelineFD, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFIFO {
		return // not started by a runner
	}
	unix.CloseOnExec(lifelineFD)
	lifeline := os.NewFile(lifelineFD, "lifeline")
	go func() {
		_, _ = io.Copy(io.Discard, lifeline) // every end of it is the runner's
		os.Exit(125)
	}()
}
