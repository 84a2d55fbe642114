#!/bin/sh
# The steps that make an image, for Dockerfile and Singularity.def alike. Lock files and this script lie in /build, the
# repository in /build/source; varproof and what it needs go to /opt/varproof.
#   install.sh system | tools | dependencies LOCK | varproof
set -eu
export DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
[ ! -f /build/registries.pem ] || export PIP_CERT=/build/registries.pem
pip=/build/tools/bin/pip
python=/opt/varproof/bin/python

clean_system() {
    apt-get clean
    rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log /var/log/alternatives.log
    rm -rf /usr/share/doc/* /usr/share/man/* /usr/share/info/* /usr/share/locale/*
}

# Debian's Python, and ps for Nextflow.
install_system() {
    apt-get update -q
    apt-get install -yq --no-install-recommends python3 procps
    clean_system
    useradd --create-home --uid 1000 varproof
}

# pip, setuptools and binutils, apart from what goes into the image.
install_tools() {
    apt-get update -q
    apt-get install -yq --no-install-recommends python3-venv ca-certificates binutils
    python3 -m venv /build/tools
    python3 -m venv --without-pip /opt/varproof
    $pip install --require-hashes --only-binary :all: --requirement /build/build.lock
}

# The packages of a lock file, from wheels.
install_dependencies() {
    $pip --python $python install --no-compile --require-hashes --only-binary :all: --requirement "/build/$1.lock"
}

install_varproof() {
    $pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /build/wheel /build/source
    $pip --python $python install --no-compile --no-index --no-deps /build/wheel/*.whl
    $python -m compileall -q --invalidation-mode unchecked-hash /opt/varproof/lib
}

step=$1
shift
"install_$step" "$@"
