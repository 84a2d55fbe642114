#!/bin/bash
# A SLURM cluster of one node, this machine, from Debian's packages; as root. Nothing happens where one answers already.
# What it starts is noted in the folder given, for stop-daemons.sh.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
notes=$(mkdir -p "$1" && cd "$1" && pwd)
if sinfo --noheader 2>/dev/null | grep -q .; then exit 0; fi
if ! command -v slurmctld >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm slurmctld slurmd munge >/dev/null
fi
memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
mkdir -p /etc/slurm /var/spool/slurmctld /var/spool/slurmd /var/log/slurm /run/munge
sed "s/HOST/$(hostname -s)/g; s/=CPUS /=$(nproc) /; s/=MEMORY /=$memory /" "$here/slurm.conf" > /etc/slurm/slurm.conf
chown munge: /run/munge
chmod 755 /run/munge
begin() { # NAME FILE COMMAND...: starts a daemon unless it runs, and notes the number that it writes to its own file
    local name=$1 file=$2
    shift 2
    if pgrep -x "$name" >/dev/null; then return; fi
    rm -f "$file"
    "$@"
    for _ in $(seq 50); do
        if [ -s "$file" ]; then break; fi
        sleep 0.1
    done
    cp "$file" "$notes/$name.pid"
}
begin munged /run/munge/munged.pid su -s /bin/bash munge -c /usr/sbin/munged
begin slurmctld /run/slurmctld.pid slurmctld -c
begin slurmd /run/slurmd.pid slurmd -c
for _ in $(seq 30); do
    if sinfo --noheader --states=idle | grep -q .; then exit 0; fi
    sleep 1
done
sinfo >&2
tail -n 5 /var/log/slurm/*.log >&2
exit 1
