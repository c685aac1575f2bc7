package resolve

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/assay-os/assay/assemblers/layout"
)

// A document is osbuild's manifest, version 2 (OSBuild, schemas/osbuild2.json).
type document struct {
	Version   string              `json:"version"`
	Pipelines []pipeline          `json:"pipelines"`
	Sources   map[string]contents `json:"sources"`
}

type pipeline struct {
	Name        string  `json:"name"`
	Build       string  `json:"build,omitempty"`
	SourceEpoch int64   `json:"source-epoch"`
	Stages      []stage `json:"stages"`
}

type stage struct {
	Type    string           `json:"type"`
	Options any              `json:"options,omitempty"`
	Inputs  map[string]input `json:"inputs,omitempty"`
}

type input struct {
	Type       string `json:"type"`
	Origin     string `json:"origin"`
	References any    `json:"references"`
}

type contents struct {
	Items map[string]any `json:"items"`
}

// options is an options object; encoding/json sorts its keys.
type options map[string]any

// document writes the manifest.
func (p *plan) document() ([]byte, error) {
	doc := document{Version: "2", Sources: p.sources()}
	epoch := p.epoch.Unix()
	add := func(name, build string, stages ...stage) {
		doc.Pipelines = append(doc.Pipelines, pipeline{name, build, epoch, stages})
	}
	add("build", "", unpackStage(p.build))
	add("os", "name:build", p.systemStages()...)
	add("image", "name:build", p.diskStage())
	if p.blueprint.Image.Format == "qcow2" {
		add("qcow2", "name:build", qcow2Stage())
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("write manifest: %w", err)
	}
	return out.Bytes(), nil
}

func (p *plan) sources() map[string]contents {
	curl := contents{map[string]any{}}
	for _, list := range [][]Pinned{p.build, p.system} {
		for _, x := range list {
			curl.Items["sha256:"+x.SHA256] = x.URL
		}
	}
	sources := map[string]contents{"org.osbuild.curl": curl}
	if files := p.blueprint.Customizations.Files; len(files) > 0 {
		inline := contents{map[string]any{}}
		for _, f := range files {
			id, item := inlineItem(f.Data)
			inline.Items[id] = item
		}
		sources["org.osbuild.inline"] = inline
	}
	return sources
}

func packagesInput(pins []Pinned) map[string]input {
	refs := make([]string, len(pins))
	for i, x := range pins {
		refs[i] = "sha256:" + x.SHA256
	}
	return map[string]input{"packages": {"org.osbuild.files", "org.osbuild.source", refs}}
}

func unpackStage(pins []Pinned) stage {
	return stage{Type: "dev.assay.debs", Options: options{"mode": "unpack"}, Inputs: packagesInput(pins)}
}

func treeInput(pipeline string) map[string]input {
	return map[string]input{"tree": {"org.osbuild.tree", "org.osbuild.pipeline", []string{"name:" + pipeline}}}
}

// diskStage lays out the disk: a place for GRUB's core, then the root
// filesystem to the end.
func (p *plan) diskStage() stage {
	disk := layout.Layout{
		Label: layout.GPT, UUID: p.ids.disk, Size: p.size,
		Partitions: []layout.Partition{
			{Type: "bios-boot", UUID: p.ids.bootPartition, Size: mebibyte},
			{Type: "linux", UUID: p.ids.rootPartition, Filesystem: &layout.Filesystem{
				Type: p.distro.RootFilesystem, UUID: p.ids.root, Label: "root", Mountpoint: "/",
			}},
		},
	}
	return stage{
		Type: "dev.assay.disk",
		Options: options{
			"filename": "disk.raw", "layout": disk,
			"bootloader": options{"type": "grub2", "platform": "i386-pc", "prefix": "/boot/grub"},
		},
		Inputs: treeInput("os"),
	}
}

func qcow2Stage() stage {
	return stage{
		Type:    "org.osbuild.qemu",
		Options: options{"filename": "disk.qcow2", "format": options{"type": "qcow2", "compression": false}},
		Inputs: map[string]input{"image": {
			"org.osbuild.files", "org.osbuild.pipeline", options{"name:image": options{"file": "disk.raw"}},
		}},
	}
}
