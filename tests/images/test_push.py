"""`python -m pipelines push`: to a real registry, with this machine's container engine."""

import json
import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.shared.errors import InputError
from pipelines.local.images import push, read_digests, write_digests
from tests.pipelines.cli import run_command
from tests.pipelines.engine import needs_images
from tests.waiting import wait_until

NAMES = ("kubeflow-bert/test-push-a:0.1.0", "kubeflow-bert/test-push-b:0.1.0")
CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
log: {{level: error}}
"""
needs_registry = pytest.mark.skipif(
    shutil.which("docker-registry") is None and os.environ.get("CI") != "true",
    reason="needs docker-registry, a package of Debian",
)


def docker(*arguments: str, **options) -> str:
    return subprocess.run(
        ["docker", *arguments], check=True, capture_output=True, text=True, **options
    ).stdout


@pytest.fixture(scope="module")
def registry(tmp_path_factory) -> Iterator[str]:
    """A registry of this machine, which speaks the protocol of all of them."""
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "config.yml"
    config.write_text(CONFIG.format(folder=folder / "data", port=port))
    with subprocess.Popen(["docker-registry", "serve", str(config)]) as process:
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}/v2/"), process)
        yield f"127.0.0.1:{port}"
        process.terminate()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=60).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Iterator[tuple[str, ...]]:
    """Two small ones."""
    folder = tmp_path_factory.mktemp("images")
    (folder / "Dockerfile").write_text("FROM scratch\nARG NAME\nLABEL name=$NAME\nCOPY file /\n")
    (folder / "file").write_text("held by the image")
    for name in NAMES:
        docker("build", "--quiet", "--build-arg", f"NAME={name}", "--tag", name, str(folder))
    yield NAMES
    docker("image", "rm", "--force", *NAMES)


@needs_images
@needs_registry
def test_what_is_pushed_can_be_pulled_by_its_digest(registry, images, tmp_path, capfd):
    """And the file that compile reads names it so."""
    file = tmp_path / "images.json"

    write_digests(push(images, f"{registry}/team/"), file)

    digests = read_digests(file)
    assert list(digests) == list(images)
    for image, pushed in digests.items():
        docker("image", "rm", f"{registry}/team/{image}")
        docker("pull", "--quiet", pushed)
        label = docker("image", "inspect", "--format", "{{.Config.Labels.name}}", pushed)
        assert label.strip() == image
        docker("image", "rm", pushed)
    assert f"{images[0]} -> {registry}/team/{images[0]}" in capfd.readouterr().out


@needs_images
def test_a_registry_that_does_not_answer_is_named(images):
    """With what the engine says of it."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"

        with pytest.raises(InputError, match=rf"{address}/{images[0]} could not be pushed: .+"):
            push(images, address)

    docker("image", "rm", f"{address}/{images[0]}")


@needs_images
def test_an_image_that_was_not_built_is_named_before_any_is_pushed(images):
    """With how to build it."""
    with pytest.raises(InputError, match="kubeflow-bert/none:0.1.0: not on this .*`make images`"):
        push([*images, "kubeflow-bert/none:0.1.0"], "127.0.0.1:9")


def test_an_engine_that_does_not_answer_is_told_from_one_without_images(monkeypatch, tmp_path):
    """To push to it, or to run the pipeline in it."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")

    pushed = run_command("push", "--registry", "registry.example/team")
    files = ("--dump", f"{tmp_path}/x.xml", "--squad-train", f"{tmp_path}/y")
    for file in files[1::2]:
        Path(file).touch()
    run = run_command("run", "bert", "--runner", "docker", *files)

    for done in (pushed, run):
        assert done.returncode == 2
        assert "error: docker: " in done.last_error
        if shutil.which("docker"):
            assert "127.0.0.1:9" in done.last_error
            assert done.last_error.endswith("start this machine's container engine")


@pytest.mark.parametrize("registry", ["", "/", "https://registry.example/team"])
def test_an_address_with_a_scheme_is_rejected(registry):
    """Images have none."""
    with pytest.raises(InputError, match="without a scheme"):
        push(NAMES, registry)


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"a:1": "registry/a:1"}', '{"a:1": "registry/a@sha256:12"}', '{"a:1": 1}'],
)
def test_a_file_without_digests_is_rejected(tmp_path, content):
    """A tag may move."""
    file = tmp_path / "images.json"
    file.write_text(content)

    with pytest.raises(InputError, match="images.json"):
        read_digests(file)


def test_a_file_of_digests_is_json_that_a_script_can_read(tmp_path: Path):
    """Names and images."""
    digests = {"a:1": f"registry/a@sha256:{'0' * 64}"}

    write_digests(digests, tmp_path / "manifests" / "images.json")

    assert json.loads((tmp_path / "manifests" / "images.json").read_text()) == digests
