package filecontexts

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"testing"
)

const hardPolicy, fedoraPolicy = "testdata/hard/file_contexts", "testdata/fedora/file_contexts"

// hardPaths are paths on which searches could differ, beside those that the
// lines themselves match.
var hardPaths = []string{
	"/", "//", "/order", "/order/", "//order//ab//", "/order/ab", "/order/ab\n", "/order/ab\n\n", "/order/xb", "/order/axd",
	"/alone", "/alone/x", "/alonex/y/z", "/x/order/q", "/topa", "/topb/below", "/xyz/c", "/c", "/topc\n",
	"/newline", "/newline\n", "/newline\nx", "/newline/x", "/class/\nx", "/class//x", "/class/]", "/class/]y", "/class/-v", "/class/-z",
	"/class/b-c", "/class/A9", "/class/A9\n", "/class/_q", "/class/\\w", "/class/*", "/class/--", "/class/z-", "/class/[o",
	"/escape/1_ ", "/escape/1_\v", "/escape/a-x", "/escape/A\x04z", "/escape/tab\there", "/escape/.*+?()[]{}|^$\\", "/escape//-_:#",
	"/st-em/x", "/st-em/xy", "/st\\-em/x", "/st\\-em/xy", "/plain.stem/xy", "/plain.stem/y",
	"/deep/er", "/deep/er/", "/deep/er/x", "/deep/er/a/b", "/deep/other/x", "/two/slashes", "/two//slashes",
	"/repeat/a", "/repeat/aa", "/repeat/aaa", "/repeat/aaaaab", "/repeat/aab", "/repeat/ababc", "/repeat/abababc", "/repeat/", "/repeat/!", "/repeat/abba!",
	"/repeat/%", "/repeat/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%", "/repeat/aaaaaaaaaab%", "/repeat/qrrrsss", "/repeat/s",
	"/group/ae", "/group/bde", "/group/be", "/group//x", "/group/y", "/group/x", "/group/x\n", "/start", "/group/start", "/group/end", "/group/end\n", "/group/z",
	"/type/any", "/type/some", "/type/something", "/type/so", "/none/x", "/none/deep/x", "/none/deep/xx", "/none/deep/y/xx", "/none/exact",
	"/fields", "/indented", "/no-newline/a", "/no-newline/b", "/bracket]x", "/bracket]xy", "/bracketx",
	"/latin/\xe9x", "/latin/\xc3\xa9", "/latin/\xc3\xa9x", "/latin/ab", "relative/x", "x", "/relative/x",
	"/sub", "/sub/ab", "/subx", "/sub/x/1_ ", "/chain/ab", "/chain/below/y", "/root/newline", "/root", "/same/y", "/same/ab", "/tail/ab", "/tail//ab",
	"/ordered/ab", "/first/below/y", "/order/local", "/order/cd", "/order/c",
	"/usr/lib64/libx.so.1", "/lib/x/libx.so", "/usr/sbin/mount.nfs", "/sbin/mount", "/var/run/x.pid", "/home/joe/.gvfs/x", "/data/home/joe/www/.htaccess", "/sysroot/etc/passwd",
	"/srv/www/site/cgi-bin/x", "/twice/libx.so", "/var/named/chroot/var/log/x", "/usr/lib/python3.11/site-packages/x", "/dev/sda1", "/root/.ssh/id", "/opt/a/b/lib/x-y",
}

func hardPathsOf(set *Set, variants int) []string {
	list := append(inventedPaths(set, variants, 1), hardPaths...)
	slices.Sort(list)
	return slices.Compact(list)
}

// TestHard holds the look-up to libselinux on lines whose meaning is not what
// it seems, and on a policy in the style of Fedora's.
func TestHard(t *testing.T) {
	for _, policy := range []string{hardPolicy, fedoraPolicy} {
		set := load(t, policy, Until37)
		for _, problem := range set.Problems() {
			t.Errorf("problem: %v", problem)
		}
		queries := everyType(hardPathsOf(set, 6))
		compare(t, set, "libselinux.so.1", policy, queries)
		if library := newerLibrary(); library != "" {
			compare(t, load(t, policy, Since38), library, policy, queries)
		}
	}
}

// newerLibrary is a libselinux.so.1 of 3.9 or later, where the tester has one.
func newerLibrary() string { return os.Getenv("ASSAY_LIBSELINUX") }

// TestSince38 holds the search of newer libraries to answers that libselinux 3.11
// gave. To ask one again, name its libselinux.so.1 in ASSAY_LIBSELINUX.
func TestSince38(t *testing.T) {
	const golden = "testdata/hard/since38.json"
	set := load(t, hardPolicy, Since38)
	paths := hardPathsOf(set, 3)
	if library := newerLibrary(); library != "" {
		keep(t, golden, paths, askLibrary(t, library, hardPolicy, everyType(paths)))
	}
	want := map[string][]string{}
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	m, differ := set.Matcher(), 0
	old := load(t, hardPolicy, Until37).Matcher()
	for _, path := range paths {
		answers := want[escaped(path)]
		if len(answers) == 0 {
			t.Fatalf("%s has no answer for %q", golden, path)
		}
		for i, kind := range allTypes {
			got, err := m.Lookup(path, kind)
			if answer := answers[min(i, len(answers)-1)]; err != nil || got.Context != answer {
				t.Errorf("%q as %q is %q, %v; libselinux 3.11 says %q", path, kind, got.Context, err, answer)
			}
			if before, err := old.Lookup(path, kind); err == nil && before.Context != got.Context {
				differ++
			}
		}
	}
	if differ < 20 {
		t.Errorf("only %d answers differ from the earlier rules: the test is too weak", differ)
	}
}

// escaped makes a path of any bytes a key of JSON.
func escaped(path string) string { return strconv.QuoteToASCII(path) }

// keep writes the answers for each path, by type; one where all are the same.
func keep(t *testing.T, file string, paths, answers []string) {
	t.Helper()
	all := map[string][]string{}
	for i, path := range paths {
		list := answers[i*len(allTypes) : (i+1)*len(allTypes)]
		if distinct := slices.Compact(slices.Clone(list)); len(distinct) == 1 {
			list = distinct
		}
		all[escaped(path)] = list
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("],"), []byte("],\n"))
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
