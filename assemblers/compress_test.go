package assemblers

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/assemblers/treetest"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
)

// sampleImage is a sparse file with 8 MiB of data that compresses somewhat.
func sampleImage(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	random := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, mib)
	for i := range 8 {
		for k := range data {
			data[k] = byte(random.UintN(16))
		}
		if _, err := f.WriteAt(data, int64(i)*2*mib); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

func TestCompressStages(t *testing.T) {
	raw := sampleImage(t)
	want, err := treetest.Sum(raw)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]string{"xz": {"xz", "-dc"}, "zstd": {"zstd", "-dc"}, "gzip": {"gzip", "-dc"}}
	for method, unpack := range tests {
		t.Run(method, func(t *testing.T) {
			fixtures.RequireTool(t, method, "taskset", "sh", "sha256sum")
			j := job{kind: step.Stage, name: "org.osbuild." + method, options: `{"filename": "out"}`, files: map[string]string{"file": raw}}
			out := j.mustRun(t, "out")
			got := treetest.Run(t, "sh", "-c", unpack[0]+` -dc < "$0" | sha256sum`, out)
			if got[:64] != want {
				t.Errorf("unpacked, it has SHA-256 %.64s, want %s", got, want)
			}
			// The same command on one CPU must give the same bytes.
			argv, _ := compressor(method, map[string]int{"xz": 0, "zstd": 1, "gzip": 1}[method])
			one := treetest.Run(t, "sh", append([]string{"-c", `f=$0; exec taskset -c 0 "$@" < "$f" | sha256sum`, raw}, argv...)...)
			sum, err := treetest.Sum(out)
			if err != nil {
				t.Fatal(err)
			}
			if one[:64] != sum {
				t.Errorf("on one CPU it gives %.64s, else %s", one, sum)
			}
		})
	}
}
