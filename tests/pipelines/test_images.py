"""The images: one for each stage, small, without root, on one base where they use TensorFlow."""

import json
import subprocess
import tomllib

import pytest

from components.shared.images import VERSION, name_image
from pipelines.environments import REPOSITORY, STAGES
from tests.pipelines.engine import needs_images

ON_TENSORFLOW = ("pretrain", "finetune", "evaluate")
# Bytes.
LARGEST = dict.fromkeys(ON_TENSORFLOW, 2000000000.0) | {"preprocess": 0.9e9, "ingest": 0.9e9}


def read_dockerfile(stage: str) -> list[str]:
    return (REPOSITORY / "images" / stage / "Dockerfile").read_text("utf-8").splitlines()


def read_lock(folder: str) -> dict[str, str]:
    lock = tomllib.loads((REPOSITORY / "images" / folder / "uv.lock").read_text("utf-8"))
    return {package["name"]: package["version"] for package in lock["package"]}


def inspect(stage: str) -> dict:
    command = ["docker", "image", "inspect", name_image(stage)]
    done = subprocess.run(command, capture_output=True, check=True)
    return json.loads(done.stdout)[0]


@pytest.mark.parametrize("stage", STAGES)
def test_an_image_runs_as_a_numbered_user_that_is_not_root(stage):
    """Kubernetes can check `runAsNonRoot` for a number only."""
    last_user = [line for line in read_dockerfile(stage) if line.startswith("USER ")][-1]

    assert int(last_user.removeprefix("USER ")) > 0


@pytest.mark.parametrize("stage", [*STAGES, "tensorflow"])
def test_no_image_is_built_on_a_tag_that_moves(stage):
    """`latest`, or none."""
    bases = [line for line in read_dockerfile(stage) if line.startswith("ARG ") and ":" in line]

    assert bases
    assert all(not base.endswith(":latest") for base in bases)


@pytest.mark.parametrize("stage", ON_TENSORFLOW)
@pytest.mark.parametrize("variant", ["cpu", "gpu"])
def test_a_stage_locks_the_versions_of_its_base_image(stage, variant):
    """Else the image would hold a package twice, and not the one that a local run uses."""
    base, own = read_lock(f"tensorflow/{variant}"), read_lock(stage)

    different = {
        name: (base[name], own[name])
        for name in base.keys() & own.keys()
        if base[name] != own[name]
    }

    assert not different


def test_the_base_images_of_both_variants_have_the_same_versions():
    """What is tested on CPUs is what runs on GPUs."""
    cpu, gpu = read_lock("tensorflow/cpu"), read_lock("tensorflow/gpu")

    assert all(cpu[name] == gpu[name] for name in cpu.keys() & gpu.keys())
    assert cpu["tensorflow-cpu"] == gpu["tensorflow"]


@needs_images
@pytest.mark.parametrize("stage", STAGES)
def test_an_image_is_small(stage):
    """Nodes pull it."""
    size = inspect(stage)["Size"]

    print(f"{stage}: {size / 1e6:.0f} MB")
    assert size < LARGEST[stage]


@needs_images
def test_the_images_on_tensorflow_share_its_layers():
    """A node that holds one needs little for the next."""
    layers = [inspect(stage)["RootFS"]["Layers"] for stage in ("tensorflow", *ON_TENSORFLOW)]

    assert all(own[: len(layers[0])] == layers[0] for own in layers[1:])


@needs_images
@pytest.mark.parametrize("stage", STAGES)
def test_an_image_says_its_version_and_licence(stage):
    """OCI's labels."""
    labels = inspect(stage)["Config"]["Labels"]

    assert labels["org.opencontainers.image.version"] == VERSION
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
