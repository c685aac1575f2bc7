package settings

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func containers() section.Section {
	return section.Section{
		Name: "containers", Source: "containers/{storage,registries,containers}.conf in /etc and /usr/share, /etc/containers/registries.conf.d/*.conf",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			names, err := files(t, "/usr/share/containers/storage.conf", "/etc/containers/storage.conf", "/usr/share/containers/containers.conf",
				"/etc/containers/containers.conf", "/etc/containers/registries.conf", "/etc/containers/registries.conf.d/*.conf")
			if err != nil {
				return err
			}
			if len(names) == 0 {
				return section.Absent("no configuration of containers")
			}
			v := values{}
			for _, name := range names {
				if err := v.toml(t, name); err != nil {
					return err
				}
			}
			r.Containers = v.sorted()
			return nil
		},
	}
}

// toml adds the values of one file, "storage.conf storage.driver".
func (v values) toml(t *tree.Tree, name string) error {
	data, err := t.ReadFile(name, section.MaxConfig)
	if err != nil {
		return err
	}
	var doc map[string]any
	if err := toml.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return section.Within(name, v.table(base(name), "", doc, name, 0))
}

// maxNesting bounds the tables within tables of one file.
const maxNesting = 64

func (v values) table(prefix, key string, value any, source string, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("more than %d levels", maxNesting)
	}
	m, ok := value.(map[string]any)
	if !ok {
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		v.set(prefix+key, strings.Trim(string(text), `"`), source)
		return nil
	}
	for name, inner := range m {
		if key != "" {
			name = key + "." + name
		}
		if err := v.table(prefix, name, inner, source, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func containerImages() section.Section {
	return section.Section{
		Name: "container-images", Source: "{overlay,vfs,btrfs}-images/images.json in /var/lib/containers/storage and /usr/share/containers/storage", Oracle: "",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			names, err := files(t, "/var/lib/containers/storage/*-images/images.json", "/usr/share/containers/storage/*-images/images.json")
			if err != nil {
				return err
			}
			if len(names) == 0 {
				return section.Absent("no storage of containers")
			}
			for _, name := range names {
				data, err := t.ReadFile(name, section.MaxTable)
				if err != nil {
					return err
				}
				var images []struct {
					ID    string   `json:"id"`
					Names []string `json:"names"`
				}
				if err := json.Unmarshal(data, &images); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				for _, i := range images {
					slices.Sort(i.Names)
					r.ContainerImages = append(r.ContainerImages, report.ContainerImage{ID: i.ID, Names: i.Names, Source: name})
				}
			}
			slices.SortStableFunc(r.ContainerImages, func(a, b report.ContainerImage) int { return cmp.Compare(a.ID, b.ID) })
			return nil
		},
	}
}

func quadlets() section.Section {
	return section.Section{
		Name: "quadlets", Source: "*.{container,volume,network,kube,image,pod,build} in /etc/containers/systemd and /usr/share/containers/systemd",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			for _, kind := range []string{"build", "container", "image", "kube", "network", "pod", "volume"} {
				units, err := section.Dropins(t, "*."+kind, "/etc/containers/systemd", "/usr/share/containers/systemd")
				if err != nil {
					return err
				}
				for _, f := range units {
					q, err := quadlet(t, f)
					if err != nil {
						return err
					}
					r.Quadlets = append(r.Quadlets, q)
				}
			}
			if len(r.Quadlets) == 0 {
				return section.Absent("no quadlet")
			}
			slices.SortStableFunc(r.Quadlets, func(a, b report.Quadlet) int { return cmp.Compare(a.Name, b.Name) })
			return nil
		},
	}
}

func quadlet(t *tree.Tree, f *tree.File) (report.Quadlet, error) {
	q := report.Quadlet{Name: f.Name(), Source: f.Path}
	data, err := t.ReadFile(f.Path, section.MaxConfig)
	if err != nil {
		return q, err
	}
	unit, err := keyfile.Parse(data, keyfile.Systemd())
	if err != nil {
		return q, fmt.Errorf("%s: %w", f.Path, err)
	}
	for _, kind := range []string{"Container", "Image", "Volume"} {
		if image, ok := unit.Last(kind, "Image"); ok {
			q.Image = image
		}
	}
	return q, nil
}
