#!/bin/sh
# Makes the lock files of the images again, with the newest versions of all dependencies; needs uv (https://docs.astral.sh/uv).
set -eu
cd "$(dirname "$0")/.."

# lock ARCHITECTURE OUTPUT INPUT...
lock() {
    platform=$1-manylinux_2_36
    output=$2
    shift 2
    uv pip compile --quiet --upgrade --generate-hashes --only-binary :all: --no-emit-index-url --no-config \
        --python-version 3.11 --python-platform "$platform" --custom-compile-command containers/lock.sh \
        --output-file "$output" "$@"
}

lock x86_64 containers/build.lock containers/build.in
lock x86_64 containers/cnn-cpu.lock pyproject.toml containers/cnn-cpu.in
# Where images share a package they share its version, so that they write the same bytes.
lock x86_64 containers/core.lock pyproject.toml --constraint containers/cnn-cpu.lock
lock x86_64 containers/cnn-gpu.lock pyproject.toml containers/cnn-gpu.in --constraint containers/cnn-cpu.lock
lock aarch64 containers/core-aarch64.lock pyproject.toml --constraint containers/cnn-cpu.lock
lock aarch64 containers/cnn-cpu-aarch64.lock pyproject.toml containers/cnn-cpu.in --constraint containers/cnn-cpu.lock
