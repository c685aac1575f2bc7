package image

import (
	"context"
	"errors"
	"fmt"

	"github.com/assay-os/assay/inspect/image/luks"
	"github.com/assay-os/assay/report"
)

// errNoPassphrase says that an encrypted volume stays closed.
var errNoPassphrase = errors.New("it is encrypted, and no passphrase was given")

// addCrypt opens an encrypted volume where a passphrase does.
func (s *stack) addCrypt(ctx context.Context, b *block, f report.Filesystem) {
	v, err := luks.Open(b)
	if err != nil {
		s.refuse(b, f, err)
		return
	}
	f.Label = v.Label
	s.name(b, &f)
	for _, err := range v.Problems {
		s.problem(b, err)
	}
	m := report.MappedDevice{Name: "luks-" + v.UUID, Type: "crypt", UUID: v.UUID, Size: v.Size, Members: []string{b.name}, Settings: v.Settings()}
	if s.img.mappedByName(m.Name) {
		s.refuse(b, f, fmt.Errorf("another volume has the UUID %s, too", v.UUID))
		return
	}
	content, err := unlock(ctx, v, s.img.options.Passphrases)
	if err != nil {
		err = fmt.Errorf("%s: %w", luks.Kind, err)
	}
	s.addMapped(m, content, b.depth+1, luks.Kind, err)
}

func unlock(ctx context.Context, v *luks.Volume, passphrases [][]byte) (Device, error) {
	if len(passphrases) == 0 {
		return nil, errNoPassphrase
	}
	return v.Unlock(ctx, passphrases...)
}

// mappedByName tells whether a mapped device of that name is there.
func (i *Image) mappedByName(name string) bool {
	for _, m := range i.Disk.Mapped {
		if m.Name == name {
			return true
		}
	}
	return false
}
