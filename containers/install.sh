#!/bin/sh
# The steps that make an image, for Dockerfile and Singularity.def alike. Lock files and this script lie in /build, the
# repository in /build/source; varproof and what it needs go to /opt/varproof.
#   install.sh system | tools | dependencies LOCK | varproof
set -eu
export DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# Kernels are compiled for any processor of the kind, and not for the one at hand; runs are told the same.
export NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES=
[ ! -f /build/registries.pem ] || export PIP_CERT=/build/registries.pem
pip=/build/tools/bin/pip
home=/opt/varproof
python=$home/bin/python
export PATH=$home/bin:$PATH

# Debian's Python, and ps for Nextflow; minimap2 where there is none for Python.
install_system() {
    apt-get update -q
    minimap2=
    [ "$(uname -m)" = x86_64 ] || minimap2=minimap2
    apt-get install -yq --no-install-recommends python3 procps $minimap2
    apt-get clean
    rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log /var/log/alternatives.log
    rm -rf /usr/share/doc/* /usr/share/man/* /usr/share/info/* /usr/share/locale/*
    useradd --create-home --uid 1000 varproof
}

# pip, setuptools, binutils and what lists the packages, apart from what goes into the image.
install_tools() {
    apt-get update -q
    apt-get install -yq --no-install-recommends python3-venv ca-certificates binutils
    python3 -m venv /build/tools
    python3 -m venv --without-pip $home
    $pip install --require-hashes --only-binary :all: --requirement /build/build.lock
}

# The packages of a lock file, from wheels, less what no run needs.
install_dependencies() {
    $pip --python $python install --no-compile --require-hashes --only-binary :all: --requirement "/build/$1.lock"
    site=$($python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    find "$site" -depth -type d -name tests -exec rm -r {} +
    rm -rf "$site"/sklearn/datasets/data "$site"/sklearn/datasets/images "$site"/sklearn/datasets/descr \
        "$site"/numba/cuda "$site"/matplotlib/mpl-data/sample_data "$site"/matplotlib/mpl-data/fonts/afm \
        "$site"/matplotlib/mpl-data/fonts/pdfcorefonts "$site"/tzdata/zoneinfo "$site"/pygments/lexers/_*_builtins.py
    find "$site" -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.pyi' -o -name '*.a' -o -name '*.c' \
        -o -name '*.cc' -o -name '*.cpp' -o -name '*.h' -o -name '*.hpp' -o -name '*.inc' \) -delete
    find "$site" -depth -type d -empty -delete
    # Libraries that a wheel carries beside its modules (*.libs) were relocated, which strip can break; they have no symbols.
    find "$site" -type f -name '*.so*' -not -path '*.libs/*' -exec strip --strip-unneeded {} +
}

# varproof, with its kernels compiled: by running everything, or taken from another image. So is the bytecode of what was
# imported meanwhile; what no run imports goes without.
install_varproof() {
    first=yes
    [ ! -d /build/kernels ] || first=no
    [ $first = no ] || $pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /build/wheel /build/source
    $pip --python $python install --no-compile --no-index --no-deps /build/wheel/*.whl
    cd /
    kernels=$($python -c 'from varproof.machinery.accelerate import FOLDERS; print(FOLDERS[-1])')
    if [ $first = yes ]; then
        mkdir /build/run
        PYTHONDONTWRITEBYTECODE='' HOME=/nonexistent sh /build/source/containers/run-all.sh /build/source/test-data /build/run
        # Nothing in an image without TensorFlow reads a network.
        rm -rf "$(dirname "$($python -c 'import varproof; print(varproof.__file__)')")/network/models"
        cp -r "$kernels" /build/kernels
        find $home -name '*.pyc' | sed 's|__pycache__/\(.*\)\.[^.]*\.pyc|\1.py|' >/build/imported
    else
        mkdir -p "$(dirname "$kernels")"
        cp -r /build/kernels "$kernels"
        find $home -name '*.py' >/build/imported
    fi
    # Not by time of the source: file systems of images differ in how exact they are.
    $python -m compileall -q -f --invalidation-mode unchecked-hash -i /build/imported >/dev/null
    # What is in the image, for those who look for known weaknesses; Debian's packages are listed by dpkg.
    mkdir -p $home/share/varproof
    /build/tools/bin/cyclonedx-py environment --output-reproducible --output-file $home/share/varproof/sbom.cdx.json $python
    chmod -R a+rX $home
}

step=$1
shift
"install_$step" "$@"
