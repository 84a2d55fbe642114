#!/bin/bash
# A package of Debian's, by its name: a browser, or a caller of variants. Run as root.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "$1" >/dev/null
