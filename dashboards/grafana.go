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
