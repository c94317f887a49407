"""The images: one for each stage, small, without root, on one base where they use TensorFlow."""

import json
import os
import re
import subprocess
import tomllib

import pytest

from components.shared.images import VERSION, name_image
from pipelines.local.environments import IMAGES, REPOSITORY
from tests.images.dockerfiles import ON_TENSORFLOW, read_dockerfile
from tests.pipelines.engine import needs_images

# Bytes.
LARGEST = dict.fromkeys(ON_TENSORFLOW, 2.0e9) | {
    "evaluate": 2.6e9,  # with OpenVINO and NNCF
    "preprocess": 0.9e9,
    "ingest": 0.9e9,
    "serve": 1.0e9,
    "pipelines": 0.5e9,
}


def read_lock(folder: str) -> dict[str, str]:
    lock = tomllib.loads((REPOSITORY / "images" / folder / "uv.lock").read_text("utf-8"))
    return {package["name"]: package["version"] for package in lock["package"]}


def inspect(stage: str) -> dict:
    command = ["docker", "image", "inspect", name_image(stage)]
    done = subprocess.run(command, capture_output=True, check=True)
    return json.loads(done.stdout)[0]


@pytest.mark.parametrize("stage", IMAGES)
def test_an_image_runs_as_a_numbered_user_that_is_not_root(stage):
    """Kubernetes can check `runAsNonRoot` for a number only."""
    last_user = [line for line in read_dockerfile(stage) if line.startswith("USER ")][-1]

    assert int(last_user.removeprefix("USER ")) > 0


@pytest.mark.parametrize("stage", [*IMAGES, "tensorflow"])
def test_no_image_is_built_on_a_tag_that_moves(stage):
    """`latest`, or none; and each base can be given by its digest."""
    lines = read_dockerfile(stage)
    bases = [line for line in lines if line.startswith("ARG ") and ":" in line]
    froms = [line.split()[1] for line in lines if line.startswith("FROM ")]
    own = [line.split()[-1] for line in lines if line.startswith("FROM ") and " AS " in line]

    assert bases or stage in ON_TENSORFLOW
    assert all(not base.endswith(":latest") for base in bases)
    assert all(re.fullmatch(r"\${\w+}", base) or base in own for base in froms)


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


def test_the_server_for_gpus_has_what_the_other_has():
    """And the TensorFlow that is tested on CPUs."""
    own, other = read_lock("serve/gpu"), read_lock("serve")
    del other["kubeflow-bert-serve"]

    lacking = other.keys() - own.keys()
    assert {name for name in lacking if name not in {"iniconfig", "pluggy", "pytest"}} == set()
    assert all(own[name] == other[name] for name in ("kserve", "onnx", "openvino", "tokenizers"))
    assert own["tensorflow"] == read_lock("tensorflow/gpu")["tensorflow"]


@pytest.mark.parametrize(
    ("settings", "build_base", "base"),
    [
        ((), "python:3.13-slim-trixie", "python:3.13-slim-trixie"),
        (("VARIANT=gpu",), "python:3.13-slim-trixie", "python:3.13-slim-trixie"),
        (
            ("VARIANT=gpu", "TENSORFLOW_BUILD_BASE=nvcr.io/ngc:1", "TENSORFLOW_BASE=nvcr.io/ngc:1"),
            "nvcr.io/ngc:1",
            "nvcr.io/ngc:1",
        ),
        (("BASE=python@sha256:12",), "python@sha256:12", "python@sha256:12"),
    ],
)
def test_the_bases_are_arguments(settings, build_base, base):
    """Both variants stand on one base; another one can be given for TensorFlow alone."""
    # Not as a part of the make that runs the tests.
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    command = ["make", "--dry-run", "image-ingest", "image-tensorflow", *settings]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True
    )

    ingest, tensorflow = done.stdout.replace("\\\n", " ").strip().splitlines()

    assert f"BUILD_BASE={build_base}" in tensorflow
    assert f" BASE={base}" in tensorflow
    assert f"VARIANT={'gpu' if 'VARIANT=gpu' in settings else 'cpu'}" in tensorflow
    assert re.search(r" BASE=python[:@]", ingest)


