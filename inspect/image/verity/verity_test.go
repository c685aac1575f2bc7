package verity_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/mapper"
	"github.com/assay-os/assay/inspect/image/verity"
)

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func openFile(t testing.TB, path string) *dir.File {
	t.Helper()
	f, err := dir.OpenFile(path)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// noise makes a file of size bytes, with a hole in its middle.
func noise(t testing.TB, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data")
	f, err := os.Create(path)
	must(t, err, f.Truncate(size))
	rng := rand.NewChaCha8([32]byte{byte(size)})
	b := make([]byte, size/3)
	for _, at := range []int64{0, size - size/3} {
		rng.Read(b)
		_, err = f.WriteAt(b, at)
		must(t, err)
	}
	must(t, f.Close())
	return path
}

// format has veritysetup write the tree of a file; it returns what that says.
func format(t testing.TB, data, tree string, flags ...string) map[string]string {
	t.Helper()
	fixtures.RequireTool(t, "veritysetup")
	out, err := exec.Command("veritysetup", append(append([]string{"format"}, flags...), data, tree)...).CombinedOutput()
	if err != nil {
		t.Fatalf("veritysetup format %s: %v\n%s", flags, err, out)
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = strings.TrimSpace(value)
		}
	}
	return fields
}

func TestAgreesWithVeritysetup(t *testing.T) {
	t.Parallel()
	for _, flags := range []string{
		"", "--hash sha1", "--hash sha512", "--hash sha384 --salt -", "--hash sha224", "--format 0", "--format 0 --hash sha1",
		"--data-block-size 512", "--hash-block-size 512", "--data-block-size 1024 --hash-block-size 2048 --hash sha512", "--hash sha3-256",
		"--salt " + strings.Repeat("5a", 256), "--format 0 --hash-block-size 512 --hash sha384",
	} {
		for _, size := range []int64{4096, 8192, 4096 * 128, 4096 * 129, 4096 * (128*128 + 1)} {
			if size > 1<<20 && flags != "" && flags != "--format 0" {
				continue
			}
			t.Run(fmt.Sprint(flags, size), func(t *testing.T) {
				t.Parallel()
				agree(t, flags, size)
			})
		}
	}
}

func agree(t *testing.T, flags string, size int64) {
	data, hashes := noise(t, size), filepath.Join(t.TempDir(), "tree")
	want := format(t, data, hashes, strings.Fields(flags)...)
	tree, err := verity.Open(openFile(t, hashes))
	must(t, err)
	dev := openFile(t, data)
	if !tree.Fits(dev) {
		t.Error("the data does not fit")
	}
	must(t, tree.Verify(t.Context(), dev, 3))
	salt := want["Salt"]
	if salt == "-" {
		salt = ""
	}
	if s := tree.Settings(); s["root_hash"] != want["Root hash"] || s["salt"] != salt || s["algorithm"] != want["Hash algorithm"] ||
		tree.UUID != want["UUID"] || s["hash_type"] != want["Hash type"] || tree.DataSize() != size {
		t.Errorf("%v, veritysetup says %v", s, want)
	}
	if info, err := os.Stat(hashes); err != nil || info.Size() != tree.End() {
		t.Errorf("the tree ends at byte %d, the file at %d", tree.End(), info.Size())
	}
}

// Whatever byte is changed is found, in the block where it is, by us and by
// veritysetup.
func TestChangedBytesAreFound(t *testing.T) {
	t.Parallel()
	data, hashes := noise(t, 4096*300), filepath.Join(t.TempDir(), "tree")
	want := format(t, data, hashes)
	for _, c := range []struct {
		path string
		at   int64
		text string
	}{
		{data, 0, "data: block 0 "}, {data, 4096*299 + 4095, "data: block 299 "}, {data, 4096 * 150, "data: block 150 "},
		{hashes, 4096*2 + 40, "level 0: block 0 "}, {hashes, 4096*4 + 31, "level 0: block 2 "}, {hashes, 4096*4 + 4000, "level 0: block 2 "},
	} {
		flip(t, c.path, c.at)
		tree, err := verity.Open(openFile(t, hashes))
		must(t, err)
		err = tree.Verify(t.Context(), openFile(t, data), 2)
		if err == nil || !strings.Contains(err.Error(), c.text) || tree.Root() != want["Root hash"] {
			t.Errorf("byte %d: %v, want %q", c.at, err, c.text)
		}
		if out, err := exec.Command("veritysetup", "verify", data, hashes, want["Root hash"]).CombinedOutput(); err == nil {
			t.Errorf("veritysetup finds nothing: %s", out)
		}
		flip(t, c.path, c.at)
	}
	flip(t, hashes, 4096+3) // the highest block: the root is another
	tree, err := verity.Open(openFile(t, hashes))
	must(t, err)
	if err := tree.Verify(t.Context(), openFile(t, data), 2); err == nil || tree.Root() == want["Root hash"] {
		t.Errorf("a changed root: %v", err)
	}
}

func flip(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	must(t, err)
	b[0] ^= 0x10
	_, err = f.WriteAt(b, at)
	must(t, err, f.Close())
}

func TestTreeBehindItsData(t *testing.T) {
	data := noise(t, 4096*200)
	want := format(t, data, data, "--hash-offset", fmt.Sprint(4096*200), "--data-blocks", "200")
	f := openFile(t, data)
	behind, err := mapper.Section(f, 4096*200, f.Size()-4096*200)
	must(t, err)
	tree, err := verity.Open(behind)
	must(t, err)
	if err := tree.Verify(t.Context(), f, 2); err != nil || tree.Root() != want["Root hash"] {
		t.Errorf("%v, root %s", err, tree.Root())
	}
}

func TestProbeAgreesWithBlkid(t *testing.T) {
	fixtures.RequireTool(t, "blkid")
	hashes := filepath.Join(t.TempDir(), "tree")
	format(t, noise(t, 8192), hashes)
	got, ok := verity.Probe(openFile(t, hashes))
	out, err := exec.Command("blkid", "-p", "-o", "export", "-s", "TYPE", "-s", "UUID", hashes).Output()
	must(t, err)
	for _, line := range []string{"TYPE=" + got.Type, "UUID=" + got.UUID} {
		if !ok || !strings.Contains(string(out), line+"\n") {
			t.Errorf("%s, blkid says %s", line, out)
		}
	}
}
