#!/bin/bash
# Ends the daemons that start-docker.sh and start-slurm.sh have started and noted in the folder given, and no others.
set -uo pipefail
for note in "$1"/*.pid; do
    [ -e "$note" ] || continue
    name=$(basename "$note" .pid) process=$(cat "$note")
    # The number may belong to another process by now.
    if [ "$(cat "/proc/$process/comm" 2>/dev/null)" = "$name" ]; then
        kill "$process"
        for _ in $(seq 150); do kill -0 "$process" 2>/dev/null || break; sleep 0.2; done
    fi
    rm -f "$note"
done
