package report

// The sections below are embedded by theme: each field is one section, whose name
// is the field's in JSON with "-" for "_". They say in the words of what they
// describe what is read from files of the same subject, so they explain a
// difference and never make one: see docs/verdicts.md, rule "derived".
