package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// container tells how an image is run.
func (p *page) container() {
	c := p.r.Container
	if c == nil {
		return
	}
	p.heading("How the container runs")
	platform := cmp.Or(c.OS, "unknown") + "/" + cmp.Or(c.Architecture, "unknown")
	if c.Variant != "" {
		platform += "/" + c.Variant
	}
	p.line("  platform        %s", platform)
	p.line("  user            %s", cmp.Or(c.User, "root"))
	for _, list := range []struct {
		name  string
		words []string
	}{
		{"entrypoint", c.Entrypoint}, {"command", c.Cmd}, {"environment", c.Env}, {"ports", c.ExposedPorts}, {"volumes", c.Volumes},
	} {
		if len(list.words) > 0 {
			p.line("  %-15s %s", list.name, strings.Join(list.words, " "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		p.line("  label           %s=%s", name, c.Labels[name])
	}
	p.line("  made            %s, in %s", cmp.Or(c.Created, "at an unknown time"), count(c.Layers, "layer"))
}
