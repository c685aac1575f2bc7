// Package boot describes how a system boots and what it mounts: kernels and what they
// unpack, the boot loaders' configurations and programs, and the tables of devices.
//
// Configurations are read, scripts in them are not evaluated. Signatures are told and
// compared with what they sign; whom to trust is not judged.
package boot

import "github.com/assay-os/assay/inspect/section"

// Sections is the one list of this package's sections.
func Sections() []section.Section {
	return []section.Section{
		fstab(), crypttab(), mdadm(), boot(), kernels(), initramfs(), grub(), bls(), systemdBoot(), uki(), efiBinaries(), zipl(), kernelCmdline(),
	}
}
