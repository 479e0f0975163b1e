// Package dashboards makes the Grafana dashboards beside it, by go generate.
// They are Grafana's classic JSON, of core panels only, and need nothing but
// Prometheus: no recording rules.
package dashboards

//go:generate go test . -run TestFilesAreUpToDate -update

import "strings"

// Dashboard is a dashboard in Grafana's classic JSON.
type Dashboard struct {
	UID           string   `json:"uid"`
	Title         string   `json:"title"`
	Description   string   `json:"description"`
	Tags          []string `json:"tags"`
	SchemaVersion int      `json:"schemaVersion"`
	Editable      bool     `json:"editable"`
	GraphTooltip  int      `json:"graphTooltip"` // 1: the crosshair is on all panels
	Refresh       string   `json:"refresh"`
	Time          object   `json:"time"`
	Timezone      string   `json:"timezone"`
	Links         []object `json:"links"`
	Templating    list     `json:"templating"`
	Annotations   list     `json:"annotations"`
	Panels        []panel  `json:"panels"`
}

type (
	object map[string]any
	list   struct {
		List []object `json:"list"`
	}
)

// panel is a panel of any type.
type panel struct {
	ID              int         `json:"id"`
	Type            string      `json:"type"`
	Title           string      `json:"title"`
	Description     string      `json:"description"`
	Datasource      object      `json:"datasource"`
	GridPos         gridPos     `json:"gridPos"`
	FieldConfig     fieldConfig `json:"fieldConfig"`
	Options         object      `json:"options"`
	Targets         []target    `json:"targets"`
	Transformations []object    `json:"transformations,omitempty"`
}

type gridPos struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

type fieldConfig struct {
	Defaults  defaults   `json:"defaults"`
	Overrides []override `json:"overrides"`
}

type defaults struct {
	Unit       string      `json:"unit"`
	Min        *float64    `json:"min,omitempty"`
	NoValue    string      `json:"noValue,omitempty"`
	Color      object      `json:"color,omitempty"`
	Thresholds *thresholds `json:"thresholds,omitempty"`
	Mappings   []object    `json:"mappings,omitempty"`
	Custom     object      `json:"custom,omitempty"`
}

type thresholds struct {
	Mode  string `json:"mode"`
	Steps []step `json:"steps"`
}

// step is the colour from a value on, nil for the lowest.
type step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

// override sets properties of the fields of one name.
type override struct {
	Matcher    object     `json:"matcher"`
	Properties []property `json:"properties"`
}

type property struct {
	ID    string `json:"id"`
	Value any    `json:"value"`
}

type target struct {
	RefID        string `json:"refId"`
	Datasource   object `json:"datasource"`
	Expr         string `json:"expr"`
	Instant      bool   `json:"instant"`
	Range        bool   `json:"range"`
	Format       string `json:"format"`
	LegendFormat string `json:"legendFormat,omitempty"`
}

// datasource is the variable's: it works by provisioning and by import alike.
var datasource = object{"type": "prometheus", "uid": "${datasource}"}

// selectors are short for the matchers of the variables. Each is put between
// braces by its expression, where others may follow.
var selectors = strings.NewReplacer(
	"$TARGET", `job=~"$job",instance=~"$instance"`,
	"$TENANT", `job=~"$job",instance=~"$instance",tenant=~"$tenant"`,
	"$JOB", `job=~"$job",instance=~"$instance",tenant=~"$tenant",job_id=~"$job_id"`,
)

// query is an expression with its legend.
type query struct{ expr, legend string }

// targets turns queries into those of a panel over time.
func targets(queries []query) []target {
	made := make([]target, len(queries))
	for i, q := range queries {
		made[i] = target{
			RefID: refID(i), Datasource: datasource, Expr: selectors.Replace(q.expr),
			Range: true, Format: "time_series", LegendFormat: q.legend,
		}
	}
	return made
}

