# The form in which a dashboard is kept here, whatever Grafana exports; `make
# dashboards` writes it. What differs from one Grafana to the next is left out,
# and what somebody happened to choose in one.
del(.id, .version, .iteration, .gnetId, .panels[].pluginVersion, .panels[].targets[]?.editorMode)
| .schemaVersion = 39
| .editable = false
# Grafana adds its own annotations anew.
| .annotations.list |= map(select(.builtIn != 1))
| .templating.list |= map(
    if .type == "query" then .current = {text: "All", value: "$__all"} | .options = []
    elif .type == "datasource" then .current = {text: "default", value: "default"} | .options = []
    else
      .options |= (to_entries | map(.value + {selected: (.key == 0)}))
      | .current = (.options[0] | {text, value})
    end)
# The first colour has no beginning: some versions say 0.
| walk(if type == "object" and (.steps | type) == "array" then .steps[0].value = null else . end)
