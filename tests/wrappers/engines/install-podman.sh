#!/bin/bash
# Podman on Debian, with limits that root may set without CAP_SYS_RESOURCE, as in many virtual machines. Run as root.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends podman runc >/dev/null
[ -e /etc/containers/containers.conf ] || cat >/etc/containers/containers.conf <<'C'
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]

[engine]
runtime = "runc"
C
