package build_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/build/manifest"
)

// BenchmarkPlan reads and plans a manifest of native stages with options that
// are checked by their schemas. 10,000 stages must take less than a second.
func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		doc := manyNative(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				m, err := manifest.Read(doc, "m")
				if err != nil {
					b.Fatal(err)
				}
				plan, err := build.NewPlan(m, nativeSteps(), nil)
				if err != nil || len(plan.Steps()) != n {
					b.Fatal(err)
				}
			}
		})
	}
}

// manyNative is a manifest of n stages of ten types.
func manyNative(n int) []byte {
	stages := []string{
		`{"type": "org.osbuild.hostname", "options": {"hostname": "h%d"}}`,
		`{"type": "org.osbuild.locale", "options": {"language": "C.%d"}}`,
		`{"type": "org.osbuild.mkdir", "options": {"paths": [{"path": "/d%d", "mode": 493}]}}`,
		`{"type": "org.osbuild.users", "options": {"users": {"u%d": {"home": "/home/u", "groups": ["wheel"]}}}}`,
		`{"type": "org.osbuild.systemd", "options": {"enabled_services": ["s%d.service"]}}`,
		`{"type": "org.osbuild.fstab", "options": {"filesystems": [{"uuid": "u%d", "path": "/", "vfs_type": "ext4"}]}}`,
		`{"type": "org.osbuild.kernel-cmdline", "options": {"kernel_opts": "a=%d"}}`,
		`{"type": "org.osbuild.timezone", "options": {"zone": "Zone%d"}}`,
		`{"type": "org.osbuild.chmod", "options": {"items": {"/d%d": {"mode": "0755"}}}}`,
		`{"type": "org.osbuild.noop", "options": {"n": %d}}`,
	}
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(stages[i%len(stages)], i)
	}
	return []byte(`{"version": "2", "pipelines": [{"name": "p", "stages": [` + strings.Join(list, ", ") + `]}]}`)
}
