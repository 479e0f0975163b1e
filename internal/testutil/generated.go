package testutil

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Update is true if the tests are to write files instead of comparing them.
var Update = flag.Bool("update", false, "write the files that tests compare anew")

// Generated compares a file of the repository with the content that it should
// have, or writes it if Update is true.
func Generated(t testing.TB, want string, elem ...string) {
	t.Helper()
	file := Path(elem...)
	if *Update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, Read(t, elem...)); diff != "" {
		t.Errorf("%s is stale: run its test with -update and look at git diff (-want +got):\n%s", file, diff)
	}
}
