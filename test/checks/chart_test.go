package checks

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	yamlv3 "go.yaml.in/yaml/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	corev1 "k8s.io/api/core/v1"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

const (
	chart      = "../../packaging/helm/zuora-exporter"
	probeAlone = `{existingConfigMap: a, existingSecret: b, serviceMonitor: {enabled: true}, probe: {targets: [{jobs: [ff80808186b966950186b97922e200ab]}]}}`
	goodID     = `id: ff80808186b966950186b97922e200ab`
	goodSecret = `client_secret_file: /etc/zuora-exporter-secrets/a.secret`
)

func everything(t *testing.T) string {
	t.Helper()
	return testutil.Read(t, "test/checks/testdata/everything-values.yaml")
}

// withTenant returns values with a tenant, its secret and its job.
func withTenant(secret, job string) string {
	return `config: {tenants: [{name: a, base_url: "https://h", oauth2: {client_id: b, ` + secret + `}, jobs: [` + job + `]}]}`
}

// tryRender renders the chart with values as helm template does.
func tryRender(t *testing.T, values string) (string, error) {
	t.Helper()
	c, err := loader.Load(chart)
	if err != nil {
		t.Fatal(err)
	}
	read, err := common.ReadValues([]byte(values))
	if err != nil {
		t.Fatalf("%v\n%s", err, values)
	}
	all, err := util.ToRenderValues(c, read, common.ReleaseOptions{Name: "zuora", Namespace: "default"}, nil)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(c, all)
	maps.DeleteFunc(files, func(name, _ string) bool { return filepath.Ext(name) != ".yaml" })
	return strings.Join(slices.Collect(maps.Values(files)), "\n---\n"), err
}

func render(t *testing.T, values string) string {
	t.Helper()
	manifests, err := tryRender(t, values)
	if err != nil {
		t.Fatalf("%v\n%s", err, values)
	}
	return manifests
}

// Helm's linter has no complaint, whichever values of its README the chart is
// given.
func TestHelmLint(t *testing.T) {
	values := map[string]string{"the defaults": "", "jobs by /probe alone": probeAlone, "everything": everything(t)}
	for place, block := range blocks(t) {
		if strings.HasPrefix(place, "packaging/helm/") {
			values[place] = block
		}
	}
	for name, text := range values {
		v, err := common.ReadValues([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range lint.RunAll(chart, v, "default").Messages {
			if m.Severity >= support.WarningSev {
				t.Errorf("%s: %s\n%s", name, m, text)
			}
		}
	}
}

// The chart refuses what the exporter would, and what would not reach it as it
// was written: values are YAML 1.1 to Helm, which knows numbers, not their text.
// testdata/configurations.yml has more of the first.
func TestChartRefuses(t *testing.T) {
	const id = "ff80808186b966950186b97922e200ac"
	for name, tc := range map[string]struct{ values, want string }{
		"a misspelled value":                 {`serviceMonitor: {enable: true}`, "'enable' not allowed"},
		"a value in the wrong case":          {`existingsecret: a`, "'existingsecret' not allowed"},
		"two sources of secrets":             {`{secrets: {a: b}, existingSecret: c}`, "not both"},
		"no configuration":                   {`config: null`, "missing property 'config'"},
		"an id of digits":                    {withTenant(goodSecret, "{id: 12345678901234567890123456789012}"), "got number, want string"},
		"a label that is a number":           {withTenant(goodSecret, "{"+goodID+", labels: {wave: 01}}"), "got number, want null or string"},
		"a secret that is a number":          {withTenant("client_secret: 0x1F", ""), "got number, want string"},
		"a secret's file that is a number":   {`secrets: {a: 1e3}`, "got number, want string"},
		"a secret's file of nothing":         {`secrets: {a: ~}`, "got null, want string"},
		"a secret's file of white space":     {`secrets: {a: " "}`, "/secrets/a"},
		"a secret's name with a slash":       {`secrets: {a/b: c}`, "a/b"},
		"an interval without unit":           {`autoReloadInterval: "30"`, "/autoReloadInterval"},
		"a probed id that is too short":      {`probe: {targets: [{jobs: [ff80]}]}`, "/probe/targets/0/jobs/0"},
		"a probe without jobs":               {`probe: {targets: [{tenant: a}]}`, "missing property 'jobs'"},
		"a probed label that is ours":        {`probe: {targets: [{jobs: [` + id + `], labels: {job_id: a}}]}`, "'job_id'"},
		"a Pod's label that is not a string": {`podLabels: {a: 1}`, "got number, want string"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tryRender(t, tc.values); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

// What is a string for Helm reaches the exporter and its files as it is.
func TestChartKeepsText(t *testing.T) {
	texts := map[string]string{"12:30": "12:30", "2026-11-30": "2026-11-30", "ä€😀": "ä€😀"} // strings without quotes, too
	for _, text := range []string{"1234567", "0123456", "1e3", "0x1F", "yes", "~", "12:30", "a: b", "#a", `"`, `\n`, "{{ x }}", "- a", "line\nline\n"} {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		texts[string(quoted)] = text
	}
	for written, text := range texts {
		t.Run(written, func(t *testing.T) {
			manifests := render(t, `secrets: {"1e3": `+written+"}\n"+withTenant(goodSecret, "{"+goodID+", labels: {wave: "+written+"}}"))
			// As the exporter reads it.
			var config struct {
				Tenants []struct {
					Jobs []struct{ Labels map[string]string }
				}
			}
			if err := yamlv3.Unmarshal([]byte(configMap(t, manifests)), &config); err != nil {
				t.Fatal(err)
			}
			if got := decode(t, manifests)["Secret"][0].(*corev1.Secret).StringData["1e3"]; got != text {
				t.Errorf("got the secret %q, want %q", got, text)
			}
			if got := config.Tenants[0].Jobs[0].Labels["wave"]; got != text {
				t.Errorf("got the label %q, want %q", got, text)
			}
		})
	}
}

// The chart's schema has the exporter's for config, in which what may be a
// string must be one: Helm gives the exporter 1.234567e+06 for 1234567.
func TestChartSchema(t *testing.T) {
	parse := func(text string) (schema map[string]any) {
		if err := json.Unmarshal([]byte(text), &schema); err != nil {
			t.Fatal(err)
		}
		return schema
	}
	numbers := regexp.MustCompile(`("string")(, "(number|boolean)")+`)
	text := numbers.ReplaceAllString(testutil.Read(t, "docs", "zuora_exporter.schema.json"), "$1")
	configuration := parse(strings.ReplaceAll(text, `["string"]`, `"string"`))
	definitions, _ := configuration["definitions"].(map[string]any)
	for _, key := range []string{"$id", "$schema", "title", "definitions"} {
		delete(configuration, key)
	}
	definitions["configuration"] = configuration

	file := []string{"packaging", "helm", "zuora-exporter", "values.schema.json"}
	schema := parse(testutil.Read(t, file...))
	schema["definitions"] = definitions
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	testutil.Generated(t, want.String(), file...)
}
