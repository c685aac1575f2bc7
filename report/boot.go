package report

// BootFacts say what boots, and how.
type BootFacts struct {
	Kernels   []Kernel    `json:"kernels,omitempty"`
	Initramfs []Initramfs `json:"initramfs,omitempty"`
	// KernelCmdline are the command lines that something would give a kernel, and those
	// that settings have for the next entry of a boot loader.
	KernelCmdline []KernelCmdline `json:"kernel_cmdline,omitempty"`
	// Grub are GRUB's settings, one list a directory of it.
	Grub []GrubSetup `json:"grub,omitempty"`
	// BLS are the keys of the Boot Loader Specification's entries of type 1.
	BLS []BLSEntry `json:"bls,omitempty"`
	// UKI are unified kernel images.
	UKI []UKI `json:"uki,omitempty"`
	// EFIBinaries are all programs for EFI in a place where firmware or a boot loader looks.
	EFIBinaries []EFIBinary         `json:"efi_binaries,omitempty"`
	SystemdBoot []SystemdBoot       `json:"systemd_boot,omitempty"`
	Zipl        []ZiplSection       `json:"zipl,omitempty"`
	Crypttab    []CrypttabEntry     `json:"crypttab,omitempty"`
	Mdadm       map[string][]string `json:"mdadm,omitempty"`
}

// A Kernel is one file that a boot loader could start.
type Kernel struct {
	Path string `json:"path"`
	// Format is "bzImage", "Image" (arm64, riscv), "zboot", "ELF", "gzip" or "PE"; empty for none of these.
	Format string `json:"format,omitempty"`
	// Release is uname -r: from the file where it tells, else from its name.
	Release string `json:"release,omitempty"`
	// Version is what the file itself says: the release, its maker and the build.
	Version string `json:"version,omitempty"`
	// EFI is set where firmware can start it without a boot loader.
	EFI bool `json:"efi,omitempty"`
	// Modules is the directory of its modules, Config its configuration and Initramfs the image
	// for it by their names; empty for none.
	Modules   string `json:"modules,omitempty"`
	Config    string `json:"config,omitempty"`
	Initramfs string `json:"initramfs,omitempty"`
}

// An Initramfs is one image of what the kernel unpacks at boot.
type Initramfs struct {
	Path string `json:"path"`
	// Maker is "dracut", "initramfs-tools", "mkinitcpio"; empty for another. Version is the maker's,
	// where the image tells.
	Maker   string `json:"maker,omitempty"`
	Version string `json:"version,omitempty"`
	// Arguments are those of the maker's command line.
	Arguments string `json:"arguments,omitempty"`
	// Archives are its cpio archives in their order.
	Archives []InitramfsArchive `json:"archives,omitempty"`
	Members  int                `json:"members"`
	// Microcode are the early members with a processor's microcode.
	Microcode []string `json:"microcode,omitempty"`
	// Kernels are the releases that it has modules of, Modules their names, Firmware how many files of it.
	Kernels  []string `json:"kernels,omitempty"`
	Modules  []string `json:"modules,omitempty"`
	Firmware int      `json:"firmware,omitempty"`
	// Parts are dracut's modules.
	Parts []string `json:"parts,omitempty"`
	// Hooks are scripts that run in it.
	Hooks []string `json:"hooks,omitempty"`
	// Settings are those that the maker left in it, "KEY=value".
	Settings []string `json:"settings,omitempty"`
	// Systemd is set where systemd runs in it.
	Systemd bool `json:"systemd,omitempty"`
	// Problem says why the kernel would not unpack it; nothing else is known of it then.
	Problem string `json:"problem,omitempty"`
}

// An InitramfsArchive is one cpio archive.
type InitramfsArchive struct {
	// Compression is "gzip", "xz", "zstd", "lzma"; empty for none.
	Compression string `json:"compression,omitempty"`
	Members     int    `json:"members"`
	// Size is that of all contents.
	Size int64 `json:"size"`
}

// A KernelCmdline is one command line.
type KernelCmdline struct {
	// Source is the file that holds it.
	Source string `json:"source"`
	// Kind is "entry" (of a boot loader), "uki" or "setting" (for entries that are made later).
	Kind string `json:"kind"`
	// Name is the entry's title, or the setting.
	Name string `json:"name,omitempty"`
	// Text is the line, variables of the boot loader replaced.
	Text string `json:"text"`
	// Default is set for what boots unless somebody chooses.
	Default bool   `json:"default,omitempty"`
	Kernel  string `json:"kernel,omitempty"`
	// Unset are the variables of which no value is known; they count as empty.
	Unset []string `json:"unset,omitempty"`
}

