package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// identityRules find what makes a machine itself, and so must not be in an image.
func identityRules() []Rule {
	return []Rule{
		{
			ID: "machine-id-set", Level: Error, needs: []string{"machine-id", "files"},
			Summary: "the machine has an identity", Reason: "every copy of the image would have the same machine-id, from which DHCP, journals and keys are derived: machine-id(5)",
			Fix:   "leave /etc/machine-id empty, or \"uninitialized\", and remove /var/lib/dbus/machine-id",
			check: checkMachineID,
		},
		{
			ID: "ssh-host-key", Level: Error, needs: []string{"files"},
			Summary: "an SSH host key is in the image", Reason: "who has the image has the private key of every machine that is made of it",
			Fix:   "remove /etc/ssh/ssh_host_*_key and the .pub beside it; make the keys at the first boot",
			check: checkHostKeys,
		},
		{
			ID: "random-seed", Level: Error, needs: []string{"files"},
			Summary: "a random seed is in the image", Reason: "every copy would start its random numbers from the same state: systemd-random-seed(8)",
			Fix:   "remove the file",
			check: checkSeeds,
		},
		{
			ID: "private-key", Level: Warning, needs: []string{"files"},
			Summary: "a private key is in the image", Reason: "who has the image has the key",
			Fix:   "make the key at the first boot",
			check: checkPrivateKeys,
		},
		{
			ID: "first-boot-done", Level: Error, needs: []string{"files"},
			Summary: "the image has been booted", Reason: "what a first boot makes is already there, so that it is not made on each machine",
			Fix:   "build the image without booting it, or remove the state",
			check: checkFirstBoot,
		},
		{
			ID: "known-id", Level: Warning, needs: []string{"disk"},
			Summary: "an identifier of the disk is that of many published images", Reason: "two disks with one identifier in one machine are taken for each other",
			Fix:   "draw identifiers for the image of its own",
			check: checkKnownIDs,
		},
		{
			ID: "duplicate-id", Level: Error, needs: []string{"disk"},
			Summary: "two parts of the disk have one identifier", Reason: "which of the two is mounted is a matter of chance",
			Fix:   "give each its own identifier",
			check: checkDuplicateIDs,
		},
	}
}

func checkMachineID(s *subject) []found {
	var list []found
	if m := s.MachineID; m != nil && (m.State == "set" || m.State == "invalid") {
		list = append(list, found{"/etc/machine-id", "it is " + m.State})
	}
	if e := s.Entry("/var/lib/dbus/machine-id"); e != nil && e.Type == report.File && e.Size > 0 {
		list = append(list, found{e.Path, "it is set"})
	}
	return list
}

func checkHostKeys(s *subject) []found {
	var list []found
	for _, e := range s.files("/etc/ssh") {
		if ok, _ := path.Match("/etc/ssh/ssh_host_*_key", string(e.Path)); ok {
			list = append(list, found{e.Path, "every copy of the image has this key"})
		}
	}
	return list
}

func checkSeeds(s *subject) []found {
	var list []found
	for _, p := range []string{"/var/lib/systemd/random-seed", "/var/lib/urandom/random-seed", "/boot/loader/random-seed", "/boot/efi/loader/random-seed", "/efi/loader/random-seed"} {
		if e := s.Entry(p); e != nil && e.Size > 0 {
			list = append(list, found{e.Path, "every copy starts from the same state"})
		}
	}
	for i := range s.Files {
		// An ESP that nothing mounts shows under the partition's name.
		if e := &s.Files[i]; strings.HasSuffix(string(e.Path), ":/loader/random-seed") && e.Size > 0 {
			list = append(list, found{e.Path, "every copy starts from the same state"})
		}
	}
	return list
}

func checkPrivateKeys(s *subject) []found {
	var list []found
	for _, dir := range []string{"/etc/ssl/private", "/etc/pki/tls/private"} {
		for _, e := range s.files(dir) {
			if e.Package == "" && (strings.HasSuffix(string(e.Path), ".key") || strings.HasSuffix(string(e.Path), ".pem")) {
				list = append(list, found{e.Path, "every copy of the image has this key"})
			}
		}
	}
	return list
}

func checkFirstBoot(s *subject) []found {
	var list []found
	add := func(p, message string) {
		if s.Entry(p) != nil {
			list = append(list, found{report.Raw(p), message})
		}
	}
	add("/var/lib/systemd/timesync/clock", "the clock was synchronised here")
	add("/var/lib/cloud/instance", "cloud-init has run")
	for dir, message := range map[string]string{
		"/var/log/journal": "a journal of a machine", "/var/lib/dhcp": "a lease of DHCP", "/var/lib/NetworkManager": "NetworkManager has run",
		"/var/lib/cloud/instances": "cloud-init has run", "/var/lib/systemd/timers": "a timer has run", "/var/lib/systemd/coredump": "a program crashed here",
	} {
		for _, e := range s.files(dir) {
			if dir == "/var/lib/dhcp" && !strings.HasSuffix(string(e.Path), ".leases") || e.Package != "" {
				continue
			}
			list = append(list, found{e.Path, message})
		}
	}
	return list
}

// knownIDs are those that 730 published image reports have in more than ten images each,
// most of them in some hundred.
func knownIDs() []string {
	return []string{
		"7b77-95e7", "d209c89e-ea5e-4fbd-b161-b461cce297e0", "6264d520-3fb9-423f-8ab8-7a0a8e3d3562", "68b2905b-df3e-4fb3-80fa-49d1e773aa33",
		"cb07c243-bc44-4717-853e-28852021225b", "fac7f1fb-3e8d-4137-a512-961de09a5549", "0194fdc2-fa2f-4cc0-81d3-ff12045b73c8",
		"6e4ff95f-f662-45ee-a82a-bdf44a2d0b75", "4a3096bf-521c-4921-96ab-b0dd0092d180", "0x14fc63d2",
	}
}

func checkKnownIDs(s *subject) []found {
	var list []found
	for _, id := range s.ids() {
		if slices.Contains(knownIDs(), strings.ToLower(id.value)) {
			list = append(list, found{report.Raw(id.of), fmt.Sprintf("%s is in many published images", id.value)})
		}
	}
	return list
}

func checkDuplicateIDs(s *subject) []found {
	first := map[string]string{}
	var list []found
	for _, id := range s.ids() {
		key := strings.ToLower(id.value)
		if other, twice := first[key]; twice {
			list = append(list, found{report.Raw(id.of), fmt.Sprintf("%s is that of %s as well", id.value, other)})
		} else {
			first[key] = id.of
		}
	}
	return list
}

// An id is one identifier of the disk and what has it.
type id struct{ value, of string }

func (s *subject) ids() []id {
	if s.Disk == nil {
		return nil
	}
	var list []id
	add := func(value, of string) {
		if value != "" {
			list = append(list, id{value, of})
		}
	}
	filesystem := func(f *report.Filesystem, on string) {
		if f != nil {
			add(f.UUID, "the filesystem of "+on)
		}
	}
	add(s.Disk.ID, "the disk")
	filesystem(s.Disk.Filesystem, "the disk")
	for _, p := range s.Disk.Partitions {
		name := fmt.Sprintf("partition %d", p.Index)
		add(p.UUID, name)
		filesystem(p.Filesystem, name)
	}
	for _, m := range s.Disk.Mapped {
		filesystem(m.Filesystem, m.Name)
	}
	return list
}
