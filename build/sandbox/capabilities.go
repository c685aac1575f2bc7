package sandbox

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// DefaultCapabilities is what every step has: osbuild's list without
// CAP_SYS_ADMIN, which would let a step take the masks over /proc off, and
// without CAP_LINUX_IMMUTABLE: no layer holds the flags of chattr(1), and a file
// that cannot be removed would lock the store. A step that mounts asks for the
// first by name.
func DefaultCapabilities() []string {
	return []string{
		"CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID",
		"CAP_IPC_LOCK", "CAP_KILL", "CAP_MKNOD", "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",
		"CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
	}
}

// capabilityNames is linux/capability.h, in the order of the numbers.
func capabilityNames() []string {
	return []string{
		"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
		"CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
		"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",
		"CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
		"CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
		"CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
		"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
	}
}

// KnownCapability says whether a step may ask for name.
func KnownCapability(name string) bool { return slices.Contains(capabilityNames(), name) }

// granted is the capabilities that a step gets on this host: of the default
// ones those that the host has itself (a container may lack some), and all
// that the step asks for, or an error.
func granted(asked []string) ([]string, error) {
	var caps []string
	for _, name := range DefaultCapabilities() {
		if bounding(name) {
			caps = append(caps, name)
		}
	}
	for _, name := range asked {
		if !bounding(name) {
			return nil, fmt.Errorf("the step needs %s, which this host does not grant: run outside of a restricted container", name)
		}
		if !slices.Contains(caps, name) {
			caps = append(caps, name)
		}
	}
	return caps, nil
}

// bounding says whether a program that root executes could have it.
func bounding(name string) bool {
	has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(slices.Index(capabilityNames(), name)), 0, 0, 0)
	return err == nil && has == 1
}

// limitTo takes every other capability from the bounding set of this thread,
// out of which a program that root executes would get them back. They go into
// the inheritable set first, so that bwrap has them while it mounts; bwrap
// takes them out of there before it starts the step.
func limitTo(caps []string) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("get capabilities: %w", err)
	}
	for i := range data {
		data[i].Inheritable = data[i].Permitted
	}
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("set inheritable capabilities: %w", err)
	}
	// Numbers that the kernel does not know end the list: EINVAL.
	for number := uintptr(0); number < 64; number++ {
		names := capabilityNames()
		if int(number) < len(names) && slices.Contains(caps, names[number]) {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, number, 0, 0, 0); err != nil && err != unix.EINVAL {
			return fmt.Errorf("drop capability %d: %w", number, err)
		}
	}
	return nil
}
