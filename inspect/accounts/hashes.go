package accounts

import (
	"errors"
	"io/fs"

	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// ShowHashes puts the password fields into the entries that the sections
// shadow and gshadow have filled. Only who was asked for them calls it. What those sections
// could not read is told by them.
func ShowHashes(t *tree.Tree, r *report.Report) error {
	shadow, err1 := shadowLines(t)
	for i := range min(len(shadow), len(r.Shadow)) {
		r.Shadow[i].Hash = shadow[i].Hash
	}
	gshadow, err2 := gshadowLines(t)
	for i := range min(len(gshadow), len(r.Gshadow)) {
		r.Gshadow[i].Hash = gshadow[i].Hash
	}
	return errors.Join(unless(err1), unless(err2))
}

func unless(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
