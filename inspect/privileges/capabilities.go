package privileges

import (
	"context"
	"fmt"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// attribute holds a file's capabilities: xattr(7).
const attribute = "security.capability"

func capabilities() section.Section {
	return section.Section{
		Name: "capabilities", Source: "security.capability of each file", Oracle: "getcap -r -n",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			for i := range t.Files {
				f := &t.Files[i]
				raw, ok := f.Node.Xattrs[attribute]
				if !ok {
					continue
				}
				text := f.Node.Capabilities
				if text == "" {
					// The kernel gives no capabilities by a value that it cannot read.
					text = fmt.Sprintf("not decodable: %.64x", string(raw))
				}
				r.Capabilities = append(r.Capabilities, report.FileCapability{
					Path: report.Raw(f.Path), Capabilities: text, Package: f.Node.Package,
				})
			}
			return nil
		},
	}
}
