package resolve

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

//go:embed distros/*.toml
var distroFiles embed.FS

// A Distro is what has to be known of a distribution: where its packages are,
// what a build root and a bootable system hold, and what an image gets when
// the blueprint says nothing. Each is a file of the directory distros.
type Distro struct {
	Name string `toml:"name"`
	// Solver is the program that chooses packages: "apt".
	Solver string `toml:"solver"`
	// Keyring is the file, on this machine, that the archive's signatures are
	// checked with; KeyringPackage is the package that has it.
	Keyring        string `toml:"keyring"`
	KeyringPackage string `toml:"keyring_package"`
	RootFilesystem string `toml:"root_filesystem"`

	Hostname      string `toml:"hostname"`
	Locale        string `toml:"locale"`
	Timezone      string `toml:"timezone"`
	KernelOptions string `toml:"kernel_options"`
	ImageSize     string `toml:"image_size"`

	Suites []Suite `toml:"suites"`
	// Architectures maps a blueprint's names to the distribution's own.
	Architectures map[string]string `toml:"architectures"`
	Build         PackageSet        `toml:"build"`
	System        PackageSet        `toml:"system"`
}

// A Suite is one part of an archive that packages are taken from.
type Suite struct {
	Name       string   `toml:"name"`
	Components []string `toml:"components"`
	Required   bool     `toml:"required"`
	// Security tells that the suite stands in the security archive.
	Security bool `toml:"security"`
}

// A PackageSet is what the solver is asked for.
type PackageSet struct {
	Packages []string `toml:"packages"`
}

// Distros are the names that [Blueprint.Distro] may have, sorted.
func Distros() []string {
	files, err := distroFiles.ReadDir("distros")
	if err != nil {
		return nil
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".toml"))
	}
	return names
}

func loadDistro(name string) (*Distro, error) {
	data, err := distroFiles.ReadFile(path.Join("distros", path.Base(name)+".toml"))
	if err != nil || path.Base(name) != name {
		return nil, fmt.Errorf("distro: %q is not known; one of %s", name, strings.Join(Distros(), ", "))
	}
	var d Distro
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("read distros/%s.toml: %w", name, err)
	}
	return &d, nil
}
