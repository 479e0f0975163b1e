// Package dashboards makes the Grafana dashboards beside it, by go generate.
// They are Grafana's classic JSON, of core panels only, and need nothing but
// Prometheus: no recording rules.
package dashboards

//go:generate go test . -run TestFilesAreUpToDate -update

import (
	"regexp"
	"strings"
)

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

// panel is a panel of any type. A row has a title only.
type panel struct {
	ID              int      `json:"id"`
	Type            string   `json:"type"`
	Title           string   `json:"title"`
	Description     string   `json:"description,omitempty"`
	Datasource      object   `json:"datasource,omitempty"`
	GridPos         gridPos  `json:"gridPos"`
	Collapsed       *bool    `json:"collapsed,omitempty"`
	Panels          []panel  `json:"panels,omitempty"`
	FieldConfig     object   `json:"fieldConfig,omitempty"`
	Options         object   `json:"options,omitempty"`
	Targets         []target `json:"targets,omitempty"`
	Transformations []object `json:"transformations,omitempty"`
}

type gridPos struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
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

var selector = regexp.MustCompile(`\}(\[\w+\])?`)

// atEnd evaluates an expression at the end of the time range: what is chosen by
// it is the same at each instant of a graph.
func atEnd(expr string) string { return selector.ReplaceAllString(expr, "$0 @ end()") }

// query is an expression and the legend of its series. A stat shows the legend
// beside the number.
type query struct{ expr, legend string }

func targets(format string, queries []query) []target {
	made := make([]target, len(queries))
	for i, q := range queries {
		instant := format != "range"
		made[i] = target{
			RefID: refID(i), Datasource: datasource, Expr: selectors.Replace(q.expr),
			Instant: instant, Range: !instant, Format: "time_series", LegendFormat: q.legend,
		}
		if format == "table" {
			made[i].Format = format
		}
	}
	return made
}

func refID(i int) string { return string(rune('A' + i)) }

// property is a setting of one field.
type property struct {
	ID    string `json:"id"`
	Value any    `json:"value"`
}

func unit(u string) property { return property{"unit", u} }

// override sets properties of the fields of one name.
func override(name string, properties ...property) object {
	return object{"matcher": object{"id": "byName", "options": name}, "properties": properties}
}

// steps are a colour, then thresholds and the colours from each on.
func steps(base string, more ...any) object {
	all := []object{{"color": base, "value": nil}}
	for i := 0; i < len(more); i += 2 {
		all = append(all, object{"color": more[i+1], "value": more[i]})
	}
	return object{"mode": "absolute", "steps": all}
}

func thresholds(base string, more ...any) property {
	return property{"thresholds", steps(base, more...)}
}

// mappings show values as words, in colours.
func mappings(words ...[3]string) []object {
	options := object{}
	for i, w := range words {
		options[w[0]] = object{"index": i, "text": w[1], "color": w[2]}
	}
	return []object{{"type": "value", "options": options}}
}

// stat is one number, or several side by side, which then have names.
func stat(title, description, unit string, t object, queries ...query) panel {
	mode := "value"
	if len(queries) > 1 {
		mode = "value_and_name"
	}
	return panel{
		Type: "stat", Title: title, Description: description,
		FieldConfig: object{"defaults": object{"unit": unit, "noValue": "-", "color": object{"mode": "thresholds"}, "thresholds": t}, "overrides": []object{}},
		Options: object{
			"colorMode": "value", "graphMode": "none", "justifyMode": "center", "textMode": mode, "orientation": "vertical",
			"reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
		},
		Targets: targets("time_series", queries),
	}
}

// with adds overrides to a panel.
func (p panel) with(overrides ...object) panel {
	p.FieldConfig["overrides"] = append(p.FieldConfig["overrides"].([]object), overrides...)
	return p
}

// stacked puts the numbers of a stat below each other, because a date needs the
// width. Left alone, Grafana makes it too small to read.
func (p panel) stacked() panel {
	p.Options["orientation"], p.Options["text"] = "horizontal", object{"titleSize": 14, "valueSize": 24}
	return p
}

// timeseries are lines over time.
func timeseries(title, description, unit string, queries ...query) panel {
	return panel{
		Type: "timeseries", Title: title, Description: description,
		FieldConfig: object{
			"defaults": object{
				"unit": unit, "min": 0, "color": object{"mode": "palette-classic"},
				"custom": object{"drawStyle": "line", "fillOpacity": 5, "lineWidth": 1, "showPoints": "never", "spanNulls": false},
			},
			"overrides": []object{},
		},
		Options: object{
			"legend": object{
				"calcs": []string{"lastNotNull"}, "displayMode": "table", "placement": "right", "width": 350,
				"showLegend": true, "sortBy": "Last *", "sortDesc": true,
			},
			"tooltip": object{"mode": "multi", "sort": "desc"},
		},
		Targets: targets("range", queries),
	}
}

