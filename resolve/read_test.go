package resolve

import (
	"strings"
	"testing"
)

const minimal = "distro = \"debian-12\"\nmirror = \"host\"\n"

func TestRead(t *testing.T) {
	b, err := Read("x.toml", []byte(minimal+`
name = "x"
[[packages]]
name = "g++"
version = "12.*"
[[customizations.user]]
name = "bob"
uid = 1000
[[customizations.sshkey]]
user = "bob"
key = "ssh-ed25519 AAAA"
`))
	if err != nil {
		t.Fatal(err)
	}
	if b.Packages[0].Version != "12.*" || *b.Customizations.Users[0].UID != 1000 {
		t.Errorf("%+v", b)
	}
}

// Every refusal names the file, the line or the path, and what to do.
func TestReadRefuses(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"broken TOML":         {"name = \"a\"\nversion = [\n", "x.toml:2: array is incomplete (column 12)"},
		"no value":            {"name =\n", "x.toml:1: "},
		"wrong type":          {"name = 3\n", "x.toml:1: name: "},
		"key twice":           {"name = \"a\"\nname = \"b\"\n", "x.toml:2: "},
		"unknown key":         {minimal + "[customizations]\nhostnam = \"a\"\n", `x.toml:4: customizations.hostnam: unknown key; did you mean "hostname"?`},
		"unknown table":       {minimal + "[customization]\nhostname = \"a\"\n", `x.toml:3: customization: unknown key; did you mean "customizations"?`},
		"nothing near":        {minimal + "zzzzzzzz = 1\n", "x.toml:3: zzzzzzzz: unknown key"},
		"osbuild's key":       {minimal + "[customizations.firewall]\nports = [\"22:tcp\"]\n", "osbuild's customizations.firewall is not supported"},
		"distro":              {"distro = \"debian-1\"\nmirror = \"host\"\n", `distro: "debian-1" is not known; one of debian-12`},
		"distro that climbs":  {"distro = \"../distros/debian-12\"\nmirror = \"host\"\n", "is not known"},
		"no mirror":           {"distro = \"debian-12\"\n", `mirror: is missing: "host" for this machine's apt sources, or the URL`},
		"mirror with options": {"distro = \"debian-12\"\nmirror = \"http://x/ [trusted=yes]\"\n", "is not a URL"},
		"mirror of a scheme":  {"distro = \"debian-12\"\nmirror = \"cdrom://x\"\n", "is not an http, https or file URL"},
		"size":                {minimal + "[image]\nsize = \"much\"\n", `image.size: "much" is no size`},
		"size too large":      {minimal + "[image]\nsize = \"9999999999 TiB\"\n", "is no size"},
		"format":              {minimal + "[image]\nformat = \"vmdk\"\n", `image.format: "vmdk" is not one of raw, qcow2`},
		"uuid":                {minimal + "[image]\nroot_uuid = \"1\"\n", "image.root_uuid: "},
		"package as option":   {minimal + "[[packages]]\nname = \"--force\"\n", "packages[0].name: "},
		"package to remove":   {minimal + "[[packages]]\nname = \"nginx-\"\n", "packages[0].name: "},
		"package of a suite":  {minimal + "[[packages]]\nname = \"nginx/sid\"\n", "packages[0].name: "},
		"version":             {minimal + "[[packages]]\nname = \"nginx\"\nversion = \"1 -o x\"\n", "packages[0].version: "},
		"plain password":      {minimal + "[[customizations.user]]\nname = \"a\"\npassword = \"secret\"\n", "customizations.user[0].password: must be a crypt(5) hash"},
		"key for nobody":      {minimal + "[[customizations.sshkey]]\nuser = \"a\"\nkey = \"k\"\n", `customizations.sshkey[0].user: no user "a"`},
		"relative path":       {minimal + "[[customizations.files]]\npath = \"etc/x\"\n", "customizations.files[0].path: "},
		"path that climbs":    {minimal + "[[customizations.directories]]\npath = \"/etc/../x\"\n", "customizations.directories[0].path: "},
		"mode":                {minimal + "[[customizations.files]]\npath = \"/x\"\nmode = \"rw\"\n", `customizations.files[0].mode: "rw" is not an octal mode`},
		"filesystem":          {minimal + "[[customizations.filesystem]]\nmountpoint = \"/var\"\nminsize = 1\n", `customizations.filesystem[0].mountpoint: "/var": only "/"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := Read("x.toml", []byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			} else if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

func TestReadReportsAllProblems(t *testing.T) {
	_, err := Read("x.toml", []byte("distro = \"x\"\nmirror = \"y\"\n[image]\nformat = \"z\"\n"))
	for _, want := range []string{"distro: ", "mirror: ", "image.format: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "512 MiB": 512 << 20, "1GiB": 1 << 30, "1500 MB": 1500_000_000, "2 TB": 2e12, "3kB": 3000, "7 B": 7,
		"0": 0, "-1": 0, "1.5 GiB": 0, "GiB": 0, "1 iB": 0, "1 PiB": 0, "": 0,
	} {
		got, err := parseSize(text)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: got %d, %v; want %d", text, got, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(minimal))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := Read("x", data); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
