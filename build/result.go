package build

import (
	"encoding/json"
	"errors"
	"maps"

	"github.com/assay-os/assay/build/manifest"
)

// Document is the result in the shape that osbuild prints for the manifest's
// version, with one more member, "assay", for what osbuild does not know. Err
// is what Build returned.
func (r *Result) Document(err error) any {
	if r.Plan.Manifest.Version == "1" {
		return r.documentV1()
	}
	if err != nil {
		return map[string]any{"type": "error", "success": false, "error": errorDocument(err), "assay": r.extra()}
	}
	metadata, log := map[string]map[string]json.RawMessage{}, map[string][]stageDocument{}
	for _, o := range r.Outcomes {
		name := o.Step.Pipeline.Name
		log[name] = append(log[name], newStageDocument(o))
		if o.Metadata != nil {
			if metadata[name] == nil {
				metadata[name] = map[string]json.RawMessage{}
			}
			metadata[name][o.Step.Type] = o.Metadata
		}
	}
	return map[string]any{"type": "result", "success": true, "metadata": metadata, "log": log, "assay": r.extra()}
}

// A stageDocument is one step in a result.
type stageDocument struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Output   string          `json:"output"`
	Success  bool            `json:"success"`
	Error    any             `json:"error,omitempty"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
	Cached   bool            `json:"cached"`
}

func newStageDocument(o *Outcome) stageDocument {
	d := stageDocument{ID: o.Step.ID, Type: o.Step.Type, Output: o.Output, Success: o.Err == nil, Metadata: o.Metadata, Cached: o.Cached}
	if o.Err != nil {
		d.Error = map[string]any{"type": "exception", "details": map[string]any{"value": reason(o.Err)}}
	}
	return d
}

// reason is why a step failed, without the step's name around it.
func reason(err error) string {
	var failed *StepError
	if errors.As(err, &failed) {
		return failed.Err.Error()
	}
	return err.Error()
}

func errorDocument(err error) any {
	var failed *StepError
	var missing *SourceError
	switch {
	case errors.As(err, &failed):
		s := map[string]any{"id": failed.Step.ID, "type": failed.Step.Type, "output": failed.Tail, "error": reason(err)}
		return map[string]any{"type": "org.osbuild.error.stage", "details": map[string]any{"stage": s}}
	case errors.As(err, &missing):
		s := map[string]any{"type": "org.osbuild.curl", "output": missing.Err.Error()}
		return map[string]any{"type": "org.osbuild.error.source", "details": map[string]any{"source": s}}
	}
	return map[string]any{"type": "dev.assay.error", "details": map[string]any{"message": err.Error()}}
}

// An extraDocument is what osbuild's results do not have.
type extraDocument struct {
	HostDependent bool `json:"host_dependent"`
	// Pipelines are the digests of the outputs that were made.
	Pipelines map[string]string `json:"pipelines"`
	Exports   []string          `json:"exports"`
}

func (r *Result) extra() extraDocument {
	x := extraDocument{HostDependent: r.HostDependent, Pipelines: map[string]string{}, Exports: r.Plan.Exports}
	for name, tree := range r.Trees {
		x.Pipelines[name] = tree.Digest
	}
	return x
}

// documentV1 is the nested form: build pipelines inside of those that use them.
func (r *Result) documentV1() map[string]any {
	doc := map[string]any{"success": r.Success, "assay": r.extra()}
	byPipeline := map[string][]stageDocument{}
	for _, o := range r.Outcomes {
		name := o.Step.Pipeline.Name
		byPipeline[name] = append(byPipeline[name], newStageDocument(o))
	}
	for _, pl := range r.Plan.Manifest.Pipelines {
		if steps := byPipeline[pl.Name]; len(pl.Steps) == 1 && pl.Steps[0].Assembler && len(steps) == 1 {
			doc["assembler"] = steps[0]
		}
	}
	for _, pl := range r.Plan.Manifest.Pipelines {
		if !isAssembler(pl) && !usedAsRoot(r.Plan.Manifest, pl) {
			maps.Copy(doc, r.pipelineV1(pl, byPipeline))
		}
	}
	doc["success"] = r.Success
	return doc
}

func isAssembler(pl *manifest.Pipeline) bool { return len(pl.Steps) == 1 && pl.Steps[0].Assembler }

func usedAsRoot(m *manifest.Manifest, pl *manifest.Pipeline) bool {
	for _, other := range m.Pipelines {
		if other.Build == pl.Name {
			return true
		}
	}
	return false
}

func (r *Result) pipelineV1(pl *manifest.Pipeline, steps map[string][]stageDocument) map[string]any {
	doc := map[string]any{"success": true}
	if len(steps[pl.Name]) > 0 {
		doc["stages"] = steps[pl.Name]
		doc["success"] = steps[pl.Name][len(steps[pl.Name])-1].Success
	}
	for _, other := range r.Plan.Manifest.Pipelines {
		if other.Name == pl.Build {
			doc["build"] = r.pipelineV1(other, steps)
		}
	}
	return doc
}
