"""Docker, Podman and Apptainer, and the images of varproof in them, for tests of all wrappers.

An image is built once for the files it is made from, whose digest it carries as a label; a later session takes it as it is.
Processes of pytest-xdist take turns. Daemons that have to be started are left running; engines/stop-daemons.sh ends them.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from varproof import __version__
from wrappers.machine import DAEMONS, ENGINES, REPOSITORY, require_space

IMAGES = REPOSITORY / "build" / "images"
CERTIFICATES = REPOSITORY / "containers" / "registries.pem"
BASE = "debian:bookworm-slim"
DIGEST_LABEL = "varproof.inputs"
SOURCES = ("containers", "tools", "test-data", "pyproject.toml", "README.md", "LICENSE", ".dockerignore")


class Engine(NamedTuple):
    """Name and version, for `ran_on(request, *engine)`."""

    name: str
    version: str


def output_of(*command: str | Path, **options: object) -> str:
    """What a command writes to stdout, stripped; fails the test with its stderr if it fails."""
    run = subprocess.run(command, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert run.returncode == 0, f"{' '.join(map(str, command))}: {run.stdout[-2000:]}{run.stderr[-2000:]}"
    return run.stdout.strip()


@contextlib.contextmanager
def turn(name: str) -> Iterator[None]:
    """One process at a time installs an engine, or builds an image."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (IMAGES / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def installed(command: str, script: str, *arguments: str) -> str:
    """Path of a command, which the script in engines/ installs where it is missing and that may be done; else skips."""
    with turn("install"):
        if shutil.which(command) is None:
            if os.geteuid() or shutil.which("apt-get") is None:
                pytest.skip(f"{command} is not installed, and only root on Debian may install it")
            run = subprocess.run(["bash", ENGINES / script, *arguments], capture_output=True, text=True)
            if run.returncode:
                pytest.skip(f"{command} could not be installed: {' '.join(run.stderr.split())[-300:]}")
    found = shutil.which(command)
    assert found is not None
    return found


def inputs_digest() -> str:
    """Digest of names and contents of all files that an image is made from."""
    digest = hashlib.sha256()
    for source in SOURCES:
        path = REPOSITORY / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if (
                file.is_file()
                and file != CERTIFICATES
                and "__pycache__" not in file.parts
                and not any(".egg-info" in part for part in file.parts)
            ):
                digest.update(f"{file.relative_to(REPOSITORY)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


@pytest.fixture(scope="session")
def docker() -> Engine:
    """A running Docker daemon, with space for images."""
    require_space(Path("/var/lib"), 12)
    installed("dockerd", "install-docker.sh")
    with turn("docker"):
        started = subprocess.run(["bash", ENGINES / "start-docker.sh", DAEMONS], capture_output=True, text=True)
    if started.returncode:
        pytest.skip(f"the Docker daemon does not start: {started.stderr.strip()[-300:]}")
    return Engine("Docker", output_of("docker", "version", "--format", "{{.Server.Version}}"))


def make_base_available() -> None:
    """Have the base image, pulled or made from Debian's packages, and the certificates that a build may need."""
    if subprocess.run(["docker", "image", "inspect", BASE], capture_output=True).returncode:
        try:
            pulled = subprocess.run(["docker", "pull", "--quiet", BASE], capture_output=True, timeout=120).returncode == 0
        except subprocess.TimeoutExpired:
            pulled = False
        if not pulled:
            output_of("bash", ENGINES / "make-debian-image.sh")
    bundle = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
    if bundle and Path(bundle).is_file():
        shutil.copyfile(bundle, CERTIFICATES)


def _docker_image(name: str, target: str) -> str:
    """Name of an image that is built, unless there is one of the same inputs."""
    tag, digest = f"{name}:{__version__}", inputs_digest()
    with turn("docker"):
        described = subprocess.run(
            ["docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{DIGEST_LABEL}"}}}}', tag],
            capture_output=True,
            text=True,
        )
        if described.stdout.strip() == digest:
            return tag
        make_base_available()
        revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True).stdout.strip()
        output_of(
            "docker",
            "build",
            "--file",
            "containers/Dockerfile",
            "--target",
            target,
            "--tag",
            tag,
            "--build-arg",
            f"VERSION={__version__}",
            "--build-arg",
            f"REVISION={revision or 'unknown'}",
            "--label",
            f"{DIGEST_LABEL}={digest}",
            ".",
            cwd=REPOSITORY,
            env=os.environ | {"DOCKER_BUILDKIT": "0"},
        )
    return tag


