package main

// version is the release's number. It is a constant, so that equal sources give equal binaries.
const version = "0.1.0"
