// The dashboards and rules as a monitoring mixin. They are the shipped files:
//   jb install github.com/zuora-exporter/zuora_exporter@main
{
  grafanaDashboards+:: {
    'zuora-data-labeling.json': import 'dashboards/zuora-data-labeling.json',
    'zuora-exporter.json': import 'dashboards/zuora-exporter.json',
  },
  // Recording rules and alerts, because the alerts are about what is recorded.
  prometheusAlerts+:: {
    groups+: std.parseYaml(importstr 'alerts/zuora.rules.yml').groups,
  },
}
