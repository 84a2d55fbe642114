#!/bin/bash
# Starts the Docker daemon unless it runs, and leaves it running. Run as root. Its log goes to the file given.
set -euo pipefail
docker info >/dev/null 2>&1 && exit
setsid nohup dockerd >"$1" 2>&1 </dev/null &
for _ in $(seq 60); do
    docker info >/dev/null 2>&1 && exit
    sleep 1
done
tail -5 "$1" >&2
exit 1
