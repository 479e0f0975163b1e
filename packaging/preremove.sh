#!/bin/sh
# $1 is 0 in an .rpm, "remove" in a .deb, unless this is an upgrade.
set -e
case $1 in
0 | remove)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now zuora_exporter.service
	fi
	;;
esac
