#!/bin/sh
# Makes the lock files of the images again, with the newest versions of all dependencies; needs uv (https://docs.astral.sh/uv).
set -eu
cd "$(dirname "$0")/.."

lock() {
    output=$1
    shift
    uv pip compile --quiet --upgrade --generate-hashes --only-binary :all: --no-emit-index-url --no-config \
        --python-version 3.11 --python-platform x86_64-manylinux_2_36 --custom-compile-command containers/lock.sh \
        --output-file "$output" "$@"
}

lock containers/build.lock containers/build.in
lock containers/cnn-cpu.lock pyproject.toml containers/cnn-cpu.in
# Where images share a package they share its version, so that they write the same bytes.
lock containers/core.lock pyproject.toml --constraint containers/cnn-cpu.lock
lock containers/cnn-gpu.lock pyproject.toml containers/cnn-gpu.in --constraint containers/cnn-cpu.lock