@needs_images
@pytest.mark.parametrize("stage", IMAGES)
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
@pytest.mark.parametrize("stage", IMAGES)
def test_an_image_says_what_it_is(stage):
    """OCI's labels: of its own, not of the image it stands on."""
    labels = inspect(stage)["Config"]["Labels"]

    names = ("title", "version", "source", "licenses", "base.name")
    title, version, source, license_id, base = (
        labels[f"org.opencontainers.image.{name}"] for name in names
    )
    assert (title, version, license_id) == (f"kubeflow-bert {stage}", VERSION, "Apache-2.0")
    assert "@" not in source.partition("//")[2].partition("/")[0]
    assert ("kubeflow-bert/tensorflow" in base) == (stage in ON_TENSORFLOW)
    assert ":" in base


@needs_images
@pytest.mark.parametrize("stage", IMAGES)
def test_an_image_holds_no_caches_and_no_compiler(stage):
    """Of package managers, uv and pip; Horovod is compiled in a stage that is not shipped."""
    code = (
        "import shutil; from pathlib import Path; "
        "print(shutil.which('g++'), shutil.which('uv'), [str(p) for f in ("
        "'/var/lib/apt/lists', '/var/cache/apt/archives', '/root/.cache', '/tmp') "
        "for p in Path(f).rglob('*') if p.is_file() and p.stat().st_size])"
    )
    # As root, who may look everywhere.
    command = ["docker", "run", "--rm", "--user=0", "--entrypoint=python", name_image(stage)]

    done = subprocess.run([*command, "-c", code], capture_output=True, text=True, check=True)

    assert inspect(stage)["Config"]["User"] == "10001"
    assert done.stdout.strip() == "None None []"


@needs_images
def test_a_container_counts_the_cpus_of_its_limit():
    """By the engine's control groups, as under Kubernetes."""
    code = "from components.shared.processes.cpus import count_cpus; print(count_cpus())"
    command = ["docker", "run", "--rm", "--cpus=1", "--entrypoint=python", name_image("preprocess")]

    done = subprocess.run([*command, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "1"


@needs_images
@pytest.mark.parametrize("stage", ["pretrain", "finetune"])
def test_an_image_takes_ssh_connections_from_the_pods_of_its_job(stage, tmp_path):
    """Without root and without any capability, by keys that are mounted as a secret is."""
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o755)
    make = ["ssh-keygen", "-q", "-t", "ecdsa", "-b", "521", "-N", "", "-f", str(keys / "id_rsa")]
    subprocess.run(make, check=True)
    (keys / "authorized_keys").write_bytes((keys / "id_rsa.pub").read_bytes())
    (keys / "id_rsa").chmod(0o644)
    script = (
        "python -m components.shared.mpijob serve 2> /dev/null & "
        "for _ in $(seq 50); do ssh localhost true && break; sleep 0.2; done; "
        "ssh localhost 'id -u; command -v prted'"
    )
    command = ["docker", "run", "--rm", "--network", "none", "--cap-drop", "ALL"]
    command += ["--security-opt", "no-new-privileges", "--volume", f"{keys}:/home/bert/.ssh:ro"]

    done = subprocess.run(
        [*command, name_image(stage), "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.split() == ["10001", "/usr/bin/prted"], done.stderr


def test_an_image_build_shows_no_credentials_of_the_package_index():
    """docker takes the URL from the environment, not from a command that make prints."""
    url = "https://user:secret@packages.example.com/simple"
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    done = subprocess.run(
        ["make", "--dry-run", "image-ingest", "image-tensorflow"],
        cwd=REPOSITORY,
        env=environment | {"UV_DEFAULT_INDEX": url},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.count("--build-arg PACKAGE_INDEX ") == 2
    assert "secret" not in done.stdout