// A GrubSetup is one directory of GRUB, or its settings in /etc/default.
type GrubSetup struct {
	Path string `json:"path"`
	// Set are the variables that grub.cfg sets to plain values outside of entries, "name=value" in their order;
	// a variable of two branches has two.
	Set []string `json:"set,omitempty"`
	// Environment is that of grubenv, and Defaults that of /etc/default/grub.
	Environment map[string]string `json:"environment,omitempty"`
	Defaults    map[string]string `json:"defaults,omitempty"`
	// Platforms are those whose modules or core are installed: "i386-pc", "x86_64-efi".
	Platforms []string `json:"platforms,omitempty"`
	// Commands are those of grub.cfg that decide what its entries are or who may choose them: "blscfg", "configfile",
	// "password_pbkdf2".
	Commands []string `json:"commands,omitempty"`
	Entries  int      `json:"entries,omitempty"`
}

// A BLSEntry is one file loader/entries/*.conf.
type BLSEntry struct {
	Path string `json:"path"`
	// Keys are "key value", in their order.
	Keys []string `json:"keys,omitempty"`
	// Order is its place in the boot loader's menu, from 1.
	Order int `json:"order"`
	// TriesLeft and TriesDone are those of boot counting, from the name; -1 where it does not count.
	TriesLeft int `json:"tries_left"`
	TriesDone int `json:"tries_done"`
}

// A UKI is one unified kernel image.
type UKI struct {
	Path    string `json:"path"`
	Uname   string `json:"uname,omitempty"`
	Cmdline string `json:"cmdline,omitempty"`
	// OSRelease are the lines of its .osrel.
	OSRelease map[string]string `json:"os_release,omitempty"`
	Sections  []PESection       `json:"sections,omitempty"`
}

// A PESection is one section of a PE file.
type PESection struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// An EFIBinary is one PE file.
type EFIBinary struct {
	Path string `json:"path"`
	// Machine is "x86_64", "i386", "aarch64", "arm", "riscv64", "loongarch64" or the number in hex.
	Machine string `json:"machine"`
	// Kind is "application", "boot-driver", "runtime-driver" or the subsystem's number.
	Kind string `json:"kind"`
	// Authenticode is the hex SHA-256 that signatures are made over; empty for a program without one.
	Authenticode string        `json:"authenticode,omitempty"`
	Signatures   []PESignature `json:"signatures,omitempty"`
	SBAT         []string      `json:"sbat,omitempty"`
	// Problem says what is wrong with the signatures.
	Problem string `json:"problem,omitempty"`
}

// A PESignature is one signature in a PE file. It is told, and its digest is compared;
// whether its signer is to be trusted is not judged.
type PESignature struct {
	// Subject and Issuer are those of the signer's certificate.
	Subject string `json:"subject"`
	Issuer  string `json:"issuer"`
	Serial  string `json:"serial"`
	// NotAfter is the certificate's end, RFC 3339.
	NotAfter string `json:"not_after,omitempty"`
	// Digest is "ok" where the signed digest is the file's, else "wrong" or the name of an
	// algorithm that is not read.
	Digest string `json:"digest"`
}

// A SystemdBoot is one directory of systemd-boot.
type SystemdBoot struct {
	Path string `json:"path"`
	// Settings are those of loader.conf, "key value".
	Settings []string `json:"settings,omitempty"`
	// Default is the file that is booted unless somebody chooses; empty where there is none.
	Default string `json:"default,omitempty"`
	// Version is the boot loader's own, where it is installed.
	Version string `json:"version,omitempty"`
	// RandomSeed is set where there is one.
	RandomSeed bool `json:"random_seed,omitempty"`
}

// A ZiplSection is one section of /etc/zipl.conf: zipl.conf(5).
type ZiplSection struct {
	Name     string   `json:"name"`
	Settings []string `json:"settings,omitempty"`
}

// A CrypttabEntry is one line of /etc/crypttab: crypttab(5).
type CrypttabEntry struct {
	Name   string `json:"name"`
	Device string `json:"device"`
	// Key is the file of the key; empty where it is asked for.
	Key     string `json:"key,omitempty"`
	Options string `json:"options,omitempty"`
}
