# The form in which a dashboard is kept here, whatever Grafana exports; `make
# dashboards` writes it. What differs from one Grafana to the next is left out,
# and what somebody happened to choose in one.
del(.id, .version, .iteration, .gnetId, .panels[].pluginVersion, .panels[].targets[]?.editorMode)
| .schemaVersion = 39
| .editable = false
# Grafana adds its own annotations anew.
| .annotations.list |= map(select(.builtIn != 1))
| .templating.list |= map(
    if .type == "query" and .includeAll then .current = {text: "All", value: "$__all"} | .options = []
    elif .type == "datasource" then .current = {text: "default", value: "default"} | .options = []
    else . end)
