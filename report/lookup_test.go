package report

import "testing"

func TestResolve(t *testing.T) {
	r := &Report{Files: []Entry{
		{Path: "/", Type: Directory}, {Path: "/bin", Type: Symlink, Target: "usr/bin"}, {Path: "/loop", Type: Symlink, Target: "/loop"},
		{Path: "/out", Type: Symlink, Target: "/run/x"}, {Path: "/usr", Type: Directory}, {Path: "/usr/bin", Type: Directory}, {Path: "/usr/bin/sh", Type: Symlink, Target: "../bin/./dash"},
		{Path: "/usr/bin/dash", Type: File}, {Path: "/left/out/file", Type: File}, {Path: "partition 3:/EFI", Type: Directory},
	}}
	sortByPath(r.Files)
	for _, c := range []struct {
		name  string
		last  bool
		place string
		there bool
	}{
		{"/", true, "/", true},
		{"/bin/sh", false, "/usr/bin/sh", true},
		{"/bin/sh", true, "/usr/bin/dash", true},
		{"/bin", false, "/bin", true},
		{"/../bin//../bin/sh/", true, "/usr/bin/dash", true},
		{"/usr/no/more", true, "/usr/no", false},
		{"/left/out/file", true, "/left/out/file", true},
		{"/left/no/file", true, "/left", false},
		{"/out", true, "/run", false},
		{"/loop", true, "", false},
		{"/loop", false, "/loop", true},
		{"partition 3:/EFI", true, "partition 3:/EFI", true},
		{"partition 3:/no", true, "partition 3:/no", false},
	} {
		if place, e := r.Resolve(c.name, c.last); place != c.place || (e != nil) != c.there {
			t.Errorf("%s, %t: %q, %v", c.name, c.last, place, e)
		}
	}
}

func sortByPath(files []Entry) {
	for i := range files {
		for j := range files[:i] {
			if files[i].Path < files[j].Path {
				files[i], files[j] = files[j], files[i]
			}
		}
	}
}
