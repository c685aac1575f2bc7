package show

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// boots tells what can be booted, and how.
func boots(r *report.Report) part {
	p := part{Heading: "How it boots"}
	if !p.state(r, "boot", "no entry of a boot loader was found") {
		t := table{Heads: []string{"", "entry", "kernel and its command line"}}
		for _, b := range r.Boot {
			mark := ""
			if b.Default {
				mark = "*"
			}
			t.Rows = append(t.Rows, row(mark, b.Title, strings.TrimSpace(b.Linux+" "+b.Options)))
		}
		p.table(t)
	}
	p.facts(
		names1("boot loader", loaders(r)),
		names1("kernels", kernels(r)),
		names1("initramfs", initramfs(r)),
		names1("UKI", ukis(r)),
		fact{Label: "signatures", Value: signatures(r)},
		names1("encrypted", encrypted(r)),
	)
	return p
}

// loaders are what is installed, not whether firmware finds it.
func loaders(r *report.Report) []string {
	var out []string
	for _, g := range r.Grub {
		for _, platform := range g.Platforms {
			out = append(out, "GRUB ("+platform+")")
		}
	}
	for _, b := range r.SystemdBoot {
		out = append(out, strings.TrimSpace("systemd-boot "+b.Version))
	}
	if len(r.Zipl) > 0 {
		out = append(out, "zipl")
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func kernels(r *report.Report) []string {
	var out []string
	for _, k := range r.Kernels {
		name := cmp.Or(k.Release, k.Path)
		if k.Modules == "" {
			name += " (without modules)"
		}
		out = append(out, name)
	}
	return out
}

func initramfs(r *report.Report) []string {
	var out []string
	for _, i := range r.Initramfs {
		if i.Problem != "" {
			out = append(out, fmt.Sprintf("%s (%s)", i.Path, i.Problem))
			continue
		}
		parts := []string{count(i.Members, "member"), count(len(i.Modules), "module")}
		if len(i.Microcode) > 0 {
			parts = append(parts, "microcode")
		}
		if i.Maker != "" {
			parts = append([]string{"by " + i.Maker}, parts...)
		}
		out = append(out, fmt.Sprintf("%s (%s)", i.Path, strings.Join(parts, ", ")))
	}
	return out
}

func ukis(r *report.Report) []string {
	var out []string
	for _, u := range r.UKI {
		out = append(out, strings.TrimSpace(u.Path+" "+u.Cmdline))
	}
	return out
}

// signatures counts what Secure Boot would look at. Whether it trusts the
// signers nobody can tell from the image.
func signatures(r *report.Report) cell {
	signed, wrong := 0, 0
	for _, b := range r.EFIBinaries {
		if len(b.Signatures) > 0 {
			signed++
		}
		if slices.ContainsFunc(b.Signatures, func(s report.PESignature) bool { return s.Digest == "wrong" }) {
			wrong++
		}
	}
	switch {
	case len(r.EFIBinaries) == 0:
		return cell{}
	case wrong > 0:
		return cell{fmt.Sprintf("%d of %s signed, %d WITH A WRONG DIGEST", signed, many(len(r.EFIBinaries), "EFI program", "EFI programs"), wrong), bad}
	}
	return text(fmt.Sprintf("%d of %s signed", signed, many(len(r.EFIBinaries), "EFI program", "EFI programs")))
}

func encrypted(r *report.Report) []string {
	var out []string
	for _, c := range r.Crypttab {
		out = append(out, c.Name+" ("+c.Device+")")
	}
	return out
}