// instant turns expressions into queries of the end of the time range.
func instant(format string, exprs ...string) []target {
	queries := make([]query, len(exprs))
	for i, e := range exprs {
		queries[i].expr = e
	}
	made := targets(queries)
	for i := range made {
		made[i].Instant, made[i].Range, made[i].Format = true, false, format
	}
	return made
}

// steps are a colour, then thresholds and the colours from each on.
func steps(base string, more ...any) *thresholds {
	t := &thresholds{Mode: "absolute", Steps: []step{{Color: base}}}
	for i := 0; i < len(more); i += 2 {
		t.Steps = append(t.Steps, step{more[i+1].(string), new(more[i].(float64))})
	}
	return t
}

// stat is one number.
func stat(title, description, unit, expr string, t *thresholds) panel {
	return panel{
		Type: "stat", Title: title, Description: description,
		FieldConfig: fieldConfig{Defaults: defaults{Unit: unit, NoValue: "-", Color: object{"mode": "thresholds"}, Thresholds: t}},
		Options: object{
			"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "textMode": "value",
			"reduceOptions": object{"calcs": []string{"last"}, "fields": "", "values": false},
		},
		Targets: instant("time_series", expr),
	}
}

// timeseries are lines over time. Their legends have the last value, and none
// where there is none any more.
func timeseries(title, description, unit string, queries ...query) panel {
	return panel{
		Type: "timeseries", Title: title, Description: description,
		FieldConfig: fieldConfig{Defaults: defaults{
			Unit: unit, Min: new(0.), Color: object{"mode": "palette-classic"},
			Custom: object{"drawStyle": "line", "fillOpacity": 5, "lineWidth": 1, "showPoints": "never", "spanNulls": false},
		}},
		Options: object{
			"legend":  object{"calcs": []string{"last"}, "displayMode": "table", "placement": "bottom", "showLegend": true, "sortBy": "Last", "sortDesc": true},
			"tooltip": object{"mode": "multi", "sort": "desc"},
		},
		Targets: targets(queries),
	}
}

// stateTimeline has a line per series, whose values are mapped to words. With
// the colour mode "thresholds" it would ignore the mappings.
func stateTimeline(title, description string, mappings []object, q query) panel {
	return panel{
		Type: "state-timeline", Title: title, Description: description,
		FieldConfig: fieldConfig{Defaults: defaults{
			Unit: "short", Color: object{"mode": "fixed"}, Mappings: mappings,
			Custom: object{"fillOpacity": 80, "lineWidth": 0},
		}},
		Options: object{
			"alignValue": "left", "mergeValues": true, "rowHeight": 0.85, "showValue": "auto",
			"legend":  object{"displayMode": "list", "placement": "bottom", "showLegend": false},
			"tooltip": object{"mode": "single", "sort": "none"},
		},
		Targets: targets([]query{q}),
	}
}

// word maps a value to a text and a colour.
type word struct{ value, text, color string }

func words(all ...word) []object {
	options := object{}
	for i, w := range all {
		options[w.value] = object{"index": i, "text": w.text, "color": w.color}
	}
	return []object{{"type": "value", "options": options}}
}

// column is a column of a table: a query's value, or a label.
type column struct {
	name       string
	field      string // the label, or "Value #A" for the value of query A
	properties []property
}

func unit(u string) property { return property{"unit", u} }

// valueOf is the name of a query's value in a table.
func valueOf(i int) string { return "Value #" + refID(i) }

func refID(i int) string { return string(rune('A' + i)) }

