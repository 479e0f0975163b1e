package exporter

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
)

func TestCheckPrintsWarnings(t *testing.T) {
	cfg, err := config.Parse("dir/test.yml", []byte(`tenants:
  - name: prod
    base_url: http://rest.zuora.com
    oauth2: {client_id: id, client_secret_file: none}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := `tenant prod: 0 jobs from rest.zuora.com
  warning: cannot get a token: client_secret_file: no such file or directory (dir/test.yml:4)
warning: dir/test.yml:3: tenants[0].base_url: http:// sends secrets unencrypted; use https://
The configuration is valid.
`
	if os.Geteuid() == 0 {
		want += "Checked as user root: the user of the service may not be able to read the same files.\n"
	}
	var got strings.Builder
	Check(&got, cfg)
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
}

// Only what may be an API Sandbox is said to run out of its requests.
func TestCheckWarnsOfAPISandboxes(t *testing.T) {
	for host, want := range map[string]bool{
		"rest.zuora.com": false, "rest.na.zuora.com": false, "rest.test.eu.zuora.com": false,
		"rest.apisandbox.zuora.com": true, "rest.sandbox.na.zuora.com": true, "zuora.example.com": true,
	} {
		cfg, err := config.Parse("test.yml", fmt.Appendf(nil, `tenants:
  - name: t
    base_url: https://%s
    oauth2: {client_id: id, client_secret: hunter2}
    jobs: [{id: ff80808186b966950186b97922e200ab}, {id: ff80808186b966950186b97922e200ac}]
`, host))
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		Check(&got, cfg)
		if warned := strings.Contains(got.String(), "an API Sandbox runs out"); warned != want {
			t.Errorf("%s: warned %v, want %v:\n%s", host, warned, want, &got)
		}
	}
}
