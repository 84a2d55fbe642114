#!/bin/bash
# Starts the Docker daemon unless one answers, and leaves it running. Run as root. Its log and number go to the folder given,
# for stop-daemons.sh.
set -euo pipefail
docker info >/dev/null 2>&1 && exit
mkdir -p "$1"
setsid nohup dockerd >"$1/dockerd.log" 2>&1 </dev/null &
echo $! >"$1/dockerd.pid"
for _ in $(seq 60); do
    docker info >/dev/null 2>&1 && exit
    kill -0 "$(cat "$1/dockerd.pid")" 2>/dev/null || break
    sleep 1
done
tail -5 "$1/dockerd.log" >&2
exit 1
