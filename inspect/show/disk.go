package show

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// identity tells what the subject is.
func identity(p *page, r *report.Report) {
	unnamed := "no operating system that tells its name"
	if r.Sections["os-release"].Status == report.Unread {
		unnamed = "an operating system whose name was not read"
	}
	p.Title = cmp.Or(r.OSRelease["PRETTY_NAME"], r.OSRelease["NAME"], unnamed)
	p.Facts = append(p.Facts, r.Subject.Kind)
	if r.Subject.Format != "" && r.Subject.Format != r.Subject.Kind {
		p.Facts = append(p.Facts, r.Subject.Format)
	}
	if r.Disk != nil && r.Disk.Filesystem != nil {
		p.Facts = append(p.Facts, r.Disk.Filesystem.Type)
	}
	if r.Disk != nil {
		p.Facts = append(p.Facts, Bytes(r.Disk.Size))
	}
}

// disk tells what stands where.
func disk(r *report.Report) part {
	if r.Disk == nil || len(r.Disk.Partitions)+len(r.Disk.Mapped) == 0 {
		return part{}
	}
	p := part{Heading: "Partitions (" + r.Disk.PartitionTable + ")", Strip: len(r.Disk.Partitions) > 0}
	t := table{Heads: []string{">#", ">size", "filesystem", "mounted on", "label"}}
	for _, x := range r.Disk.Partitions {
		fs, at := filesystem(x.Filesystem)
		t.Rows = append(t.Rows, row(fmt.Sprint(x.Index), Bytes(x.Size), fs, at, label(x)))
	}
	p.table(t)
	t = table{Heads: []string{"device", "type", ">size", "filesystem", "mounted on", "stands on"}}
	for _, x := range r.Disk.Mapped {
		fs, at := filesystem(x.Filesystem)
		t.Rows = append(t.Rows, row(x.Name, x.Type, Bytes(x.Size), fs, at, strings.Join(x.Members, ", ")))
	}
	p.table(t)
	return p
}

// label is the partition's own, else that of its filesystem.
func label(p report.Partition) string {
	if p.Label == "" && p.Filesystem != nil {
		return p.Filesystem.Label
	}
	return p.Label
}

func filesystem(f *report.Filesystem) (kind, at string) {
	if f == nil {
		return "none", ""
	}
	return f.Type, f.Mountpoint
}

// container tells how an image is run.
func container(r *report.Report) part {
	c := r.Container
	if c == nil {
		return part{}
	}
	p := part{Heading: "How the container runs"}
	platform := cmp.Or(c.OS, "unknown") + "/" + cmp.Or(c.Architecture, "unknown")
	if c.Variant != "" {
		platform += "/" + c.Variant
	}
	p.facts(
		fact{Label: "platform", Value: text(platform)},
		fact{Label: "user", Value: text(cmp.Or(c.User, "root"))},
		fact{Label: "entrypoint", Value: text(strings.Join(c.Entrypoint, " "))},
		fact{Label: "command", Value: text(strings.Join(c.Cmd, " "))},
		fact{Label: "environment", Names: c.Env},
		fact{Label: "ports", Names: c.ExposedPorts},
		fact{Label: "volumes", Names: c.Volumes},
		fact{Label: "made", Value: text(cmp.Or(c.Created, "at an unknown time") + ", in " + count(c.Layers, "layer"))},
	)
	var labels []fact
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		labels = append(labels, fact{Label: "label", Value: text(name + "=" + c.Labels[name])})
	}
	p.facts(labels...)
	return p
}
