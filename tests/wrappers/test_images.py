"""The images on the engines that run them."""

from pathlib import Path

import pytest

from wrappers.containers import Engine, output_of
from wrappers.machine import ran_on

pytestmark = [pytest.mark.xdist_group("containers"), pytest.mark.timeout(1200)]


def test_core_image_is_built(request: pytest.FixtureRequest, docker: Engine, core_image: str) -> None:
    """The core image is built."""
    ran_on(request, *docker)
    assert output_of("docker", "run", "--rm", core_image, "varproof", "--version").startswith("varproof ")


def test_cnn_image_is_built(request: pytest.FixtureRequest, docker: Engine, cnn_image: str) -> None:
    """The image with TensorFlow is built."""
    ran_on(request, *docker)
    assert output_of("docker", "run", "--rm", cnn_image, "train", "--version").startswith("train ")


def test_sif_is_built(request: pytest.FixtureRequest, apptainer: Engine, core_sif: Path) -> None:
    """The core image runs by Apptainer."""
    ran_on(request, *apptainer)
    assert output_of("apptainer", "exec", core_sif, "varproof", "--version").startswith("varproof ")
