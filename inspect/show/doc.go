// Package show writes one report for those who read it: as a page of text for
// a terminal, as a page for a browser, and as mtree(5).
//
// The text and the HTML page say the same, since both are made of one page
// model (page.go): a part for each question that people ask, in the order in
// which they ask. What a part says is decided from the report alone, so that a
// saved report shows as its image does.
//
// Everything in a report may be hostile: in text no control or format
// character of an image reaches the terminal; in HTML its text is data, never markup.
//
// The package reads no image, no clock and no environment. Software bills of
// materials are package inspect/sbom's; the canonical document and its lines
// are package report's.
package show
