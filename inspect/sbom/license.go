package sbom

import (
	"crypto/sha256"
	"fmt"

	"github.com/github/go-spdx/v2/spdxexp"
)

// A license is what a package database says of one. Expression is set where
// that is an expression of SPDX's identifiers; else only Text is. Both are empty
// where the database says nothing.
type license struct{ Expression, Text string }

// maxExpression bounds what is parsed; real ones have a few hundred bytes.
const maxExpression = 2000

func licenseOf(text string) license {
	if text == "" || len(text) > maxExpression {
		return license{Text: valid(text)}
	}
	// Identifiers are told apart by letters alone, expressions are ASCII.
	if ok, _ := spdxexp.ValidateLicenses([]string{text}); ok {
		return license{Expression: text, Text: text}
	}
	return license{Text: valid(text)}
}

// ref is an identifier for a license that SPDX has none for.
func (l license) ref() string {
	return fmt.Sprintf("LicenseRef-%x", sha256.Sum256([]byte(l.Text)))[:len("LicenseRef-")+16]
}