// table joins instant queries by the labels that all of them have, a row each.
func table(title, description string, exprs []string, columns []column, sortBy string) panel {
	exclude, index, rename := object{"Time": true}, object{}, object{}
	for i := range exprs {
		exclude[valueOf(i)] = true
	}
	overrides := []override{}
	for i, c := range columns {
		index[c.field], rename[c.field] = i, c.name
		delete(exclude, c.field)
		if len(c.properties) > 0 {
			overrides = append(overrides, override{object{"id": "byName", "options": c.name}, c.properties})
		}
	}
	return panel{
		Type: "table", Title: title, Description: description,
		FieldConfig: fieldConfig{
			Defaults:  defaults{Unit: "locale", NoValue: "-", Custom: object{"align": "auto", "cellOptions": object{"type": "auto"}, "filterable": true}},
			Overrides: overrides,
		},
		Options: object{
			"cellHeight": "sm", "showHeader": true,
			"footer": object{"show": false, "reducer": []string{"sum"}, "countRows": false, "fields": "", "enablePagination": true},
			"sortBy": []object{{"displayName": sortBy, "desc": true}},
		},
		Targets: instant("table", exprs...),
		Transformations: []object{
			{"id": "merge", "options": object{}},
			{"id": "organize", "options": object{"excludeByName": exclude, "indexByName": index, "renameByName": rename}},
		},
	}
}

// place puts rows of panels below each other, those of a row side by side in
// equal width, and numbers them.
func place(rows ...row) []panel {
	var all []panel
	y := 0
	for _, r := range rows {
		width := 24 / len(r.panels)
		for i, p := range r.panels {
			p.ID, p.Datasource = len(all)+1, datasource
			p.GridPos = gridPos{X: i * width, Y: y, W: width, H: r.height}
			if p.FieldConfig.Overrides == nil {
				p.FieldConfig.Overrides = []override{}
			}
			all = append(all, p)
		}
		y += r.height
	}
	return all
}

// row is panels of one height.
type row struct {
	height int
	panels []panel
}

// dashboard is what the two have in common.
func dashboard(uid, title, description string, panels []panel, links ...object) *Dashboard {
	return &Dashboard{
		UID: uid, Title: title, Description: description, Tags: []string{"zuora"}, SchemaVersion: 39,
		GraphTooltip: 1, Refresh: "30s", Time: object{"from": "now-6h", "to": "now"}, Timezone: "browser",
		Links:       append(links, link("Runbooks", "https://github.com/zuora-exporter/zuora_exporter/blob/main/docs/runbooks/README.md", false)),
		Templating:  list{variables()},
		Annotations: list{[]object{firingAlerts}},
		Panels:      panels,
	}
}

// link is a link at the top of a dashboard; one to another dashboard takes
// the time range and the variables along.
func link(title, url string, dashboard bool) object {
	return object{
		"type": "link", "title": title, "url": url, "icon": "external link", "tags": []string{}, "tooltip": "",
		"asDropdown": false, "targetBlank": !dashboard, "includeVars": dashboard, "keepTime": dashboard,
	}
}

// firingAlerts draws a region on every graph while an alert fires. Alerts
// about a tenant have no job_id, those about an exporter neither.
var firingAlerts = object{
	"name": "Firing alerts", "datasource": datasource, "enable": true, "hide": false, "iconColor": "red",
	"expr":        `ALERTS{alertstate="firing",alertname=~"Zuora.+",tenant=~"($tenant)|",job_id=~"($job_id)|"}`,
	"titleFormat": "{{alertname}}", "textFormat": "{{tenant}} {{job_id}}", "tagKeys": "severity", "step": "60s", "useValueForTime": false,
}

func variables() []object {
	return []object{
		{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0, "current": object{}, "refresh": 1, "regex": "", "options": []object{}},
		variable("job", "Job", `label_values(zuora_up, job)`),
		variable("instance", "Instance", `label_values(zuora_up{job=~"$job"}, instance)`),
		variable("tenant", "Tenant", `label_values(zuora_up{$TARGET}, tenant)`),
		variable("job_id", "Labeling job", `label_values(zuora_data_labeling_job_scrape_success{$TENANT}, job_id)`),
	}
}

// variable is one whose values Prometheus has, any number of them.
func variable(name, label, expr string) object {
	return object{
		"name": name, "label": label, "type": "query", "datasource": datasource,
		"query":   object{"query": selectors.Replace(expr), "refId": name},
		"refresh": 2, "multi": true, "includeAll": true, "allValue": ".+", "sort": 1, "hide": 0, "regex": "", "options": []object{},
		"current": object{"text": "All", "value": "$__all"},
	}
}
