#!/bin/bash
# Docker on Debian, and debootstrap for a base image where none can be pulled. Run as root.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends docker.io debootstrap pigz procps >/dev/null
