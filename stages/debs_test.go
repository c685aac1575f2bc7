package stages_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
)

// debInput is packages as a step gets them, in the order given.
func debInput(t *testing.T, packages ...[]byte) map[string]step.Input {
	t.Helper()
	in := step.Input{Path: t.TempDir()}
	for _, data := range packages {
		id := fmt.Sprintf("sha256:%x", sha256.Sum256(data))
		if err := os.WriteFile(filepath.Join(in.Path, id), data, 0o644); err != nil {
			t.Fatal(err)
		}
		in.References = append(in.References, step.Reference{ID: id})
	}
	return map[string]step.Input{"packages": in}
}

func control(name, more string) string {
	return "Package: " + name + "\nVersion: 1\nArchitecture: all\n" + more
}

// TestDebsUnpack gives the packages in both orders.
func TestDebsUnpack(t *testing.T) {
	fixtures.RequireRoot(t)
	a := fixtures.Deb{Control: control("aa", ""), Files: []fixtures.DebFile{{Name: "./opt/", Mode: 0o711}, {Name: "./opt/a", Content: "a"}}}.Bytes(t)
	b := fixtures.Deb{Control: control("bb", ""), Files: []fixtures.DebFile{{Name: "./opt/"}, {Name: "./bin/b", Content: "b", Mode: 0o755}}}.Bytes(t)
	d := definition(t, "dev.assay.debs")
	for _, order := range [][][]byte{{a, b}, {b, a}} {
		dir := fixtures.Tree(t, nil)
		if _, err := run(t, d, dir, `{"mode": "unpack"}`, debInput(t, order...)); err != nil {
			t.Fatal(err)
		}
		requireTree(t, dir, map[string]string{
			"/bin": `link 0:0 "usr/bin"`, "/sbin": `link 0:0 "usr/sbin"`, "/lib": `link 0:0 "usr/lib"`, "/usr/bin/b": `file 0755 0:0 "b"`,
			"/usr/sbin": "dir 0755 0:0", "/usr/lib": "dir 0755 0:0", "/opt": "dir 0711 0:0", "/opt/a": `file 0644 0:0 "a"`,
		})
	}
}

func TestDebsRefuses(t *testing.T) {
	fixtures.RequireRoot(t)
	honest := fixtures.Deb{}.Bytes(t)
	tests := map[string]struct {
		options  string
		packages [][]byte
		want     string
	}{
		"no mode":            {`{}`, nil, "options.mode: "},
		"another mode":       {`{"mode": "instal"}`, nil, `options.mode: `},
		"exclude and unpack": {`{"mode": "unpack", "exclude": ["/usr/share/doc/*"]}`, [][]byte{honest}, "options.exclude: counts in mode install only"},
		"relative pattern":   {`{"mode": "install", "exclude": ["usr/*"]}`, nil, "options.exclude[0]: "},
		"no package":         {`{"mode": "unpack"}`, [][]byte{honest, []byte("hello")}, "is no Debian package"},
		"twice": {
			`{"mode": "unpack"}`, [][]byte{honest, fixtures.Deb{Control: "Package: test\nVersion: 2\nArchitecture: all\n"}.Bytes(t)},
			"package test is given twice: 1 all and 2 all; leave one out",
		},
		"nothing essential": {`{"mode": "install"}`, [][]byte{honest}, "no package of the input is essential"},
		"climbs": {
			`{"mode": "unpack"}`, [][]byte{fixtures.Deb{Files: []fixtures.DebFile{{Name: "../x", Content: "x"}}}.Bytes(t)},
			`unpack test 1: member "../x" climbs out of the package`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, definition(t, "dev.assay.debs"), t.TempDir(), tt.options, debInput(t, tt.packages...))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}
