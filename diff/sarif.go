package diff

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/assay-os/assay/report"
)

// The parts of SARIF 2.1.0 (OASIS) that a list of findings needs.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string       `json:"id"`
		Short sarifMessage `json:"shortDescription"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		Rule      string          `json:"ruleId"`
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
)

// The ids of what a comparison finds.
const (
	sarifDifference = "difference"
	sarifUnread     = "unread"
	sarifExplained  = "explained"
)

// SARIF writes a result as findings: an error for each change that no rule
// explains, a warning for what could not be read, a note for what a rule explains.
func (r *Result) SARIF(w io.Writer) error {
	driver := sarifDriver{Name: "assay", InformationURI: "https://github.com/assay-os/assay", Rules: []sarifRule{
		{sarifDifference, sarifMessage{"A fact differs and no rule explains it"}},
		{sarifUnread, sarifMessage{"A part of a subject could not be read"}},
		{sarifExplained, sarifMessage{"A fact differs and a rule explains it"}},
	}}
	results := []sarifResult{}
	for _, c := range r.Changes {
		results = append(results, sarifChange(c))
	}
	for _, u := range r.Unread {
		results = append(results, sarifResult{
			Rule: sarifUnread, Level: "warning",
			Message: sarifMessage{fmt.Sprintf("%s, section %s: %s", u.Side, u.Section, report.Printable(u.Reason))},
		})
	}
	return report.NewEncoder(w, "  ").Encode(sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{{sarifTool{driver}, results}},
	})
}

func sarifChange(c Change) sarifResult {
	out := sarifResult{Rule: sarifDifference, Level: "error", Message: sarifMessage{changeText(c)}}
	if c.Rule != "" {
		out.Rule, out.Level = sarifExplained, "note"
		out.Message.Text += " (" + c.Rule + ": " + report.Printable(c.Reason) + ")"
	}
	if name, ok := strings.CutPrefix(string(c.Path), "/"); ok && c.Section == "files" {
		out.Locations = []sarifLocation{{sarifPhysical{sarifArtifact{(&url.URL{Path: name}).EscapedPath()}}}}
	}
	return out
}

// changeText is a change in one line.
func changeText(c Change) string {
	text := fmt.Sprintf("%s: %s %s", owner(c), report.Printable(c.Path.String()), c.Kind)
	if c.Kind != Modified {
		return text + ": " + sideSummary(c)
	}
	for i, f := range c.Fields {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		text += fmt.Sprintf("%s%s %s → %s", sep, f, short(f, c.A[f]), short(f, c.B[f]))
	}
	return text
}
