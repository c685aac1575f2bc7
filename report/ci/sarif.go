package ci

import (
	"io"
	"net/url"
	"strings"

	"github.com/assay-os/assay/report"
)

// A Scan is a list of findings of one tool.
type Scan struct {
	// Tool is the command's name.
	Tool    string
	Rules   []Rule
	Results []Result
	// Notifications say what could not be looked at; with one the scan has not succeeded.
	Notifications []Notification
}

// A Rule is a kind of finding. Reason, Fix and Level may be empty.
type Rule struct{ ID, Summary, Reason, Fix, Level string }

// A Result is one finding. Level is "error", "warning" or "note". Path is a file of the image
// where it is absolute, else a name; empty for nowhere.
type Result struct {
	Rule, Level, Text string
	Path              report.Raw
}

// A Notification is a rule that could not look, and why.
type Notification struct{ Rule, Text string }

type object = map[string]any

// SARIF writes the scan as SARIF 2.1.0 (OASIS).
func (s *Scan) SARIF(w io.Writer) error {
	rules, results := []object{}, []object{}
	for _, r := range s.Rules {
		rules = append(rules, r.object())
	}
	for _, r := range s.Results {
		results = append(results, r.object())
	}
	run := object{"tool": object{"driver": object{"name": s.Tool, "informationUri": "https://github.com/assay-os/assay", "rules": rules}}, "results": results}
	if len(s.Notifications) > 0 {
		notes := []object{}
		for _, n := range s.Notifications {
			notes = append(notes, object{"level": "error", "associatedRule": object{"id": n.Rule}, "message": text(n.Text)})
		}
		run["invocations"] = []object{{"executionSuccessful": false, "toolExecutionNotifications": notes}}
	}
	return report.NewEncoder(w, "  ").Encode(object{
		"$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", "version": "2.1.0", "runs": []object{run},
	})
}

func (r Rule) object() object {
	out := object{"id": r.ID, "shortDescription": text(r.Summary)}
	if r.Reason != "" {
		out["fullDescription"] = text(r.Reason)
	}
	if r.Fix != "" {
		out["help"] = text(r.Fix)
	}
	if r.Level != "" {
		out["defaultConfiguration"] = object{"level": r.Level}
	}
	return out
}

func (r Result) object() object {
	out := object{"ruleId": r.Rule, "level": r.Level, "message": text(r.Text)}
	if name, ok := strings.CutPrefix(string(r.Path), "/"); ok {
		uri := (&url.URL{Path: name}).EscapedPath()
		out["locations"] = []object{{"physicalLocation": object{"artifactLocation": object{"uri": uri}}}}
	} else if r.Path != "" {
		out["locations"] = []object{{"logicalLocations": []object{{"name": report.Printable(r.Path.String())}}}}
	}
	return out
}

func text(s string) object { return object{"text": lines(s)} }

// lines makes each line of a text printable.
func lines(s string) string {
	list := strings.Split(s, "\n")
	for i := range list {
		list[i] = report.Printable(list[i])
	}
	return strings.Join(list, "\n")
}
