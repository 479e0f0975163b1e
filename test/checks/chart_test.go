package checks

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	yamlv3 "go.yaml.in/yaml/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

const chart = "../../packaging/helm/zuora-exporter"

func helm(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"tool", "helm"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("helm %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return out
}

// Helm finds no fault with the chart, and Kubernetes and the Prometheus operator
// none with what it renders from the package, into which Helm has put the
// repository's rules and dashboards.
func TestChart(t *testing.T) {
	dir := t.TempDir()
	helm(t, "package", chart, "-d", dir)
	packed := glob(t, dir+"/zuora-exporter-*.tgz")[0]
	for name, tc := range map[string]struct {
		values string
		want   map[string]int
	}{
		"the defaults": {"", map[string]int{"ConfigMap": 1, "Deployment": 1, "Service": 1}},
		"jobs by /probe alone; configuration and secret exist": {
			`{existingConfigMap: a, existingSecret: b, serviceMonitor: {enabled: true}, probe: {targets: [{jobs: [ff80808186b966950186b97922e200ab]}]}}`,
			map[string]int{"Deployment": 1, "Service": 1, "Probe": 1, "ServiceMonitor": 1},
		},
		"everything": {read(t, "testdata/everything-values.yaml"), map[string]int{
			"ConfigMap": 2, "Deployment": 1, "Service": 1, "Secret": 1, "Probe": 2, "ServiceMonitor": 1, "PrometheusRule": 1, "NetworkPolicy": 1,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			values := testutil.Write(t, t.TempDir(), "values.yaml", tc.values)
			if out := helm(t, "lint", "--strict", chart, "-f", values); !bytes.Contains(out, []byte("0 chart(s) failed")) {
				t.Errorf("helm lint:\n%s", out)
			}
			rendered := helm(t, "template", "zuora", packed, "-f", values)
			seen := map[string]int{}
			checkManifests(t, name, rendered, seen)
			if diff := cmp.Diff(tc.want, seen); diff != "" {
				t.Errorf("the kinds of manifests (-want +got):\n%s", diff)
			}
			if name == "everything" {
				hasTheRepositorysFiles(t, rendered)
			}
		})
	}
}

// hasTheRepositorysFiles fails if a chart with everything on has other rules or
// dashboards than the repository.
func hasTheRepositorysFiles(t *testing.T, rendered []byte) {
	t.Helper()
	decode := func(text string) (value any) {
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	got, want := map[string]any{}, map[string]any{"rules": decode(testutil.Read(t, "alerts", "zuora.rules.yml"))}
	for _, file := range glob(t, "../../dashboards/*.json") {
		want[filepath.Base(file)] = decode(read(t, file))
	}
	for manifest := range strings.SplitSeq(string(rendered), "\n---\n") {
		var object struct {
			Kind     string
			Metadata struct{ Name string }
			Spec     any
			Data     map[string]string
		}
		if err := yaml.Unmarshal([]byte(manifest), &object); err != nil {
			t.Fatal(err)
		}
		switch {
		case object.Kind == "PrometheusRule":
			got["rules"] = object.Spec
		case strings.HasSuffix(object.Metadata.Name, "-dashboards"):
			for name, content := range object.Data {
				got[name] = decode(content)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-repository +chart)\n%s", diff)
	}
}

var loaded = sync.OnceValues(func() (*v2.Chart, error) { return loader.Load(chart) })

// render renders the chart with values as helm template does.
func render(t *testing.T, values string) (map[string]string, error) {
	t.Helper()
	c, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	read, err := common.ReadValues([]byte(values))
	if err != nil {
		t.Fatalf("%v\n%s", err, values)
	}
	all, err := util.ToRenderValues(c, read, common.ReleaseOptions{Name: "zuora", Namespace: "default"}, nil)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, all)
}

// withTenant returns values with a tenant, its secret and its job.
func withTenant(secret, job string) string {
	return `config: {tenants: [{name: a, base_url: "https://h", oauth2: {client_id: b, ` + secret + `}, jobs: [` + job + `]}]}`
}

const (
	goodID     = `id: ff80808186b966950186b97922e200ab`
	goodSecret = `client_secret_file: /etc/zuora-exporter-secrets/a.secret`
)

// The chart refuses what the exporter would, and what would not reach it as it
// was written: values are YAML 1.1 to Helm, which knows numbers, not their text.
func TestChartRefuses(t *testing.T) {
	const id = "ff80808186b966950186b97922e200ac"
	for name, tc := range map[string]struct{ values, want string }{
		"a misspelled value":                 {`serviceMonitor: {enable: true}`, "'enable' not allowed"},
		"a value in the wrong case":          {`existingsecret: a`, "'existingsecret' not allowed"},
		"two sources of secrets":             {`{secrets: {a: b}, existingSecret: c}`, "not both"},
		"no configuration":                   {`config: null`, "missing property 'config'"},
		"no tenant":                          {`config: {tenants: []}`, "/config/tenants"},
		"an unknown key of the exporter":     {withTenant("secret: c", goodSecret), "'secret' not allowed"},
		"two secrets of a tenant":            {withTenant(goodSecret+", client_secret: c", ""), "/oauth2"},
		"an id that is too short":            {withTenant(goodSecret, "{id: ff80808186b966950186b97922e200}"), "/jobs/0/id"},
		"an id of digits":                    {withTenant(goodSecret, "{id: 12345678901234567890123456789012}"), "got number, want string"},
		"a label that the exporter sets":     {withTenant(goodSecret, "{"+goodID+", labels: {tenant: x}}"), "'tenant'"},
		"a label that is a number":           {withTenant(goodSecret, "{"+goodID+", labels: {wave: 01}}"), "got number, want null or string"},
		"a duration without unit":            {`config: {tenants: [{name: a, base_url: "https://h", oauth2: {client_id: b, client_secret: c}, request_timeout: 5}]}`, "/request_timeout"},
		"an interval without unit":           {`autoReloadInterval: "30"`, "/autoReloadInterval"},
		"a probed id that is too short":      {`probe: {targets: [{jobs: [ff80]}]}`, "/probe/targets/0/jobs/0"},
		"a probe without jobs":               {`probe: {targets: [{tenant: a}]}`, "missing property 'jobs'"},
		"a probed label that is ours":        {`probe: {targets: [{jobs: [` + id + `], labels: {job_id: a}}]}`, "'job_id'"},
		"a secret's name with a slash":       {`secrets: {a/b: c}`, "a/b"},
		"a Pod's label that is not a string": {`podLabels: {a: 1}`, "got number, want string"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := render(t, tc.values); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
	for _, secret := range []string{"", "~", "null", `""`, `" "`, "1234567", "0123456", "1e3", "0x1F", "0b11", "1_000", "-1", ".5", "yes", "Off", "true", "[a]", "{a: b}"} {
		t.Run("secret "+secret, func(t *testing.T) {
			for place, values := range map[string]string{
				"/secrets/a.secret":                       "secrets:\n  a.secret: " + secret,
				"/config/tenants/0/oauth2/client_secret'": "config:\n  tenants:\n  - name: a\n    base_url: https://h\n    oauth2:\n      client_id: b\n      client_secret: " + secret,
			} {
				if secret == `" "` && strings.Contains(place, "config") {
					continue // the exporter's business
				}
				if _, err := render(t, values); err == nil || !strings.Contains(err.Error(), place) {
					t.Errorf("got %v, want an error about %s", err, place)
				}
			}
		})
	}
}

// The chart takes the values in its README.
func TestChartReadme(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(read(t, chart+"/README.md"), -1)
	for _, block := range blocks {
		if _, err := render(t, block[1]); err != nil {
			t.Errorf("%v\n%s", err, block[1])
		}
	}
	if len(blocks) < 5 {
		t.Errorf("got %d blocks of values, want at least 5", len(blocks))
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
			values := `secrets: {"1e3": ` + written + "}\n" + withTenant(goodSecret, "{"+goodID+", labels: {wave: "+written+"}}")
			manifests, err := render(t, values)
			if err != nil {
				t.Fatal(err)
			}
			var secret corev1.Secret
			var configMap corev1.ConfigMap
			parts := strings.Split(manifests["zuora-exporter/templates/config.yaml"], "\n---\n")
			for i, into := range []any{&configMap, &secret} {
				if err := unmarshalStrict([]byte(parts[i]), into); err != nil {
					t.Fatalf("%v\n%s", err, parts[i])
				}
			}
			// As the exporter reads it.
			var config struct {
				Tenants []struct {
					Jobs []struct{ Labels map[string]string }
				}
			}
			if err := yamlv3.Unmarshal([]byte(configMap.Data["zuora_exporter.yml"]), &config); err != nil {
				t.Fatal(err)
			}
			if got := secret.StringData["1e3"]; got != text {
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
	parse := func(elem ...string) (schema map[string]any) {
		if err := json.Unmarshal([]byte(testutil.Read(t, elem...)), &schema); err != nil {
			t.Fatal(err)
		}
		return schema
	}
	configuration := parse("docs", "zuora_exporter.schema.json")
	definitions, _ := configuration["definitions"].(map[string]any)
	for _, key := range []string{"$id", "$schema", "title", "definitions"} {
		delete(configuration, key)
	}
	definitions["configuration"] = configuration
	onlyStrings(definitions)

	schema := parse("packaging", "helm", "zuora-exporter", "values.schema.json")
	schema["definitions"] = definitions
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	testutil.Generated(t, want.String(), "packaging", "helm", "zuora-exporter", "values.schema.json")
}

// onlyStrings takes numbers and booleans from types that may be strings.
func onlyStrings(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		if types, ok := s["type"].([]any); ok && slices.Contains(types, any("string")) {
			s["type"] = slices.DeleteFunc(types, func(t any) bool { return t != "string" && t != "null" })
			if len(s["type"].([]any)) == 1 {
				s["type"] = "string"
			}
		}
		for _, v := range s {
			onlyStrings(v)
		}
	case []any:
		for _, v := range s {
			onlyStrings(v)
		}
	}
}
