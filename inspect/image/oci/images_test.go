package oci_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/oci"
	"github.com/assay-os/assay/inspect/image/tarball"
)

// two are layers of which the second changes the first.
func two(t testing.TB) [][]byte {
	return [][]byte{
		layer(t, folder("./", 0o755), file("a", "one"), folder("d/", 0o755), file("d/x", "two")),
		layer(t, file(".wh.a", ""), file("d/y", "three"), link("d/z", "d/x")),
	}
}

// TestArrangements has skopeo put one image into each arrangement.
func TestArrangements(t *testing.T) {
	fixtures.RequireTool(t, "skopeo")
	layers := two(t)
	source := layoutOf(t, gzipped(t, layers[0]), layers[1])
	path := source.write(t)
	want := contents(t, source.tar(t), oci.Options{})
	fsystest.Compare(t, contents(t, layoutOf(t, layers[0], zstandard(t, layers[1])).tar(t), oci.Options{}), want)
	if len(want) != 5 {
		t.Fatalf("got %v", want)
	}
	for _, to := range []struct{ transport, kind, flag string }{
		{"oci:", oci.Layout, ""}, {"oci:", oci.Layout, "--dest-compress-format=zstd"}, {"oci-archive:", oci.Layout, ""},
		{"docker-archive:", oci.Docker, ""}, {"dir:", oci.Skopeo, ""}, {"dir:", oci.Skopeo, "--dest-decompress"}, {"dir:", oci.Skopeo, "--format=v2s2"},
	} {
		t.Run(to.transport+to.flag, func(t *testing.T) {
			dst := filepath.Join(t.TempDir(), "image")
			args := []string{"--insecure-policy", "copy", "-q", "oci:" + path + ":latest"}
			if to.flag != "" {
				args = append(args, to.flag)
			}
			name := to.transport + dst
			if to.transport != "dir:" {
				name += ":example.org/some/image:1"
			}
			kerneltest.Run(t, "skopeo", append(args, name)...)
			var img *oci.Image
			if strings.Contains(to.transport, "archive") {
				data, err := os.ReadFile(dst)
				kerneltest.Must(t, err)
				if got := detect(t, data).Kind; got != to.kind {
					t.Errorf("it is %s", got)
				}
				img = open(t, data, oci.Options{})
			} else {
				img = openDir(t, dst, oci.Options{})
			}
			kerneltest.Must(t, img.Err)
			fsystest.Compare(t, fsystest.Contents(t, img.Tree()), want)
			if img.Container.Architecture != "amd64" || img.Container.Layers != 2 {
				t.Errorf("%+v", img.Container)
			}
		})
	}
}

// docker is what docker save writes: older versions alone, newer ones beside a layout.
func docker(t testing.TB, layers [][]byte, names ...string) files {
	f := files{}
	var diffs []string
	d := object{"RepoTags": names}
	paths := []string{}
	for _, l := range layers {
		name := sum(l) + "/layer.tar"
		f[name] = l
		paths = append(paths, name)
		diffs = append(diffs, "sha256:"+sum(l))
	}
	conf := encode(t, object{"os": "linux", "architecture": "arm64", "rootfs": object{"type": "layers", "diff_ids": diffs}})
	f[sum(conf)+".json"] = conf
	d["Config"], d["Layers"] = sum(conf)+".json", paths
	f["manifest.json"] = encode(t, []object{d})
	return f
}

func TestDockerSave(t *testing.T) {
	layers := two(t)
	want := contents(t, layoutOf(t, layers...).tar(t), oci.Options{})
	old := docker(t, layers, "image:1")
	fsystest.Compare(t, contents(t, old.tar(t), oci.Options{}), want)

	// A layer that comes again was a link to its first place.
	again := docker(t, append(layers, layers[1]), "image:1")
	var list []map[string]any
	kerneltest.Must(t, json.Unmarshal(again["manifest.json"], &list))
	list[0]["Layers"].([]any)[2] = "other/layer.tar"
	again["manifest.json"] = encode(t, list)
	var members []member
	for name, data := range again {
		members = append(members, file(name, string(data)))
	}
	members = append(members, symlink("other/layer.tar", "../"+sum(layers[1])+"/layer.tar"))
	fsystest.Compare(t, contents(t, layer(t, members...), oci.Options{}), want)

	// Newer versions write a layout, and the list beside it.
	modern := layoutOf(t, layers...)
	modern["manifest.json"] = dockerList(t, modern, layers...)
	fsystest.Compare(t, contents(t, modern.tar(t), oci.Options{}), want)
	modern["manifest.json"] = dockerList(t, modern, layers[0], layers[0])
	if err := open(t, modern.tar(t), oci.Options{}).Err; err == nil || !strings.Contains(err.Error(), "name other layers") {
		t.Errorf("two answers: %v", err)
	}
}

