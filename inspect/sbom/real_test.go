package sbom_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	packageurl "github.com/package-url/packageurl-go"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/fixtures/rpms"
	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/sbom"
	"github.com/assay-os/assay/report"
)

func inspected(t *testing.T, root string) *report.Report {
	t.Helper()
	img, err := image.Open(t.Context(), root, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	r, err := inspect.Inspect(t.Context(), img, inspect.Options{NoHash: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Of whole systems the bills are valid, and say of each package what its
// manager says.
func TestRealSystems(t *testing.T) {
	published := schemas(t)
	for name, c := range map[string]struct {
		tree  func(testing.TB) string
		query func(*testing.T, string) []string
	}{
		"debian": {fixtures.DebianTree, dpkgQuery}, "rpm": {fixtures.RPMTree, rpmQuery},
	} {
		t.Run(name, func(t *testing.T) {
			root := c.tree(t)
			r := inspected(t, root)
			for format, write := range writers() {
				if err := validate(t, published[format], render(t, write, r, sbom.Options{})); err != nil {
					t.Errorf("%s: %v", format, err)
				}
			}
			var bom cdx.BOM
			if err := json.Unmarshal([]byte(render(t, sbom.WriteCycloneDX, r, sbom.Options{})), &bom); err != nil {
				t.Fatal(err)
			}
			if got, want := componentLines(t, &bom), c.query(t, root); !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// componentLines are "name version arch supplier license" of each package, the
// first three as its URL has them, sorted.
func componentLines(t *testing.T, bom *cdx.BOM) []string {
	t.Helper()
	var out []string
	for _, c := range *bom.Components {
		u, err := packageurl.FromString(c.PackageURL)
		if err != nil {
			t.Errorf("%s: %v", c.PackageURL, err)
		}
		q := u.Qualifiers.Map()
		version := u.Version
		if q["epoch"] != "" {
			version = q["epoch"] + ":" + version
		}
		if c.Name != u.Name || c.Version != version {
			t.Errorf("%s %s has the URL %s", c.Name, c.Version, c.PackageURL)
		}
		line := []string{u.Name, version, q["arch"], "", ""}
		if c.Supplier != nil {
			line[3] = c.Supplier.Name
		}
		if c.Licenses != nil {
			for _, l := range *c.Licenses {
				line[4] = l.Expression
				if l.License != nil {
					line[4] = l.License.Name
				}
			}
		}
		out = append(out, strings.Join(line, "|"))
	}
	slices.Sort(out)
	return out
}

func sortedLines(t *testing.T, out []byte, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	slices.Sort(lines)
	return lines
}

func dpkgQuery(t *testing.T, root string) []string {
	fixtures.RequireTool(t, "dpkg-query")
	c := exec.CommandContext(t.Context(), "dpkg-query", "--admindir="+filepath.Join(root, "var/lib/dpkg"), "-W", "-f", "${Package}|${Version}|${Architecture}|${Maintainer}|\n")
	out, err := c.Output()
	return sortedLines(t, out, err)
}

// rpmQuery asks a copy: rpm writes to the database that it reads.
func rpmQuery(t *testing.T, root string) []string {
	fixtures.RequireTool(t, "rpm")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, rpms.DatabasePath))); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "rpm", "--dbpath", dir, "-qa", "--qf", "%{name}|%{evr}|%{arch}|%|vendor?{%{vendor}}||%{license}\n")
	out, err := c.Output()
	return sortedLines(t, out, err)
}
