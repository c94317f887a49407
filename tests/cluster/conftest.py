"""One API server for all tests, with what a cluster with Kubeflow already has on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cluster import programs, server
from tests.cluster.server import Server
from tests.kustomize import MANIFESTS
from tests.waiting import wait_until

TESTS = Path(__file__).parents[1]
# Not Config Connector's: the overlays need none.
CRDS = [
    file
    for group in ("argoproj.io", "kubeflow.org", "pipelines.kubeflow.org", "serving.kserve.io")
    for file in sorted((TESTS / "crds").glob(f"{group}_*.yaml"))
]
# What Kubeflow has there, and the rights of the owner of one of its profiles.
KUBEFLOW = [Path(__file__).with_name(name) for name in ("kubeflow.yaml", "profile_admin.yaml")]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Server]:
    """Start a server that knows Kubeflow's, Argo's and mpi-operator's resources."""
    if reason := programs.why_not("kube-apiserver", "etcd"):
        pytest.skip(reason)
    with server.running_server(tmp_path_factory.mktemp("server")) as running:
        for file in CRDS:
            running.kubectl("create", "-f", file)
        names = {yaml.safe_load(file.read_text("utf-8"))["metadata"]["name"] for file in CRDS}
        # Established definitions are served at once, but listed for clients a moment later.
        wait_until(
            lambda: names <= {*running.kubectl("api-resources", "-oname", check=False).split()}
        )
        for file in KUBEFLOW:
            running.kubectl("create", "-f", file)
        yield running


@pytest.fixture(scope="module")
def applied(cluster) -> Iterator[None]:
    """Apply the overlay kubeflow, whose namespace is "bert"."""
    with cluster.applied(MANIFESTS / "overlays" / "kubeflow"):
        yield
