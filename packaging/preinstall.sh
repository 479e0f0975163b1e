#!/bin/sh
# The user comes before the files, because some belong to its group. It is never
# removed, as in Debian and Fedora: the next user with its number would own its files.
set -e
if ! getent group zuora_exporter >/dev/null; then
	groupadd --system zuora_exporter
fi
if ! getent passwd zuora_exporter >/dev/null; then
	useradd --system --gid zuora_exporter --home-dir /nonexistent --no-create-home \
		--shell /usr/sbin/nologin --comment "Prometheus exporter for Zuora" zuora_exporter
fi
