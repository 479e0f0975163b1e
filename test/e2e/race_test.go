//go:build race

package e2e

// The binary has the race detector if the tests have it.
var buildFlags = []string{"-race"}