@pytest.fixture(scope="session")
def core_image(docker: Engine) -> str:
    """The Docker image without TensorFlow."""
    return _docker_image("varproof", "core")


@pytest.fixture(scope="session")
def cnn_image(docker: Engine) -> str:
    """The Docker image with TensorFlow."""
    return _docker_image("varproof-cnn", "cnn")


@pytest.fixture(scope="session")
def podman() -> Engine:
    """Podman, as root."""
    if os.geteuid():
        pytest.skip("only root's Podman is tested")
    installed("podman", "install-podman.sh")
    return Engine("Podman", output_of("podman", "version", "--format", "{{.Client.Version}}"))


@pytest.fixture(scope="session")
def apptainer() -> Engine:
    """Apptainer, also by its name `singularity`."""
    installed("apptainer", "install-apptainer.sh")
    return Engine("Apptainer", output_of("apptainer", "--version").split()[-1])


def _sif(image: str) -> Path:
    """The Docker image as a file for Apptainer, in build/images, built unless there is one of the same image."""
    identity = output_of("docker", "image", "inspect", "--format", "{{.Id}}", image)
    sif = IMAGES / f"{image.replace(':', '-')}.sif"
    note = sif.with_suffix(".id")
    with turn("apptainer"):
        if not (sif.is_file() and note.is_file() and note.read_text() == identity):
            output_of(
                "apptainer",
                "--quiet",
                "build",
                "--force",
                "--build-arg",
                "FROM=docker-daemon",
                "--build-arg",
                f"IMAGE={image}",
                "--mksquashfs-args",
                "-comp gzip -Xcompression-level 1",
                sif,
                REPOSITORY / "containers" / "Singularity.def",
            )
            note.write_text(identity)
    return sif


@pytest.fixture(scope="session")
def core_sif(apptainer: Engine, core_image: str) -> Path:
    """The image without TensorFlow, for Apptainer."""
    return _sif(core_image)


@pytest.fixture(scope="session")
def cnn_sif(apptainer: Engine, cnn_image: str) -> Path:
    """The image with TensorFlow, for Apptainer."""
    return _sif(cnn_image)


@pytest.fixture(scope="session")
def user() -> str:
    """An ordinary user of this machine, with a home, who may make namespaces."""
    if os.geteuid():
        pytest.skip("only root can run as another user")
    name = "varproof-test"
    with turn("install"):
        if subprocess.run(["id", name], capture_output=True).returncode:
            output_of("useradd", "--create-home", "--home-dir", f"/var/tmp/{name}", name)
    become = ["setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups"]
    tried = subprocess.run([*become, "unshare", "--user", "--map-root-user", "true"], capture_output=True, text=True, cwd="/")
    if tried.returncode:
        pytest.skip(f"an ordinary user may not make namespaces here: {tried.stderr.strip()}")
    return name


@pytest.fixture(scope="session")
def standalone_sif(apptainer: Engine, docker: Engine, user: str) -> Path:
    """The core image for Apptainer, built by Apptainer as an ordinary user from the base image."""
    sif, digest = IMAGES / "varproof-standalone.sif", inputs_digest()
    note = sif.with_suffix(".digest")
    with turn("apptainer"):
        if sif.is_file() and note.is_file() and note.read_text() == digest:
            return sif
        with turn("docker"):
            make_base_available()
        home = Path(output_of("sh", "-c", f"echo ~{user}"))
        with tempfile.TemporaryDirectory(dir=home) as name:
            folder = Path(name)
            for source in SOURCES:
                if (REPOSITORY / source).is_dir():
                    shutil.copytree(
                        REPOSITORY / source, folder / source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
                    )
                elif (REPOSITORY / source).is_file():
                    shutil.copyfile(REPOSITORY / source, folder / source)
            output_of("docker", "save", "--output", folder / "base.tar", BASE)
            output_of("chown", "--recursive", user, folder)
            output_of(
                "setpriv",
                f"--reuid={user}",
                f"--regid={user}",
                "--init-groups",
                "env",
                f"HOME={home}",
                f"APPTAINER_TMPDIR={folder}",
                f"APPTAINER_CACHEDIR={folder}",
                "apptainer",
                "--quiet",
                "build",
                "--fakeroot",
                "--build-arg",
                "FROM=docker-archive",
                "--build-arg",
                f"BASE={folder / 'base.tar'}",
                "--mksquashfs-args",
                "-comp gzip -Xcompression-level 1",
                "varproof.sif",
                "containers/Singularity-standalone.def",
                cwd=folder,
            )
            shutil.move(folder / "varproof.sif", sif)
        note.write_text(digest)
    return sif
