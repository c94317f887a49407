"""A package holds only what the API server of its Kubeflow Pipelines version reads.

With an unknown field it drops all Kubernetes settings of the package. Its messages are those of the
Python packages of its version.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipelines.local.environments import REPOSITORY
from tests.pipelines.cli import run_command

# Prints what is wrong with a package, one fault a line; nothing imports kfp itself.
CHECK = """
import importlib.util, sys, yaml
from google.protobuf import json_format

def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

folder, package = sys.argv[1:]
sys.path.insert(0, folder)
pipeline = load("a", folder + "/kfp/pipeline_spec/pipeline_spec_pb2.py")
sys.modules["kfp.pipeline_spec.pipeline_spec_pb2"] = pipeline
sys.modules["kfp.pipeline_spec"] = type(sys)("kfp.pipeline_spec")
sys.modules["kfp.pipeline_spec"].pipeline_spec_pb2 = pipeline
sys.modules["kfp"] = type(sys)("kfp")
kubernetes = load("b", folder + "/kfp/kubernetes/kubernetes_executor_config_pb2.py")
spec, platform = yaml.safe_load_all(open(package, encoding="utf-8"))
parts = [(spec, pipeline.PipelineSpec()), (platform, pipeline.PlatformSpec())]
for settings in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
    parts.append((settings, kubernetes.KubernetesExecutorConfig()))
for document, message in parts:
    try:
        json_format.ParseDict(document, message)
    except json_format.ParseError as error:
        print(str(error).splitlines()[0])
"""


@pytest.fixture(scope="module")
def find_faults(tmp_path_factory):
    """What a version's messages have not of a package; kfp's own packages of that version."""
    folder = tmp_path_factory.mktemp("kfp")

    def find(version: str, package: Path) -> list[str]:
        target = folder / version
        if not target.exists():
            names = [f"kfp-kubernetes=={version}.0", f"kfp-pipeline-spec=={version}.0"]
            command = [REPOSITORY / ".tools" / "uv", "pip", "install", "--no-deps", "--quiet"]
            subprocess.run([*command, "--target", target, *names], check=True)
        check = [sys.executable, "-c", CHECK, target, package]
        done = subprocess.run(check, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    return find


@pytest.fixture(scope="module")
def make_package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")

    def make(*flags: str) -> Path:
        path = folder / f"{len(list(folder.iterdir()))}.yaml"
        done = run_command("compile", *flags, "--output", path)
        assert done.returncode == 0, done.stderr
        return path

    return make


@pytest.mark.slow
@pytest.mark.parametrize("version", ["2.15", "2.16", "2.17"])
@pytest.mark.parametrize(
    "flags",
    [
        ("bert", "--hardware", "dgx-2", "--queue", "team-a", "--volume", "bert:/mnt/bert"),
        ("retraining", "--hardware", "cpux2"),
        ("classification", "--hardware", "cpu"),
    ],
)
def test_a_package_is_read_by_the_version_it_was_compiled_for(
    make_package, find_faults, version, flags
):
    """And by those after it."""
    package = make_package(*flags, "--kfp-version", version)

    assert find_faults(version, package) == []
    assert find_faults("2.17", package) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("newer", "older", "field"),
    [("2.17", "2.16", "activeDeadlineSeconds"), ("2.16", "2.15", "securityContext")],
)
def test_an_older_server_does_not_read_a_newer_package(
    make_package, find_faults, newer, older, field
):
    """So the version to compile for is worth a flag."""
    package = make_package("bert", "--kfp-version", newer)

    assert field in "".join(find_faults(older, package))


def test_a_run_has_limits(make_package):
    """As days; 0 leaves them out, and so does an older version."""

    def limits(*flags: str) -> dict | None:
        _, platform = yaml.safe_load_all(make_package(*flags).read_text("utf-8"))
        return platform["platforms"]["kubernetes"].get("pipelineConfig")

    week, month = 7 * 86400, 30 * 86400
    assert limits("bert") == {"resourceTtlOnCompletion": week, "activeDeadlineSeconds": month}
    assert limits("retraining", "--ttl-days", "0", "--deadline-days", "3") == {
        "activeDeadlineSeconds": 3 * 86400
    }
    assert limits("bert", "--ttl-days", "0", "--deadline-days", "0") is None
    assert limits("bert", "--kfp-version", "2.16") is None


@pytest.mark.parametrize(
    ("version", "expected"),
    [("2.15", {"for-loop-1", "for-loop-2"}), ("2.16", {"learning-rates", "seeds"})],
)
@pytest.mark.parametrize("name", ["squad", "classification", "retraining"])
def test_the_oldest_version_finds_the_outputs_of_loops(make_package, name, version, expected):
    """It looks for a loop's key among the display names; newer ones show a name that says more."""
    spec, _ = yaml.safe_load_all(make_package(name, "--kfp-version", version).read_text("utf-8"))

    dags = [part["dag"] for part in (spec["root"], *spec["components"].values()) if "dag" in part]
    tasks = {key: task for dag in dags for key, task in dag["tasks"].items()}
    loops = {key: task for key, task in tasks.items() if "parameterIterator" in task}
    assert loops.keys() == {"for-loop-1", "for-loop-2"}
    assert {task["taskInfo"]["name"] for task in loops.values()} == expected
