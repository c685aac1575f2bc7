package lint

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/assay-os/assay/report"
)

// JSON writes the result.
func (r *Result) JSON(w io.Writer) error { return report.NewEncoder(w, "  ").Encode(r) }

// SARIF writes the findings as SARIF 2.1.0 (OASIS), every rule with its reason.
func (r *Result) SARIF(w io.Writer) error {
	type object = map[string]any
	rules := []object{}
	for _, rule := range Rules() {
		rules = append(rules, object{
			"id": rule.ID, "shortDescription": object{"text": rule.Summary}, "fullDescription": object{"text": rule.Reason},
			"help": object{"text": rule.Fix}, "defaultConfiguration": object{"level": rule.Level},
		})
	}
	results := []object{}
	for _, f := range r.Findings {
		results = append(results, object{"ruleId": f.Rule, "level": f.Level, "message": object{"text": f.text()}, "locations": locations(f)})
	}
	invocation := object{"executionSuccessful": len(r.Unjudged) == 0}
	if len(r.Unjudged) > 0 {
		notes := []object{}
		for _, u := range r.Unjudged {
			notes = append(notes, object{"level": "error", "associatedRule": object{"id": u.Rule}, "message": object{"text": u.text()}})
		}
		invocation["toolExecutionNotifications"] = notes
	}
	return report.NewEncoder(w, "  ").Encode(object{
		"$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", "version": "2.1.0",
		"runs": []object{{
			"tool":        object{"driver": object{"name": "assay lint", "informationUri": "https://github.com/assay-os/assay", "rules": rules}},
			"invocations": []object{invocation}, "results": results,
		}},
	})
}

// locations are where a finding is: a file of the image, or a name.
func locations(f Finding) []map[string]any {
	if name, ok := strings.CutPrefix(string(f.Path), "/"); ok {
		uri := (&url.URL{Path: name}).EscapedPath()
		return []map[string]any{{"physicalLocation": map[string]any{"artifactLocation": map[string]any{"uri": uri}}}}
	}
	return []map[string]any{{"logicalLocations": []map[string]any{{"name": f.Path.String()}}}}
}

// text is a finding in one line, without its level and rule.
func (f Finding) text() string {
	if f.Path == "" {
		return f.Message
	}
	return f.Path.String() + ": " + f.Message
}

func (u Unjudged) text() string {
	return fmt.Sprintf("not judged: section %s: %s", u.Section, u.Reason)
}

// The elements of JUnit's XML, as CI servers read it.
type (
	suite struct {
		XMLName  xml.Name `xml:"testsuite"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Cases    []test   `xml:"testcase"`
	}
	test struct {
		Class   string   `xml:"classname,attr"`
		Name    string   `xml:"name,attr"`
		Failure *problem `xml:"failure"`
		Error   *problem `xml:"error"`
		Output  string   `xml:"system-out,omitempty"`
	}
	problem struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes one test a rule: it fails where a finding of the level or worse is
// there, and is an error where the rule could not look.
func (r *Result) JUnit(w io.Writer, failOn Level) error {
	out := suite{Name: "assay lint"}
	for _, rule := range Rules() {
		t := test{Class: "assay.lint", Name: rule.ID}
		var lines []string
		for _, f := range r.Findings {
			if f.Rule == rule.ID {
				lines = append(lines, report.Printable(f.text()))
			}
		}
		switch text := strings.Join(lines, "\n"); {
		case len(lines) > 0 && rule.Level.AtLeast(failOn):
			t.Failure = &problem{Message: fmt.Sprintf("%s (%d times); %s", rule.Summary, len(lines), rule.Fix), Text: text}
			out.Failures++
		default:
			t.Output = text
		}
		for _, u := range r.Unjudged {
			if u.Rule == rule.ID {
				t.Error = &problem{Message: report.Printable(u.text())}
				out.Errors++
			}
		}
		out.Cases = append(out.Cases, t)
	}
	out.Tests = len(out.Cases)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
