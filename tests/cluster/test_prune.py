"""What an edit leaves behind goes with the commands of manifests/ON-CALL.md, and nothing else."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import kustomize
from tests.cluster.server import Server, identify

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

BY_LABEL = [
    "--prune",
    "--selector=app.kubernetes.io/instance=bert",
    "--prune-allowlist=core/v1/ConfigMap",
]


def by_applyset(namespace: str) -> list[str]:
    """Return the options of `kubectl apply` with KUBECTL_APPLYSET=true."""
    return [f"--namespace={namespace}", "--prune", "--applyset=configmaps/bert"]


@contextlib.contextmanager
def neighbors(cluster: Server, namespace: str, folder: Path) -> Iterator[None]:
    """Give a namespace a server's overlay, and a ConfigMap that looks like one of ours."""
    server = kustomize.make_overlay(folder / "server", namespace, "serve")
    labels = {"app.kubernetes.io/name": "kubeflow-bert", "app.kubernetes.io/instance": "bert"}
    metadata = {"name": "packages-theirs-7h2k", "namespace": namespace, "labels": labels}
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}
    cluster.kubectl("create", "-f-", stdin=theirs)
    cluster.kubectl("apply", "-k", server)
    try:
        yield
    finally:
        cluster.kubectl("delete", "-k", server)
        cluster.kubectl("delete", "configmap", metadata["name"], f"--namespace={namespace}")


def edit(overlay: Path, *files: str) -> None:
    """Give an overlay other files for its ConfigMaps, which then have other names."""
    path = overlay / "kustomization.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    generators = settings.setdefault("configMapGenerator", [])
    known = {file for one in generators for file in one["files"]}
    for file in files:
        (overlay / file).write_text("schedules: []\n")
        if file not in known:
            name = "schedules" if file == "schedules.yaml" else f"packages-{Path(file).stem}"
            generators.append({"name": name, "behavior": "replace", "files": [file]})
    path.write_text(yaml.safe_dump(settings))


def own(overlay: Path) -> set[tuple[str, str, str]]:
    return {identify(resource) for resource in kustomize.build(overlay)}


def select(objects: dict[Any, Any], keys: set[Any]) -> dict[Any, Any]:
    return {key: objects[key] for key in keys}


@pytest.mark.parametrize("source", ["kubeflow", "gke", "standalone"])
def test_an_applyset_prunes_what_an_edit_left(cluster, tmp_path, monkeypatch, source):
    """A dry run tells what goes; applied again, nothing does."""
    monkeypatch.setenv("KUBECTL_APPLYSET", "true")
    namespace = "kubeflow" if source == "standalone" else "bert"
    overlay = kustomize.copy_overlay(tmp_path, source)
    apply = ["apply", "-k", overlay, *by_applyset(namespace)]
    if namespace == "bert":
        cluster.kubectl("create", "namespace", namespace)
    try:
        with neighbors(cluster, namespace, tmp_path):
            before = cluster.list_objects()
            first = own(overlay)
            cluster.kubectl(*apply)
            edit(overlay, "schedules.yaml", "bert.yaml")
            second = own(overlay)
            dry = cluster.kubectl(*apply, "--dry-run=server")
            cluster.kubectl(*apply)
            after = cluster.list_objects()
            again = cluster.kubectl(*apply)
    finally:
        cluster.kubectl("delete", "configmap", "bert", f"--namespace={namespace}")
        cluster.delete(overlay)

    gone = {f"configmap/{name} pruned (server dry run)" for _, _, name in first - second}
    assert len(gone) == 2
    assert {line for line in dry.splitlines() if "pruned" in line} == gone
    assert after.keys() == before.keys() | second | {("ConfigMap", namespace, "bert")}
    assert select(after, before.keys() - second) == select(before, before.keys() - second)
    assert "pruned" not in again


def test_versions_of_pipelines_outlive_a_prune(cluster, tmp_path):
    """Where they are resources: a recurring run may use one that the overlay no longer has.

    Whatever a plain apply has left goes.
    """
    overlay = kustomize.copy_overlay(tmp_path, "kubeflow-native")
    cluster.kubectl("create", "namespace", "bert")
    file = overlay / "squad.yaml"
    pipeline, version = yaml.safe_load_all(file.read_text("utf-8"))
    old_version = version["metadata"]["name"]
    try:
        with neighbors(cluster, "bert", tmp_path):
            before = cluster.list_objects()
            first = own(overlay)
            cluster.kubectl("apply", "-k", overlay)
            edit(overlay, "schedules.yaml")
            version["metadata"]["name"] = "squad-2"
            file.write_text(yaml.safe_dump_all([pipeline, version]))
            second = own(overlay)
            pruned = cluster.kubectl("apply", "-k", overlay, *BY_LABEL)
            after = cluster.list_objects()
    finally:
        cluster.kubectl("delete", "pipelineversion", old_version, "--namespace=bert")
        cluster.delete(overlay)

    (schedules,) = (key for key in first - second if key[0] == "ConfigMap")
    assert [line for line in pruned.splitlines() if "pruned" in line] == [
        f"configmap/{schedules[2]} pruned"
    ]
    assert after.keys() == before.keys() | second | (first - {schedules})
    assert select(after, before.keys() - second) == select(before, before.keys() - second)
