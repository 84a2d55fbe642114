#!/bin/bash
# The image debian:bookworm-slim from Debian's packages, for machines that can't pull it. Run as root; about a minute.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | sed -n 1p)
debootstrap --variant=minbase bookworm "$root" "${mirror:-http://deb.debian.org/debian}" >/dev/null
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/{man,info,locale}/*
find "$root/usr/share/doc" -not -type d -not -name copyright -delete
tar -C "$root" --sort=name -c . | docker import - debian:bookworm-slim >/dev/null
