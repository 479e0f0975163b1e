package exporter

import (
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
