package network

import (
	"fmt"
	"strings"

	"github.com/assay-os/assay/inspect/section"
)

// A webServer is a program whose configuration names ports by one keyword.
type webServer struct {
	units   []string
	files   []string
	keyword string
	// otherwise is the port where nothing is named.
	otherwise string
}

// webServers: Apache's Listen, nginx' listen, lighttpd's server.port.
func webServers() []webServer {
	return []webServer{
		{[]string{"apache2.service"}, []string{"/etc/apache2/ports.conf"}, "Listen", ""},
		{[]string{"httpd.service"}, []string{"/etc/httpd/conf/httpd.conf", "/etc/httpd/conf.d/*.conf"}, "Listen", ""},
		{[]string{"nginx.service"}, []string{"/etc/nginx/nginx.conf", "/etc/nginx/conf.d/*.conf", "/etc/nginx/sites-enabled/*"}, "listen", ""},
		{[]string{"lighttpd.service"}, []string{"/etc/lighttpd/lighttpd.conf"}, "server.port", "80"},
	}
}

// maxServerFiles bounds the files of one server.
const maxServerFiles = 1024

func (l *listeners) servers() error {
	for _, s := range webServers() {
		name, enabled, err := l.unit(s.units...)
		if err != nil {
			return err
		}
		if name == "" {
			continue
		}
		found := map[string]string{}
		for _, pattern := range s.files {
			if err := l.ports(pattern, s.keyword, found); err != nil {
				return err
			}
		}
		if len(found) == 0 && s.otherwise != "" {
			found[s.otherwise] = "the default"
		}
		for port, source := range found {
			l.add(serverAddress(port), name, source, enabled)
		}
	}
	return nil
}

// serverAddress is "tcp PORT" or "tcp ADDRESS:PORT", or "unix PATH".
func serverAddress(value string) string {
	if path, ok := strings.CutPrefix(value, "unix:"); ok {
		return "unix " + path
	}
	if !strings.ContainsAny(value, ":") && strings.Trim(value, "0123456789") != "" {
		value += ":80" // an address alone
	}
	return "tcp " + value
}

// ports finds the lines "KEYWORD VALUE" or "KEYWORD = VALUE".
func (l *listeners) ports(pattern, keyword string, found map[string]string) error {
	files, err := l.tree.Glob(pattern)
	if err != nil {
		return err
	}
	if len(files) > maxServerFiles {
		return fmt.Errorf("%s: more than %d files", pattern, maxServerFiles)
	}
	for _, f := range files {
		data, err := l.tree.ReadFile(f.Path, section.MaxConfig)
		if err != nil {
			if unless(err) == nil {
				continue
			}
			return err
		}
		err = section.EachTableLine(data, func(n int, line string) error {
			w := strings.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune(" \t=;", c) })
			if len(w) > 1 && w[0] == keyword {
				found[w[1]] = fmt.Sprintf("%s:%d", f.Path, n)
			}
			return nil
		})
		if err != nil {
			return section.Within(f.Path, err)
		}
	}
	return nil
}
