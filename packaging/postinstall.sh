#!/bin/sh
# The service is not enabled or started: without a tenant it has nothing to read.
# An upgrade restarts it if it runs.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart zuora_exporter.service
fi
# $1 is 1 in an .rpm, $2 empty in a .deb, if nothing was installed before.
if [ "$1" = 1 ] || { [ "$1" = configure ] && [ -z "$2" ]; }; then
	echo "Fill in /etc/zuora_exporter/zuora_exporter.yml, then: systemctl enable --now zuora_exporter"
fi
