#!/bin/bash
# A SLURM cluster of one node, this machine, from Debian's packages; as root. Nothing happens where one answers already.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
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
pgrep -x munged >/dev/null || su -s /bin/bash munge -c /usr/sbin/munged
pgrep -x slurmctld >/dev/null || slurmctld -c
pgrep -x slurmd >/dev/null || slurmd -c
for _ in $(seq 30); do
    if sinfo --noheader --states=idle | grep -q .; then exit 0; fi
    sleep 1
done
sinfo >&2
tail -n 5 /var/log/slurm/*.log >&2
exit 1
