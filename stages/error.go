package stages

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/assay-os/assay/build/step"
)

//go:embed error.json
var errorSchema json.RawMessage

// failure is org.osbuild.error; the predeclared error stays what it is.
func failure() step.Definition {
	return step.Definition{
		Name:        "org.osbuild.error",
		Kind:        step.Stage,
		Summary:     "Fail",
		Description: "Fails, for trying out what a failure does. A return code of 0 is a success, and only the low eight bits count, as with any program.",
		Schema:      errorSchema,
		Since:       since,
		Run:         with(fail),
	}
}

type errorOptions struct {
	ReturnCode *int `json:"returncode"`
}

func fail(c *step.Context, o errorOptions) error {
	code := or(o.ReturnCode, 255)
	tell(c, "the error stage returns %d", code)
	if code&0xff == 0 {
		return nil
	}
	return fmt.Errorf("the error stage returned %d, as it was told to", code)
}