// stateTimeline has a line per series, whose values are shown as words. With
// the colour mode "thresholds" it would ignore the mappings.
func stateTimeline(title, description string, words []object, q query) panel {
	return panel{
		Type: "state-timeline", Title: title, Description: description,
		FieldConfig: object{
			"defaults":  object{"unit": "short", "color": object{"mode": "fixed"}, "mappings": words, "custom": object{"fillOpacity": 80, "lineWidth": 0}},
			"overrides": []object{},
		},
		Options: object{
			"alignValue": "left", "mergeValues": true, "rowHeight": 0.8, "showValue": "never",
			"legend":  object{"displayMode": "list", "placement": "bottom", "showLegend": true},
			"tooltip": object{"mode": "single", "sort": "none"},
		},
		Targets: targets("range", []query{q}),
	}
}

// column is a column of a table: a query's value, or a label.
type column struct {
	name       string
	field      string // the label, or "Value #A" for the value of query A
	width      int    // below 0: what the others leave, but at least that
	properties []property
}

// colored is the text of a cell in the colour of its mapping or threshold, and
// the colour of all text if it has none.
func colored(properties ...property) []property {
	return append([]property{thresholds("text"), {"color", object{"mode": "thresholds"}}, {"custom.cellOptions", object{"type": "color-text"}}}, properties...)
}

// anyText maps any word to itself, in a colour.
func anyText(index int, color string) object {
	return object{"type": "regex", "options": object{"pattern": "(.+)", "result": object{"text": "$1", "color": color, "index": index}}}
}

// table joins instant queries by the labels that all of them have, a row each.
// Rows without a value of the first query are left out.
func table(title, description string, exprs []string, columns ...column) panel {
	hide, index, rename := object{"Time": true}, object{}, object{}
	queries := make([]query, len(exprs))
	for i, expr := range exprs {
		queries[i].expr = expr
		hide["Value #"+refID(i)] = true
	}
	overrides := []object{}
	for i, c := range columns {
		index[c.field], rename[c.field] = i, c.name
		delete(hide, c.field)
		properties := append([]property{{"custom.width", c.width}}, c.properties...)
		if c.width < 0 {
			properties[0] = property{"custom.minWidth", -c.width}
		}
		if i == 0 {
			properties = append(properties, property{"custom.align", "left"})
		}
		overrides = append(overrides, override(c.name, properties...))
	}
	return panel{
		Type: "table", Title: title, Description: description,
		FieldConfig: object{
			"defaults":  object{"unit": "locale", "noValue": "-", "custom": object{"align": "auto", "cellOptions": object{"type": "auto"}, "filterable": false}},
			"overrides": overrides,
		},
		Options: object{
			"cellHeight": "sm", "showHeader": true,
			"footer": object{"show": false, "reducer": []string{"sum"}, "countRows": false, "fields": "", "enablePagination": false},
			"sortBy": []object{{"displayName": columns[0].name, "desc": true}},
		},
		Targets: targets("table", queries),
		Transformations: []object{
			{"id": "merge", "options": object{}},
			{"id": "filterByValue", "options": object{"type": "include", "match": "all", "filters": []object{
				{"fieldName": "Value #A", "config": object{"id": "isNotNull", "options": object{}}},
			}}},
			{"id": "organize", "options": object{"excludeByName": hide, "indexByName": index, "renameByName": rename}},
		},
	}
}

// firing is the table of the firing alerts, the most severe first.
func firing(title, description, matchers string) panel {
	by := `by (alertname, tenant, object_type, job_id) `
	alerts := `ALERTS{alertstate="firing",` + matchers + `,severity="`
	since := `ALERTS_FOR_STATE{` + matchers + `} and ignoring (alertstate) ALERTS{alertstate="firing",` + matchers + `}`
	return table(title, description,
		[]string{
			`3 * group ` + by + `(` + alerts + `critical"}) or 2 * group ` + by + `(` + alerts + `warning"}) or group ` + by + `(` + alerts + `info"})` +
				// What a rule records shows that Prometheus has the rules.
				` or on () 0 * count(zuora:data_labeling_job_scrape_success:max)`,
			`time() - max ` + by + `(` + since + `)`,
		},
		column{"Severity", "Value #A", 90, colored(property{"mappings", mappings(
			[3]string{"3", "critical", "red"}, [3]string{"2", "warning", "orange"}, [3]string{"1", "info", "blue"}, [3]string{"0", "none", "green"})})},
		column{"Alert and runbook", "alertname", 310, []property{{"links", []object{{
			"title": "Runbook", "targetBlank": true, "url": runbooks + "${__value.raw}.md",
		}}}}},
		column{"For", "Value #B", 90, []property{unit("s"), {"decimals", 1}}},
		column{"Tenant", "tenant", 150, nil},
		column{"Object type", "object_type", 110, nil},
		column{"Job", "job_id", -305, nil},
	)
}

