package dashboards

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

// calc has the legend show something else than the last value, which stays
// there after a series has ended.
func (p panel) calc(id, name string) panel {
	legend := p.Options["legend"].(object)
	legend["calcs"], legend["sortBy"] = []string{id}, name
	return p
}
