#!/bin/bash
# Apptainer, and its name `singularity`, on Debian 12, which has no package of it: Debian sid's build with a private copy of
# sid's C library. Run as root.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get update -qq
apt-get install -y -qq --no-install-recommends \
    patchelf squashfs-tools squashfuse fuse-overlayfs uidmap fuse2fs gocryptfs >/dev/null
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | sed -n 1p)
cat >sid.sources <<S
Types: deb
URIs: ${mirror:-http://deb.debian.org/debian}
Suites: sid
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
S
mkdir -p lists/partial x
sid=(-o Dir::Etc::sourcelist="$work/sid.sources" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$work/lists"
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root)
apt-get "${sid[@]}" update -qq
apt-get "${sid[@]}" download -qq apptainer libc6 libseccomp2 libsqlite3-0
for package in *.deb; do dpkg-deb -x "$package" "x/${package%%_*}"; done
libraries=/usr/local/lib/apptainer-libraries
rm -rf $libraries
mkdir -p $libraries
for package in libc6 libseccomp2 libsqlite3-0; do
    find "x/$package" -path '*x86_64-linux-gnu/*.so*' -not -path '*gconv*' \( -type f -o -type l \) -exec cp -L {} $libraries/ \;
done
for binary in x/apptainer/usr/bin/apptainer x/apptainer/usr/lib/x86_64-linux-gnu/apptainer/bin/starter; do
    # A plain rpath also serves libraries that need others: with a runpath they would take the system's libm.
    patchelf --set-interpreter $libraries/ld-linux-x86-64.so.2 --force-rpath --set-rpath $libraries "$binary"
done
cp -a x/apptainer/usr/bin/. /usr/bin/
rm -rf /usr/lib/x86_64-linux-gnu/apptainer
cp -a x/apptainer/usr/lib/x86_64-linux-gnu/apptainer /usr/lib/x86_64-linux-gnu/
mkdir -p /etc/apptainer /var/lib/apptainer/mnt/session /var/lib/apptainer/mnt/source
cp -a x/apptainer/etc/apptainer/. /etc/apptainer/
ln -sf apptainer /usr/bin/singularity
# Where root lacks CAP_SYS_RESOURCE, as in many virtual machines, it may not hand out all capabilities.
sed -i 's/^root default capabilities = .*/root default capabilities = no/' /etc/apptainer/apptainer.conf