const runbooks = "https://github.com/zuora-exporter/zuora_exporter/blob/main/docs/runbooks/"

// cell is a panel and its width.
type cell struct {
	width int
	panel panel
}

// row is panels of one height, or a heading if it has none.
type row struct {
	title  string
	height int
	cells  []cell
}

// calc has the legend show something else than the last value, which stays
// there after a series has ended.
func (p panel) calc(id, name string) panel {
	legend := p.Options["legend"].(object)
	legend["calcs"], legend["sortBy"] = []string{id}, name
	return p
}

func heading(title string) row { return row{title: title, height: 1} }

// place puts rows below each other and numbers the panels.
func place(rows ...row) []panel {
	var all []panel
	x, y := 0, 0
	add := func(p panel, w, h int) {
		p.ID, p.GridPos = len(all)+1, gridPos{X: x, Y: y, W: w, H: h}
		all = append(all, p)
		x += w
	}
	for _, r := range rows {
		x = 0
		if r.title != "" {
			add(panel{Type: "row", Title: r.title, Collapsed: new(bool)}, 24, 1)
		}
		for _, c := range r.cells {
			c.panel.Datasource = datasource
			if legend, ok := c.panel.Options["legend"].(object); ok && c.width < 12 {
				legend["placement"] = "bottom"
				delete(legend, "width")
			}
			add(c.panel, c.width, r.height)
		}
		y += r.height
	}
	return all
}

// dashboard is what the two have in common.
func dashboard(uid, title, description string, panels []panel, alerts string, variables []object, other object) *Dashboard {
	timelines := []int{}
	for _, p := range panels {
		if p.Type == "state-timeline" {
			timelines = append(timelines, p.ID)
		}
	}
	return &Dashboard{
		UID: uid, Title: title, Description: description, Tags: []string{"zuora"}, SchemaVersion: 39,
		GraphTooltip: 1, Refresh: "30s", Time: object{"from": "now-6h", "to": "now"}, Timezone: "browser",
		Links:      []object{other, link("Runbooks", runbooks+"README.md", false)},
		Templating: list{variables},
		// A line where an alert began, and on the timelines only: regions would
		// paint the graphs red while it fires, and over a day the lines of many
		// alerts would hide them.
		Annotations: list{[]object{{
			"name": "Alerts", "datasource": datasource, "enable": true, "hide": false, "iconColor": "red", "filter": object{"exclude": false, "ids": timelines},
			"expr":        `(ALERTS_FOR_STATE{` + alerts + `} * 1000) and ignoring (alertstate) ALERTS{alertstate="firing",` + alerts + `}`,
			"titleFormat": "{{alertname}}", "textFormat": "{{tenant}} {{job_id}}", "tagKeys": "severity", "step": "60s", "useValueForTime": true,
		}}},
		Panels: panels,
	}
}

// link is a link at the top of a dashboard. One to another dashboard takes the
// time range and the variables along.
func link(title, url string, dashboard bool) object {
	return object{
		"type": "link", "title": title, "url": url, "icon": "external link", "tags": []string{}, "tooltip": "",
		"asDropdown": false, "targetBlank": !dashboard, "includeVars": dashboard, "keepTime": dashboard,
	}
}

var dataSources = object{
	"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0,
	"current": object{}, "refresh": 1, "regex": "", "options": []object{},
}

const (
	visible = 0
	hidden  = 2
)

// variable is one whose values Prometheus has, any number of them.
func variable(name, label, expr string, hide int) object {
	return object{
		"name": name, "label": label, "type": "query", "datasource": datasource,
		"query":   object{"query": selectors.Replace(expr), "refId": name},
		"refresh": 2, "multi": true, "includeAll": true, "allValue": ".+", "sort": 1, "hide": hide, "regex": "", "options": []object{},
		"current": object{"text": "All", "value": "$__all"},
	}
}
