package show

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/assay-os/assay/report"
)

// setup tells how a system is set up, as far as that sets it apart from others.
func setup(r *report.Report) part {
	p := part{Heading: "How it is set up"}
	p.facts(
		fact{Label: "machine id", Value: machineID(r)},
		fact{Label: "time zone", Value: text(r.Timezone)},
		fact{Label: "locale", Value: text(r.Locale["LANG"])},
		fact{Label: "SELinux", Value: selinux(r)},
		fact{Label: "crypto policy", Value: cryptoPolicy(r)},
		fact{Label: "tuned", Value: tuned(r)},
		names1("repositories", repositories(r)),
		names1("containers", containers(r)),
		fact{Label: "OSTree", Value: ostree(r)},
		fact{Label: "settings", Value: text(settings(r))},
	)
	return p
}

func machineID(r *report.Report) cell {
	if r.MachineID == nil {
		return cell{}
	}
	switch m := r.MachineID; m.State {
	case "set":
		return cell{m.ID + ": every copy has the same", warn}
	case "absent", "empty", "uninitialized":
		return text(m.State + ": made at the first boot")
	default:
		return text(m.State)
	}
}

func selinux(r *report.Report) cell {
	s := r.SELinux
	if s == nil {
		return cell{}
	}
	c := cell{Text: s.ModeAtBoot + ", policy " + s.Type}
	if s.ModeAtBoot != s.Mode {
		c.Text += " (" + s.Mode + " in the settings; the kernel's arguments say " + strings.Join(s.KernelArguments, " ") + ")"
	}
	if s.Autorelabel {
		c.Text += ", labels are set at the next boot"
	}
	if s.ModeAtBoot != "enforcing" {
		c.Tone = warn
	}
	return c
}

func cryptoPolicy(r *report.Report) cell {
	var out []string
	if r.CryptoPolicies != nil {
		out = append(out, r.CryptoPolicies.Policy)
	}
	if f := r.FIPS; f != nil && (f.Cmdline || f.Module || f.Policy) {
		out = append(out, fmt.Sprintf("FIPS (kernel %t, initramfs %t, policy %t)", f.Cmdline, f.Module, f.Policy))
	}
	return text(strings.Join(out, ", "))
}

func tuned(r *report.Report) cell {
	if r.Tuned == nil {
		return cell{}
	}
	return text(r.Tuned.Profile)
}

func repositories(r *report.Report) []string {
	var out []string
	for _, x := range r.Repositories {
		if x.Enabled {
			out = append(out, x.ID)
		}
	}
	return out
}

func containers(r *report.Report) []string {
	var out []string
	for _, q := range r.Quadlets {
		out = append(out, q.Name)
	}
	for _, c := range r.ContainerImages {
		out = append(out, cmp.Or(strings.Join(c.Names, ","), c.ID))
	}
	return out
}

func ostree(r *report.Report) cell {
	if r.OSTree == nil {
		return cell{}
	}
	return text(count(len(r.OSTree.Deployments), "deployment") + ", " + count(len(r.OSTree.Refs), "ref"))
}

// settings counts what is too much to show here.
func settings(r *report.Report) string {
	var out []string
	for _, x := range []struct {
		n         int
		one, more string
	}{
		{len(r.Sysctl), "of sysctl", "of sysctl"},
		{len(r.Modprobe), "of kernel modules", "of kernel modules"},
		{len(r.Limits), "limit", "limits"},
		{len(r.Tmpfiles), "line of tmpfiles.d", "lines of tmpfiles.d"},
		{len(r.UdevRules), "file of udev rules", "files of udev rules"},
		{len(r.CACertificates), "CA certificate", "CA certificates"},
		{len(r.CloudInit), "of cloud-init", "of cloud-init"},
	} {
		if x.n > 0 {
			out = append(out, many(x.n, x.one, x.more))
		}
	}
	return strings.Join(out, ", ")
}
