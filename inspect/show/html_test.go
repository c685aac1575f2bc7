package show

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

// htmlPart cuts the data of an element out of a page.
func htmlPart(t *testing.T, page, id string, v any) {
	t.Helper()
	_, data, ok := strings.Cut(page, `id="data-`+id+`">`)
	data, _, end := strings.Cut(data, "</script>")
	if !ok || !end {
		t.Fatalf("the page has no %s", id)
	}
	if err := json.Unmarshal([]byte(data), v); err != nil {
		t.Fatalf("%s: %v", id, err)
	}
}

func htmlOf(t *testing.T, r *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// evilTree has names that are markup, scripts, or hard to put together again.
func evilTree() []report.Entry {
	digest := strings.Repeat("0123456789abcdef", 4)
	return []report.Entry{
		{Path: "/", Type: report.Directory, Mode: 0o755, Mtime: time.Unix(5, 0).UTC()},
		{Path: "/<!--", Type: report.Symlink, Target: "\"'><svg onload=alert(1)>"},
		{Path: "/</script><script>alert(1)</script>", Type: report.File, Mode: 0o4755, Size: 3, SHA256: digest, Mtime: time.Unix(-1, 7).UTC(), User: "<b>", Package: "<img src=x onerror=alert(1)>"},
		{Path: "/a", Type: report.Directory},
		{Path: "/a-b", Type: report.File, SHA256: "not hex"},
		{Path: "/a/b\\\xff", Type: report.File, SHA256: strings.Repeat("ff", 32), Size: 1 << 40, Hardlink: "/a/b\\\xff", Xattrs: map[string]report.Raw{"user.x": "\x00", "security.selinux": "s"}, SELinux: "s"},
		{Path: "/a/c\u202e\x1b", Type: report.Char, Device: "1:3", Attributes: "immutable"},
		{Path: "/gone/below", Type: report.File, SHA256: digest},
		{Path: "partition 3:/EFI", Type: report.Directory},
		{Path: "partition 3:/EFI/x", Type: report.File},
	}
}

// The columns hold what the entries say: each can be put together again.
func TestHTMLHoldsAllEntries(t *testing.T) {
	files := evilTree()
	var c struct {
		Names, Times []any
		Parents      []int
		Fact         []int
		Facts        []htmlFact
		Sizes        []int64
		Digests      string
		Targets      map[string]string
		More         map[string]htmlMore
	}
	htmlPart(t, htmlOf(t, &report.Report{Files: files}), "files", &c)
	digests, err := base64.StdEncoding.DecodeString(c.Digests)
	if err != nil {
		t.Fatal(err)
	}
	paths := make([]string, len(files))
	for i, e := range files {
		paths[i] = c.Names[i].(string)
		if p := c.Parents[i]; p >= i {
			t.Fatalf("%s is before its parent", paths[i])
		} else if p >= 0 {
			paths[i] = strings.TrimSuffix(paths[p], "/") + "/" + paths[i]
		}
		f := c.Facts[c.Fact[i]]
		sum := ""
		if f.Hashed {
			sum, digests = hex.EncodeToString(digests[:32]), digests[32:]
		}
		want := factOf(&e)
		if paths[i] != e.Path.String() || f != want || c.Sizes[i] != e.Size || sum != "" && sum != e.SHA256 {
			t.Errorf("%q %+v %d %s, want %+v", paths[i], f, c.Sizes[i], sum, e)
		}
		if got := c.Targets[fmt.Sprint(i)]; got != e.Target.String()+e.Device {
			t.Errorf("%q: target %q", paths[i], got)
		}
	}
	if len(digests) != 0 {
		t.Errorf("%d bytes of digests are nobody's", len(digests))
	}
	if c.Times[0] != 5.0 || c.Times[2] != "-1.000000007" || len(c.More) != 2 || len(c.More["5"].Xattrs) != 1 || c.More["6"].Attributes != "immutable" {
		t.Errorf("times %v, more %+v", c.Times, c.More)
	}
	if c.Parents[7] != -1 || c.Parents[9] != 8 || c.Parents[5] != 3 || c.Parents[4] != 0 {
		t.Errorf("parents %v", c.Parents)
	}
}

// No text of a report is markup, and the page asks nobody for anything.
func TestHTMLIsOnePage(t *testing.T) {
	r := hostile()
	r.Files = evilTree()
	r.OSRelease["PRETTY_NAME"] = "</script><script>alert(1)</script> @DATA@ @FILES@"
	page := htmlOf(t, r)
	if n := strings.Count(page, "<script"); n != 4 {
		t.Errorf("%d scripts", n)
	}
	for _, bad := range []string{"<svg", "<img", "<b>", "<!--", "alert(1)</script>"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
	if i := strings.IndexFunc(page, func(c rune) bool { return c != '\n' && report.Hidden(c) }); i >= 0 {
		t.Errorf("a control character: %q", page[i:min(i+20, len(page))])
	}
	for _, part := range []string{pageHTML, pageCSS, pageJS, filesJS} {
		for _, bad := range []string{"http:", "https:", "//cdn", "@import", "url(", "innerHTML", "eval("} {
			if strings.Contains(part, bad) {
				t.Errorf("the page's own text has %s", bad)
			}
		}
	}
	var back report.Report
	htmlPart(t, page, "report", &back)
	back.Files = r.Files
	if got, want := saved(t, &back), saved(t, r); got != want {
		t.Errorf("the page's report is another:\n%s\n%s", got, want)
	}
}

// saved is the report as one that was saved is written again.
func saved(t *testing.T, r *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	for range 2 {
		r.SchemaVersion = report.SchemaVersion
		b.Reset()
		if err := r.Encode(&b); err != nil {
			t.Fatal(err)
		}
		var err error
		if r, err = report.Decode(bytes.NewReader(b.Bytes())); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// In a browser the script draws everything, and none of the names runs.
func TestHTMLInABrowser(t *testing.T) {
	fixtures.RequireFull(t)
	fixtures.RequireTool(t, "chromium")
	r := hostile()
	r.Files = evilTree()
	dir := t.TempDir()
	at := filepath.Join(dir, "page.html")
	page := strings.Replace(htmlOf(t, r), "</body>", `<script>
for (const d of document.querySelectorAll("details")) d.open = true;
setTimeout(() => { by("#files input").value = "package:\x3cimg"; search(); document.title = "drawn " + by("#files .count").textContent + " " + document.querySelectorAll("#records details").length; }, 500);
</script></body>`, 1)
	if err := os.WriteFile(at, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"), "--virtual-time-budget=5000", "--dump-dom", "file://"+at)
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	dom := string(out)
	if !strings.Contains(dom, "<title>drawn 0 of 10 paths") {
		t.Errorf("the script did not end: %.300s", dom)
	}
	if strings.Contains(dom, "<img") || strings.Contains(dom, "<svg") || strings.Count(dom, "<script") != 5 {
		t.Error("a name became markup")
	}
}