// dockerList is a manifest.json that names blobs of a layout.
func dockerList(t testing.TB, f files, layers ...[]byte) []byte {
	t.Helper()
	var paths []string
	for _, l := range layers {
		paths = append(paths, "blobs/sha256/"+sum(l))
	}
	for name, data := range f {
		if strings.HasPrefix(name, "blobs/") && bytes.Contains(data, []byte("diff_ids")) {
			return encode(t, []object{{"Config": name, "RepoTags": []string{"image:1"}, "Layers": paths}})
		}
	}
	t.Fatal("no configuration")
	return nil
}

// TestBrokenImages changes one thing of an image; its error must name it.
func TestBrokenImages(t *testing.T) {
	layers := two(t)
	named := func(f files, part string) string {
		for name, data := range f {
			if bytes.Contains(data, []byte(part)) && strings.HasPrefix(name, "blobs/") {
				return name
			}
		}
		t.Fatalf("no blob holds %s", part)
		return ""
	}
	for name, test := range map[string]struct {
		change func(f files)
		want   string
	}{
		"layer":         {func(f files) { f["blobs/sha256/"+sum(layers[1])][600] ^= 1 }, "layer 2 (sha256:" + sum(layers[1])[:12] + "): its content has the digest "},
		"layer's size":  {func(f files) { f["blobs/sha256/"+sum(layers[0])] = layers[0][:1024] }, "layer 1 (sha256:" + sum(layers[0])[:12]},
		"no layer":      {func(f files) { delete(f, "blobs/sha256/"+sum(layers[1])) }, "layer 2 (sha256:" + sum(layers[1])[:12] + "): blobs/sha256/"},
		"configuration": {func(f files) { b := f[named(f, "diff_ids")]; b[bytes.Index(b, []byte("amd64"))] ^= 1 }, "configuration: blobs/sha256/"},
		"manifest":      {func(f files) { b := f[named(f, `"layers":[{`)]; b[bytes.Index(b, []byte("schema"))] ^= 1 }, "its content has the digest "},
	} {
		f := layoutOf(t, bytes.Clone(layers[0]), bytes.Clone(layers[1]))
		test.change(f)
		if err := open(t, f.tar(t), oci.Options{}).Err; err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	for name, test := range map[string]struct {
		conf object
		want string
	}{
		"diff_id":        {object{"rootfs": object{"type": "layers", "diff_ids": []string{"sha256:" + sum(nil), "sha256:" + sum(layers[1])}}}, "layer 1 (sha256:" + sum(layers[0])[:12] + "): unpacked: its content has the digest "},
		"fewer diff_ids": {object{"rootfs": object{"diff_ids": []string{"sha256:" + sum(layers[0])}}}, "it has 1 diff_ids for 2 layers"},
		"odd digest":     {object{"rootfs": object{"diff_ids": []string{"md5:00", "../../x"}}}, "its algorithm is not known"},
		"odd rootfs":     {object{"rootfs": object{"type": "tarballs"}}, `of the type "tarballs"`},
		"types":          {object{"config": object{"Env": 5}}, "cannot unmarshal number"},
	} {
		f := files{}
		f.layout(t, f.image(t, test.conf, layers...))
		if err := open(t, f.tar(t), oci.Options{}).Err; err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func TestArtifactsAndOldManifestsAreRefused(t *testing.T) {
	for want, manifest := range map[string]object{
		"it is no container image, but holds":  {"schemaVersion": 2, "config": object{"mediaType": "application/vnd.cncf.helm.config.v1+json"}},
		"schema 1, which has no configuration": {"schemaVersion": 1, "fsLayers": []object{}},
		"layer 1 is encrypted":                 {"schemaVersion": 2, "layers": []object{{"mediaType": layerType + "+gzip+encrypted"}}},
	} {
		f := files{}
		f.layout(t, f.blob(manifestType, encode(t, manifest)))
		if err := open(t, f.tar(t), oci.Options{}).Err; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestChoose(t *testing.T) {
	f := files{}
	image := func(arch string) object {
		return f.image(t, object{"architecture": arch}, layer(t, file("arch", arch)))
	}
	nested := f.blob(indexType, encode(t, object{"schemaVersion": 2, "manifests": []object{
		on(image("arm"), "linux", "arm", "v6"), on(image("arm64"), "linux", "arm64", "v8"),
	}}))
	attestation := on(f.image(t, nil), "unknown", "unknown", "")
	attestation["annotations"] = object{"vnd.docker.reference.type": "attestation-manifest"}
	missing := on(object{"mediaType": manifestType, "digest": "sha256:" + sum([]byte("elsewhere")), "size": 5}, "linux", "s390x", "")
	amd := tagged(image("amd64"), "first")
	again := tagged(image("amd64"), "second")
	f.layout(t, amd, again, tagged(nested, "list"), attestation, missing)
	archive := f.tar(t)
	for o, want := range map[oci.Options]string{
		{Platform: "linux/amd64"}:                  "amd64",
		{Platform: "linux/arm64"}:                  "arm64",
		{Platform: "linux/arm64/v8", Name: "list"}: "arm64",
		{Platform: "linux/arm/v6"}:                 "arm",
		{Name: "second"}:                           "amd64",
		{Name: amd["digest"].(string)}:             "amd64",
		{}:                                         "!it holds 3 images; choose one",
		{Name: "list"}:                             "!linux/arm/v6 list sha256:",
		{Platform: "linux/arm/v7"}:                 "!it holds no such image; there are: linux/amd64 first sha256:",
		{Platform: "linux/s390x"}:                  "!it holds no such image",
		{Platform: "linux"}:                        "!is not of the form",
		{Name: "third"}:                            "!it holds no such image",
	} {
		o.MaxSize = limit
		img, err := oci.Open(context.Background(), detect(t, archive), o)
		if refused, ok := strings.CutPrefix(want, "!"); ok {
			if err == nil || !strings.Contains(err.Error(), refused) {
				t.Errorf("%+v: %v, want %s", o, err, refused)
			}
			continue
		}
		kerneltest.Must(t, err, img.Err)
		if img.Container.Architecture != want {
			t.Errorf("%+v: %s", o, img.Container.Architecture)
		}
		kerneltest.Must(t, img.Close())
	}
	two := docker(t, two(t), "one:1", "one:2")
	more := docker(t, [][]byte{layer(t, file("other", "o"))}, "two:1")
	var list, other []json.RawMessage
	kerneltest.Must(t, json.Unmarshal(two["manifest.json"], &list), json.Unmarshal(more["manifest.json"], &other))
	for name, data := range more {
		two[name] = data
	}
	two["manifest.json"] = encode(t, append(list, other...))
	if got := contents(t, two.tar(t), oci.Options{Name: "two:1"}); got["/other"] == "" {
		t.Errorf("got %v", got)
	}
	if _, err := oci.Open(context.Background(), detect(t, two.tar(t)), oci.Options{}); err == nil || !strings.Contains(err.Error(), "one:1 one:2") {
		t.Error(err)
	}
}

// TestTreesStayTrees holds that a tree is not taken for an image by a name alone.
func TestTreesStayTrees(t *testing.T) {
	real := docker(t, two(t), "a")
	for name, f := range map[string]files{
		"web app":             {"manifest.json": []byte(`{"name":"app","icons":[]}`), "index.html": nil},
		"a list":              {"manifest.json": []byte(`[{"Config":"a.json"}]`), "a.json": []byte("{}")},
		"files are missing":   {"manifest.json": real["manifest.json"]},
		"an empty list":       {"manifest.json": []byte(`[]`)},
		"not JSON":            {"oci-layout": []byte("imageLayoutVersion"), "index.json": []byte("{}")},
		"another version":     {"version": []byte("1.2.3\n"), "manifest.json": []byte("{}")},
		"a layout further in": {"sub/oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)},
	} {
		data := f.tar(t)
		tree, err := tarball.Open(context.Background(), bytes.NewReader(data), int64(len(data)))
		kerneltest.Must(t, err)
		if got, err := oci.Detect(context.Background(), tree); got != nil || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestConfiguration(t *testing.T) {
	f := files{}
	f.layout(t, tagged(f.image(t, object{
		"variant": "v3", "os.version": "10", "os.features": []string{"x"}, "created": "2024-01-02T03:04:05Z", "author": "me",
		"config": object{
			"User": "1:2", "ExposedPorts": object{"80/tcp": object{}, "443/tcp": object{}}, "Env": []string{"B=2", "A=1"}, "Entrypoint": []string{"/e"}, "Cmd": []string{"c"},
			"Volumes": object{"/v": object{}}, "WorkingDir": "/w", "Labels": object{"l": "m"}, "StopSignal": "TERM", "Shell": []string{"sh"}, "OnBuild": []string{"RUN"},
			"Healthcheck": object{"Test": []string{"NONE"}, "Interval": 1500000000, "Retries": 3},
		}, "history": []object{{"created_by": "x"}, {"empty_layer": true}},
	}, layer(t, file("a", ""))), "v1"))
	got, err := json.Marshal(open(t, f.tar(t), oci.Options{}).Container)
	kerneltest.Must(t, err)
	for _, want := range []string{
		`"os":"linux","architecture":"amd64","variant":"v3","os_version":"10","os_features":["x"],"user":"1:2","working_dir":"/w","entrypoint":["/e"],"cmd":["c"],"env":["B=2","A=1"],"exposed_ports":["443/tcp","80/tcp"],"volumes":["/v"],"labels":{"l":"m"},"stop_signal":"TERM","shell":["sh"],"on_build":["RUN"],"healthcheck":{"test":["NONE"],"interval":"1.5s"`,
		`"names":["v1"],"layers":1,"history":2,"created":"2024-01-02T03:04:05Z","author":"me"`, `"digest":"sha256:`, `"config_digest":"sha256:`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s\nlacks %s", got, want)
		}
	}
}

// TestHostileLayers holds that names stay in the tree, and that what is left out is told.
func TestHostileLayers(t *testing.T) {
	base := []member{folder("d/", 0o755), symlink("out", "../../../../etc"), symlink("loop", "loop"), file("f", "x")}
	for name, test := range map[string]struct {
		layer []member
		want  string // in the error of the root; empty where nothing is left out
		there string
	}{
		"parent":             {[]member{file("../../etc/passwd", "x")}, `the name holds ".."`, ""},
		"within":             {[]member{file("d/../e", "x")}, `the name holds ".."`, ""},
		"whiteout of parent": {[]member{file("d/.wh...", "")}, "takes away an impossible name", ""},
		"whiteout of itself": {[]member{file("d/.wh..", "")}, "takes away an impossible name", ""},
		"nothing":            {[]member{file("d/.wh.", "")}, "takes away an impossible name", ""},
		"outside":            {[]member{file("out/passwd", "x")}, "", "/etc/passwd"},
		"absolute":           {[]member{symlink("abs", "/d"), file("abs/x", "x")}, "", "/d/x"},
		"whiteout outside":   {[]member{file("out/.wh.passwd", "")}, "", ""},
		"loop":               {[]member{file("loop/x", "x")}, "too many symbolic links", ""},
		"through a file":     {[]member{file("f/x", "x")}, `leads through "f", a file`, ""},
		"through a whiteout": {[]member{file("d/.wh.x/y", "x")}, `leads through the whiteout ".wh.x"`, ""},
		"link outside":       {[]member{link("h", "../../etc/passwd")}, "which no layer can hold", ""},
		"link to nothing":    {[]member{link("h", "never")}, "which is not there", ""},
		"link to directory":  {[]member{link("h", "d")}, `links to the directory "d"`, ""},
		"root":               {[]member{{Header: tar.Header{Name: "./", Typeflag: tar.TypeSymlink, Linkname: "/etc"}}}, "takes the place of the root", ""},
		"AUFS":               {[]member{folder(".wh..wh.plnk/", 0o700), file(".wh..wh.plnk/1.2", ""), file(".wh..wh.aufs", "")}, "", ""},
	} {
		got := contents(t, layoutOf(t, layer(t, base...), layer(t, test.layer...)).tar(t), oci.Options{})
		if _, told, _ := strings.Cut(got["/"], "!"); !strings.Contains(told, test.want) || (test.want == "") != (told == "") {
			t.Errorf("%s: the root says %q, want %q", name, told, test.want)
		}
		if test.there != "" && !strings.HasPrefix(got[test.there], "file") {
			t.Errorf("%s: no %s: %q", name, test.there, got)
		}
	}
}

// TestBounds: what a layer unpacks to is bounded, and what is cut off is no layer.
func TestBounds(t *testing.T) {
	big := gzipped(t, layer(t, file("zeros", strings.Repeat("\x00", 8<<20))))
	open := func(o oci.Options, f files) error {
		img, err := oci.Open(context.Background(), detect(t, f.tar(t)), o)
		kerneltest.Must(t, err)
		defer img.Close()
		return img.Err
	}
	if err := open(oci.Options{MaxSize: 1 << 20}, layoutOf(t, big)); err == nil || !strings.Contains(err.Error(), "more than the limit") {
		t.Error(err)
	}
	f := files{}
	cut := f.image(t, nil, big)
	var m map[string]any
	kerneltest.Must(t, json.Unmarshal(f["blobs/"+strings.Replace(cut["digest"].(string), ":", "/", 1)], &m))
	short := big[:len(big)/2]
	m["layers"] = []object{f.blob(layerType+"+gzip", short)}
	f.layout(t, f.blob(manifestType, encode(t, m)))
	if err := open(oci.Options{MaxSize: limit}, f); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Error(err)
	}
}
