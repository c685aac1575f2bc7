package assemblers

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/assay-os/assay/build/step"
)

//go:embed org.osbuild.noop.json
var noopSchema []byte

//go:embed org.osbuild.error.json
var errorSchema []byte

func noopAssembler() *step.Definition {
	return &step.Definition{
		Name:        "org.osbuild.noop",
		Kind:        step.Assembler,
		Summary:     "Do nothing",
		Description: "Leaves the output empty, whatever the options.\n\n```json\n{}\n```",
		Schema:      noopSchema,
		Inputs:      takesTree("not looked at"),
		Since:       "0.1.0",
		Run:         func(context.Context, *step.Context) error { return nil },
	}
}

func errorAssembler() *step.Definition {
	return &step.Definition{
		Name:        "org.osbuild.error",
		Kind:        step.Assembler,
		Summary:     "Fail",
		Description: "Fails with the given code, to try out how failures are told.\n\n```json\n{\"returncode\": 3}\n```",
		Schema:      errorSchema,
		Inputs:      takesTree("not looked at"),
		Since:       "0.1.0",
		Run:         withOptions(fail),
	}
}

type errorOptions struct {
	Code *float64 `json:"returncode"`
}

func fail(_ context.Context, _ *step.Context, o errorOptions) error {
	code := 255.0
	if o.Code != nil {
		code = *o.Code
	}
	return fmt.Errorf("fail as asked, with code %v", code)
}
