package resolve

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// A package name of Debian policy 5.6.1, and a version with an optional * at
// its end. A name must not end in "-": for apt that means "remove".
var (
	packageName    = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]*[a-z0-9+.]$`)
	packageVersion = regexp.MustCompile(`^[A-Za-z0-9.+:~-]*\*?$`)
	uuidForm       = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	octalMode      = regexp.MustCompile(`^0?[0-7]{3,4}$`)
)

// A checker gathers what is wrong.
type checker struct{ list []Problem }

func (c *checker) add(path, format string, args ...any) {
	c.list = append(c.list, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// check finds what the form of the document does not show. What a stage's
// schema refuses is the manifest's matter and is not repeated here.
func check(b *Blueprint) []Problem {
	var c checker
	if _, err := loadDistro(b.Distro); err != nil {
		c.add("distro", "%s", strings.TrimPrefix(err.Error(), "distro: "))
	}
	c.image(&b.Image)
	c.mirror("mirror", b.Mirror, true)
	c.mirror("security_mirror", b.SecurityMirror, false)
	for i, p := range append(b.Packages[:len(b.Packages):len(b.Packages)], b.Modules...) {
		c.pkg(fmt.Sprintf("packages[%d]", i), p)
	}
	c.users(&b.Customizations)
	c.content(&b.Customizations)
	for i, fs := range b.Customizations.Filesystems {
		c.filesystem(fmt.Sprintf("customizations.filesystem[%d]", i), fs)
	}
	return c.list
}

func (c *checker) image(img *Image) {
	if img.Size != "" {
		if _, err := parseSize(img.Size); err != nil {
			c.add("image.size", "%v", err)
		}
	}
	if img.Format != "" && img.Format != "raw" && img.Format != "qcow2" {
		c.add("image.format", "%q is not one of raw, qcow2", img.Format)
	}
	c.uuid("image.disk_uuid", img.DiskUUID)
	c.uuid("image.root_uuid", img.RootUUID)
}

func (c *checker) uuid(path, id string) {
	if id != "" && !uuidForm.MatchString(id) {
		c.add(path, "%q is not a UUID in lower case", id)
	}
}

func (c *checker) mirror(path, url string, hostAllowed bool) {
	switch {
	case url == "" && !hostAllowed, url == "host" && hostAllowed:
	case url == "":
		c.add(path, `is missing: "host" for this machine's apt sources, or the URL of an archive`)
	case strings.ContainsAny(url, " \t\n\r[]\"'#"):
		c.add(path, "%q is not a URL", url)
	default:
		scheme, rest, _ := strings.Cut(url, "://")
		if (scheme != "http" && scheme != "https" && scheme != "file") || rest == "" {
			c.add(path, "%q is not an http, https or file URL", url)
		}
	}
}

func (c *checker) pkg(path string, p Package) {
	if !packageName.MatchString(p.Name) {
		c.add(path+".name", "%q is no name of a Debian package", p.Name)
	}
	if !packageVersion.MatchString(p.Version) {
		c.add(path+".version", "%q is no version", p.Version)
	}
}

func (c *checker) users(custom *Customizations) {
	seen := map[string]bool{"root": true}
	for i, u := range custom.Users {
		at := fmt.Sprintf("customizations.user[%d]", i)
		if u.Name == "" {
			c.add(at+".name", "is missing")
		}
		if u.Password != "" && !strings.HasPrefix(u.Password, "$") && !strings.HasPrefix(u.Password, "!") && u.Password != "*" {
			c.add(at+".password", "must be a crypt(5) hash; make one with: openssl passwd -6")
		}
		seen[u.Name] = true
	}
	for i, k := range custom.SSHKeys {
		if !seen[k.User] {
			c.add(fmt.Sprintf("customizations.sshkey[%d].user", i), "no user %q in customizations.user", k.User)
		}
	}
}

func (c *checker) content(custom *Customizations) {
	for i, d := range custom.Directories {
		c.node(fmt.Sprintf("customizations.directories[%d]", i), d.Path, d.Mode)
	}
	for i, f := range custom.Files {
		c.node(fmt.Sprintf("customizations.files[%d]", i), f.Path, f.Mode)
	}
}

func (c *checker) node(at, name, mode string) {
	if !path.IsAbs(name) || path.Clean(name) != name || name == "/" {
		c.add(at+".path", "%q is not a clean absolute path", name)
	}
	if mode != "" && !octalMode.MatchString(mode) {
		c.add(at+".mode", "%q is not an octal mode", mode)
	}
}

func (c *checker) filesystem(at string, fs Filesystem) {
	if fs.Mountpoint != "/" {
		c.add(at+".mountpoint", `%q: only "/" can have a filesystem of its own`, fs.Mountpoint)
	}
	if _, err := parseSize(fmt.Sprint(fs.MinSize)); err != nil {
		c.add(at+".minsize", "%v", err)
	}
}

// parseSize reads a number of bytes, with a unit or without.
func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "kKMGTiB ")
	unit := strings.TrimSpace(strings.TrimPrefix(s, digits))
	factor, ok := sizeUnits(unit)
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || n <= 0 || n > math.MaxInt64/factor {
		return 0, fmt.Errorf(`%q is no size: a positive number of bytes, or as "1 GiB", "1500 MB"`, s)
	}
	return n * factor, nil
}

func sizeUnits(unit string) (int64, bool) {
	switch unit {
	case "", "B":
		return 1, true
	case "kB", "KB":
		return 1000, true
	case "KiB":
		return 1 << 10, true
	case "MB":
		return 1000_000, true
	case "MiB":
		return 1 << 20, true
	case "GB":
		return 1000_000_000, true
	case "GiB":
		return 1 << 30, true
	case "TB":
		return 1000_000_000_000, true
	case "TiB":
		return 1 << 40, true
	}
	return 1, false
}
