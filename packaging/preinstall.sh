#!/bin/sh
# Before the files, for some belong to the user's group. Neither Debian nor
# Fedora removes such a user again: a file that it owned would then be somebody else's.
set -e
if ! getent group zuora_exporter >/dev/null; then
	groupadd --system zuora_exporter
fi
if ! getent passwd zuora_exporter >/dev/null; then
	useradd --system --gid zuora_exporter --home-dir /nonexistent --no-create-home \
		--shell /usr/sbin/nologin --comment "Prometheus exporter for Zuora" zuora_exporter
fi
