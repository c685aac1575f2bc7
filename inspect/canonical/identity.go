package canonical

import (
	"context"
	"io"
	"path"
	"strings"

	"github.com/assay-os/assay/report"
)

// Identity is the rule that replaces identifiers of the disk by their roles. It
// is not of [All]: its form stands beside those of the other rules, for it
// counts only where disks are compared.
func Identity() report.Rule {
	return report.Rule{Name: "identity", Version: 1,
		Reason: "an identifier stands for what it identifies: where the file, the disk and its filesystems name the same thing by another identifier, the same is found",
		Source: "fstab(5); crypttab(5); systemd.mount(5); blkid(8); GRUB manual, search; Boot Loader Specification; dracut.cmdline(7)"}
}

// maxIdentityText bounds a file that is searched for identifiers; one that is
// larger is its bytes.
const maxIdentityText = 16 << 20

// identityPlaces are the files in which an identifier means the disk's thing,
// each with who reads it so. What stands anywhere else is its bytes. The names
// of a FAT filesystem have no case.
func identityPlaces() []string {
	return []string{
		"/etc/fstab",                             // mount(8), systemd-fstab-generator(8)
		"/etc/crypttab",                          // systemd-cryptsetup-generator(8), cryptsetup-initramfs
		"/etc/kernel/cmdline",                    // kernel-install(8)
		"/etc/default/grub",                      // grub-mkconfig
		"/etc/initramfs-tools/conf.d/resume",     // initramfs.conf(5), RESUME=
		"/boot/grub/grub.cfg",                    // GRUB
		"/boot/grub2/grub.cfg",                   //
		"/boot/grub/grubenv",                     // GRUB: kernelopts, boot_uuid
		"/boot/grub2/grubenv",                    //
		"/boot/loader/entries/*.conf",            // systemd-boot(7), GRUB's blscfg
		"/efi/loader/entries/*.conf",             //
		"/boot/efi/loader/entries/*.conf",        //
		"/efi/efi/*/grub.cfg", "/efi/*/grub.cfg", // GRUB on the EFI system partition, wherever it is
		"/boot/efi/*/grub.cfg",                      // mounted, or mounted nowhere
		"/boot/efi/efi/*/grub.cfg",                  //
		"/efi/*/grubenv", "/boot/efi/efi/*/grubenv", //
	}
}

// namesIdentity tells whether a file is at one of those places. What is mounted
// nowhere has the name of its volume before its path.
func namesIdentity(place string) bool {
	if i := strings.Index(place, ":/"); i >= 0 && !strings.HasPrefix(place, "/") {
		place = place[i+1:]
	}
	return matchesAny(identityPlaces(), place)
}

func matchesAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, name); err == nil && ok {
			return true
		}
		if strings.Contains(p, "efi/") {
			if ok, err := path.Match(p, strings.ToLower(name)); err == nil && ok {
				return true
			}
		}
	}
	return false
}

// initramfsPlaces are the beginnings of the members of an initramfs that dracut
// (host-only) and initramfs-tools make for one disk.
func initramfsPlaces() []string {
	return []string{
		"/etc/cmdline.d/", "/etc/fstab", "/etc/crypttab", // dracut.cmdline(7), dracut --fstab, crypttab(5)
		"/usr/lib/dracut/hooks/", "/lib/dracut/hooks/", "/var/lib/dracut/hooks/", // dracut: devexists-, 80-…
		"/etc/systemd/system/",                                     // dracut: time limits of the device's units
		"/conf/conf.d/", "/conf/param.conf", "/cryptroot/crypttab", // initramfs-tools(7), cryptsetup-initramfs
	}
}

// identityMember tells whether a member's name and content may hold identifiers.
func identityMember(name string) bool {
	name = path.Join("/", name)
	for _, p := range initramfsPlaces() {
		if name == p || strings.HasSuffix(p, "/") && strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// identityForm is the form of a text; nil where it names nothing of the disk.
func (in *Input) identityForm() (*form, error) {
	if in.Content.Size() > maxIdentityText {
		return nil, nil
	}
	text, err := io.ReadAll(in.reader())
	if err != nil {
		return nil, err
	}
	return roleForm(in.Identities, string(text)), nil
}

// roleForm writes a text with roles; nil where there is none in it.
func roleForm(ids *report.Identities, text string) *form {
	pieces := ids.Split(text)
	if pieces == nil {
		return nil
	}
	f := newForm(Identity())
	for _, p := range pieces {
		if p.Role == "" {
			f.fact("text", p.Text)
		} else {
			f.fact("role", p.Role)
		}
	}
	return f
}

// ApplyRoles is [Apply] that also gives the form in which the identifiers of the
// disk are replaced by their roles, nil where the content names none.
func ApplyRoles(ctx context.Context, in Input) (plain, roles *report.Canonical, used []report.Rule, err error) {
	plain, used, err = apply(ctx, &in)
	if err != nil || in.Identities.Empty() {
		return plain, nil, used, err
	}
	f := in.unfold.byRole
	if plain == nil && namesIdentity(in.Place) {
		if f, err = in.identityForm(); err != nil {
			return nil, nil, nil, err
		}
	}
	if f == nil {
		return plain, nil, used, nil
	}
	return plain, f.record(Identity()), append(used, Identity()), nil
}
