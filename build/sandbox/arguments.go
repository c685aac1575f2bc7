package sandbox

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Hostname is the host's name inside of every sandbox.
const Hostname = "assay"

// An arguments is bwrap's command line while it grows. All sources are paths
// of the host with no symlink in what a tree may decide.
type arguments []string

func (a *arguments) add(words ...string) { *a = append(*a, words...) }

func (a *arguments) bind(source, target string) { a.add("--ro-bind", source, target) }

// bwrapArguments is the whole command line: namespaces, capabilities, mounts,
// environment, program.
func (s *setup) bwrapArguments(p places, caps []string) ([]string, error) {
	a := arguments{s.Bwrap}
	a.add("--die-with-parent", "--new-session", "--as-pid-1",
		"--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup",
		"--hostname", Hostname, "--chdir", "/", "--cap-drop", "ALL")
	for _, c := range caps {
		a.add("--cap-add", c)
	}
	if !s.noRoot() {
		a.root(p.root, s.hostRoot())
	}
	a.add("--perms", "1777", "--tmpfs", "/tmp", "--tmpfs", "/run", "--bind", filepath.Join(s.Work, "var"), "/var")
	a.kernel("", s.Masks)
	a.step(s, p)
	if s.Chroot && p.tree != "" {
		if err := makeMountPoints(p.tree, filepath.Join(s.Work, madeFile)); err != nil {
			return nil, err
		}
		a.bindWritable(p.tree, CleanTreeDir)
		a.chroot(TreeDir, s)
	}
	a.environment(s)
	a.add("--")
	return append(a, s.Args...), nil
}

func (a *arguments) bindWritable(source, target string) { a.add("--bind", source, target) }

// root shows the build root: /usr and /boot, the links beside them, and /etc.
// With a build pipeline, /etc is the pipeline's own: it is content like any
// other. Of the host's /etc only a few files are shown, those that upstream
// shows and the links without which Debian's /usr is not whole.
func (a *arguments) root(root string, host bool) {
	for _, name := range []string{"usr", "boot"} {
		if isDirectory(root, name) {
			a.bind(filepath.Join(root, name), "/"+name)
		}
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} {
		path := filepath.Join(root, name)
		if target, err := os.Readlink(path); err == nil {
			a.add("--symlink", strings.TrimPrefix(target, "/"), "/"+name)
		} else if isDirectory(root, name) {
			a.bind(path, "/"+name)
		}
	}
	if !host && isDirectory(root, "etc") {
		a.bind(filepath.Join(root, "etc"), "/etc")
		return
	}
	a.add("--tmpfs", "/etc")
	for _, name := range []string{"mke2fs.conf", "containers", "selinux/targeted/contexts", "alternatives"} {
		path := filepath.Join("etc", name)
		if info, ok := real(root, path); ok && (info.IsDir() || info.Mode().IsRegular()) {
			a.bind(filepath.Join(root, path), "/"+path)
		}
	}
}

// real is the state of a path in a tree whose components are no symlinks:
// bwrap would follow them out of the tree.
func real(root, path string) (os.FileInfo, bool) {
	at := root
	var info os.FileInfo
	for name := range strings.SplitSeq(path, "/") {
		at = filepath.Join(at, name)
		var err error
		if info, err = os.Lstat(at); err != nil || info.Mode()&os.ModeSymlink != 0 {
			return nil, false
		}
	}
	return info, true
}

func isDirectory(root, path string) bool {
	info, ok := real(root, path)
	return ok && info.IsDir()
}

// kernel mounts /proc, /dev and /sys below prefix. /sys is an empty
// directory: it tells of nothing but the machine, and no step needs it.
func (a *arguments) kernel(prefix string, masks []mask) {
	a.add("--proc", prefix+"/proc")
	// The tunables are the whole machine's, and root may write them without any
	// capability: kernel.core_pattern would run a step's program on the host.
	// Bwrap leaves them alone, for access(2) takes the directory's mode for an answer.
	a.bind("/proc/sys", prefix+"/proc/sys")
	for _, m := range masks {
		a.bind(m.Source, prefix+"/proc/"+m.Path)
	}
	a.add("--tmpfs", prefix+"/sys", "--remount-ro", prefix+"/sys", "--tmpfs", prefix+"/dev")
	for _, name := range []string{"full", "null", "random", "tty", "urandom", "zero"} {
		a.add("--dev-bind", "/dev/"+name, prefix+"/dev/"+name)
	}
	for i, name := range []string{"stdin", "stdout", "stderr"} {
		a.add("--symlink", "/proc/self/fd/"+strconv.Itoa(i), prefix+"/dev/"+name)
	}
	a.add("--symlink", "/proc/self/fd", prefix+"/dev/fd", "--perms", "1777", "--tmpfs", prefix+"/dev/shm")
}

// step shows what belongs to the step.
func (a *arguments) step(s *setup, p places) {
	if p.tree != "" {
		a.bindWritable(p.tree, TreeDir)
	} else {
		a.add("--dir", TreeDir)
	}
	for _, in := range s.Inputs {
		a.bind(p.inputs[in.Name], InputsDir+"/"+in.Name)
		if in.Entries != "" {
			a.bind(in.Entries, EntriesDir+"/"+in.Name)
		}
	}
	a.bind(filepath.Join(s.Work, "arguments.json"), ArgumentFile)
	a.bindWritable(filepath.Join(s.Work, "meta"), MetaDir)
	a.bind(s.Self, Program)
	if s.Clock != nil {
		a.bind(s.Clock.Library, ClockLibrary)
	}
}

// chroot makes the tree at prefix a root that programs can run in.
func (a *arguments) chroot(prefix string, s *setup) {
	a.kernel(prefix, s.Masks)
	a.add("--tmpfs", prefix+"/run", "--perms", "1777", "--tmpfs", prefix+"/tmp")
	if s.Clock != nil {
		a.bind(s.Clock.Library, prefix+ClockLibrary)
	}
}

// environment is the same for every step of every build, but for the epoch.
func (a *arguments) environment(s *setup) {
	a.add("--clearenv")
	set := func(name, value string) { a.add("--setenv", name, value) }
	set("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
	set("LC_CTYPE", "C.UTF-8")
	set("TERM", "dumb")
	set("container", "bwrap-osbuild")
	set("SOURCE_DATE_EPOCH", strconv.FormatInt(s.Epoch.Unix(), 10))
	if s.Clock == nil {
		return
	}
	// "@" starts each program's clock at that time; it goes on from there.
	// Monotonic time is left alone, or programs that wait would hang.
	set("LD_PRELOAD", ClockLibrary)
	set("FAKETIME", "@"+s.Clock.Time.UTC().Format("2006-01-02 15:04:05"))
	set("FAKETIME_DONT_FAKE_MONOTONIC", "1")
	set("DONT_FAKE_MONOTONIC", "1")
	set("NO_FAKE_STAT", "1")
}
