package imageinfo

import "slices"

// Keys are all keys of upstream's report, sorted as it writes them.
func Keys() []Key { return slices.Concat(keysToI(), keysFromK()) }

const (
	configs = "config-files"
	secrets = "a secret is (present): no report of ours holds one"
)

func keysToI() []Key {
	return []Key{
		{Name: "/etc/dnf/automatic.conf", Section: configs, Difference: secrets, system: true, value: (*facts).automatic},
		{Name: "/etc/resolv.conf", Section: configs, system: true, value: (*facts).resolvConf},
		{Name: "/etc/udev/rules.d", Section: configs, system: true, value: (*facts).udev},
		{Name: "authselect", Section: configs, system: true, value: (*facts).authselect},
		{Name: "boot-environment", Section: configs, system: true, value: (*facts).bootEnvironment},
		{Name: "bootloader", Section: "disk", value: (*facts).bootloader},
		{Name: "bootmenu", Section: configs, system: true, value: (*facts).bootmenu},
		{Name: "chrony", Section: configs, system: true, value: (*facts).chrony},
		{Name: "cloud-init", Section: configs, Difference: secrets, system: true, value: (*facts).cloudInit},
		{Name: "container-images", Section: configs, system: true, value: (*facts).containerImages},
		{Name: "default-target", Section: "services", system: true, value: (*facts).defaultTarget},
		{Name: "dnf", Section: configs, Difference: secrets, system: true, value: (*facts).dnf},
		{Name: "dracut", Section: configs, system: true, value: (*facts).dracut},
		{Name: "firewall-default-zone", Section: configs, system: true, value: (*facts).defaultZone},
		{Name: "firewall-enabled", Section: "firewalld", system: true, value: (*facts).zoneServices},
		{Name: "fstab", Section: configs, system: true, value: (*facts).fstab},
		{
			Name: "groups", Section: "groups", system: true, value: func(f *facts) any { return groupLines(f.Groups) },
			Difference: "the password is always x: the report does not hold it; a line that is no group is left out",
		},
		{Name: "groups-system", Section: "groups-system", system: true, value: (*facts).groupsSystem, Difference: "as groups"},
		{Name: "hostname", Section: configs, system: true, value: (*facts).hostname},
		{Name: "hosts", Section: configs, system: true, value: (*facts).hosts},
		{Name: "image-format", Section: "disk", value: (*facts).imageFormat},
	}
}

func keysFromK() []Key {
	return []Key{
		{Name: "keyboard", Section: configs, system: true, value: (*facts).keyboard},
		{Name: "locale", Section: configs, system: true, value: func(f *facts) any { return f.environment("/etc/locale.conf") }},
		{Name: "machine-id", Section: configs, system: true, value: (*facts).machineID},
		{Name: "modprobe", Section: configs, system: true, value: (*facts).modprobe},
		{Name: "os-release", Section: configs, system: true, value: func(f *facts) any { return environment(f.lines["/etc/os-release"]) }},
		{Name: "ostree", Section: "ostree", value: (*facts).ostreeRepo},
		{Name: "packages", Section: "packages", system: true, value: (*facts).packages},
		{Name: "partition-table", Section: "disk", value: (*facts).partitionTable},
		{Name: "partition-table-id", Section: "disk", value: (*facts).partitionTableID},
		{Name: "partitions", Section: "disk", value: (*facts).partitions},
		{
			Name: "passwd", Section: "users", system: true, value: func(f *facts) any { return userLines(f.Users) },
			Difference: "the password is always x: the report does not hold it; a line that is no user is left out",
		},
		{Name: "passwd-system", Section: "passwd-system", system: true, value: (*facts).passwdSystem, Difference: "as passwd"},
		{Name: "rhsm", Section: configs, Difference: secrets, system: true, value: (*facts).rhsm},
		{
			Name: "rpm-verify", Section: "verification", system: true, value: (*facts).rpmVerify,
			Difference: "contents are compared by the SHA-256 of the pass that hashes; where a package has another digest, and with --no-hash, the third letter is ?",
		},
		{
			Name: "rpm_not_installed_docs", Section: "rpm", system: true, value: func(*facts) any { return nil }, Missing: true,
			Difference: "the report counts the files of a package that were not installed, and does not name them",
		},
		{Name: "security-limits", Section: configs, system: true, value: (*facts).limits},
		{Name: "selinux", Section: "selinux", system: true, value: (*facts).selinux, Difference: "the labels are compared with a policy of another name than targeted, too"},
		{Name: "services-disabled", Section: "services", system: true, value: func(f *facts) any { return f.withAliases(f.Services.Disabled) }},
		{Name: "services-enabled", Section: "services", system: true, value: func(f *facts) any { return f.withAliases(f.Services.Enabled) }},
		{Name: "ssh_config", Section: configs, system: true, value: (*facts).sshConfig},
		{Name: "sshd_config", Section: configs, system: true, value: (*facts).sshdConfig},
		{Name: "sudoers", Section: configs, system: true, value: (*facts).sudoers},
		{Name: "sysconfig", Section: configs, Difference: secrets, system: true, value: (*facts).sysconfig},
		{Name: "sysctl.d", Section: configs, system: true, value: (*facts).sysctl},
		{Name: "systemd-logind", Section: configs, system: true, value: (*facts).logind},
		{Name: "systemd-service-dropins", Section: configs, Difference: secrets, system: true, value: (*facts).dropins},
		{Name: "timezone", Section: "timezone", system: true, value: (*facts).timezone},
		{Name: "tmpfiles.d", Section: configs, system: true, value: (*facts).tmpfiles},
		{Name: "tuned", Section: configs, system: true, value: (*facts).tuned},
		{Name: "type", Section: "ostree", value: (*facts).kind},
		{Name: "yum_repos", Section: configs, Difference: secrets, system: true, value: (*facts).repositories},
	}
}

func list(names []string) []string { return append([]string{}, names...) }
