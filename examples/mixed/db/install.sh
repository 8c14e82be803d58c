#!/bin/sh
# The package's own service shuts itself in with rights that a container has not: database.service takes its place.
set -eu
systemctl mask --quiet redis-server
apt-get -q update
apt-get -q -y install --no-install-recommends redis-server
