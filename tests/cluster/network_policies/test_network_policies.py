"""Which connections network policies let pass: ours with Kubeflow's, enforced by a real agent."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.shared.mpijob.mpijob_manifest import SSH_PORT, make_network_policy
from tests import kustomize
from tests.cluster import programs, server
from tests.cluster.network_policies import node as nodes
from tests.cluster.network_policies.agent import running_agent
from tests.cluster.network_policies.node import Node
from tests.cluster.network_policies.pods import Pods
from tests.cluster.server import Server
from tests.components.shared.mpijob.fakes.mpi_operator import make_launcher, make_worker
from tests.kustomize import MANIFESTS
from tests.pipelines.machines.mpijobs import OWN_POD, make_job, make_spec

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

# A namespace of our own, and a profile's.
NAMESPACES = ["bert", "team"]
HERE = Path(__file__).parent
KUBEFLOW = [HERE.parent / "kubeflow.yaml", HERE / "kubeflow_policies.yaml"]
UI_POLICY = MANIFESTS / "components" / "clean" / "ui-network-policy.yaml"
# Pods of Kubeflow's by its manifests: a label, and ports. 8111 is where the store's keys are made.
KUBEFLOW_PODS = {
    "ml-pipeline": ("app=ml-pipeline", "8888", "8887"),
    "ml-pipeline-ui": ("app=ml-pipeline-ui", "3000"),
    "metadata-grpc": ("component=metadata-grpc-server", "8080"),
    "seaweedfs": ("app=seaweedfs", "8333", "8111"),
    "mysql": ("app=mysql", "3306"),
    "model-registry": ("component=model-registry-server", "8080"),
}
STORE, UI = "kubeflow/seaweedfs:8333", "kubeflow/ml-pipeline-ui:3000"
DNS = {"kube-system/dns:53", "kube-system/dns:53/udp"}
# The internet, and Kubernetes's API.
OUTSIDE = {"outside:443", "outside:80", "outside:6443"}
SERVICES = {
    *(f"kubeflow/{name}:{port}" for name, (_, *ports) in KUBEFLOW_PODS.items() for port in ports),
    *DNS,
    *OUTSIDE,
}
# What Kubeflow opens to the namespaces of its profiles.
OF_PROFILES = {
    *("kubeflow/ml-pipeline:8888", "kubeflow/ml-pipeline:8887", "kubeflow/metadata-grpc:8080"),
    *(STORE, "kubeflow/model-registry:8080"),
}


@pytest.fixture(scope="module")
def pods(tmp_path_factory) -> Iterator[Pods]:
    """Apply the overlay to both namespaces, and start what enforces all policies."""
    missing = programs.why_not("kube-apiserver", "etcd", "kube-network-policies")
    if reason := missing or nodes.why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("node")
    with Node() as node, server.running_server(folder, node.enter) as cluster:
        apply_policies(cluster, folder)
        pods = Pods(node)
        add_pods(pods, cluster)
        node.add_pod("outside", *(one.partition(":")[2] for one in OUTSIDE))
        pods.create(cluster)
        # What is kept apart later is so by policies alone.
        assert pods.reach("other/pod", node.endpoints, node.endpoints) == node.endpoints
        assert pods.find_clients("outside:443", pods.names) == pods.names
        with running_agent(cluster) as log:
            wait_until_enforced(pods, log)
            yield pods


def wait_until_enforced(pods: Pods, log: Path) -> None:
    """Wait until the agent judges connections. Before that all pass, then for a moment none."""
    end = time.monotonic() + 120
    while True:
        allowed = pods.reach("kubeflow/mysql", {STORE}, {STORE})
        if allowed and not pods.reach("other/pod", {STORE}, ()):
            return
        assert time.monotonic() < end, f"no policy is enforced:\n{log.read_text()[-3000:]}"


def apply_policies(cluster: Server, folder: Path) -> None:
    """Create Kubeflow's namespaces and policies, another namespace, and the overlays' objects."""
    documents = [one for file in KUBEFLOW for one in yaml.safe_load_all(file.read_text("utf-8"))]
    other = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
    kinds = ("Namespace", "NetworkPolicy")
    cluster.create([other, *(one for one in documents if one["kind"] in kinds)])
    cluster.kubectl("apply", "-f", UI_POLICY)
    components = ["../../components/register", "../../components/clean", "../../components/serve"]
    for namespace, more in (("bert", ["../../components/namespace"]), ("team", [])):
        overlay = kustomize.copy_overlay(
            folder / namespace, "kubeflow", namespace=namespace, components=[*components, *more]
        )
        cluster.kubectl("apply", "-k", overlay)


def add_pods(pods: Pods, cluster: Server) -> None:
    """Add Kubeflow's pods, ours with the labels that the cluster has for them, and another."""
    for name, (label, *ports) in KUBEFLOW_PODS.items():
        pods.add(f"kubeflow/{name}", dict([label.split("=")]), *ports)
    pods.add("kube-system/dns", {"k8s-app": "kube-dns"}, "53", "53/udp")
    pods.add("other/pod", {}, "8000")
    for namespace in NAMESPACES:
        # KFP's API server puts this label on all pods of a run.
        pods.add(f"{namespace}/step", {"pipeline/runid": "7c1e"}, "8000")
        for kind, name, *ports in (
            ("cronjob", "bert-deploy", "8000"),
            ("cronjob", "bert-clean", "8000"),
            ("deployment", "bert-serve", "8080", "8081", "8000"),
        ):
            spec = cluster.get(kind, name, f"--namespace={namespace}")["spec"]
            template = spec.get("jobTemplate", {"spec": spec})["spec"]["template"]
            pods.add(f"{namespace}/{name}", template["metadata"]["labels"], *ports)
    for job in ("a", "b"):
        mpijob = make_job("cpux2", namespace="team")
        spec = dataclasses.replace(
            make_spec("cpux2", namespace="team"), name=mpijob["metadata"]["name"]
        )
        cluster.create([make_network_policy(spec, OWN_POD)])
        for name, pod in (
            ("launcher", make_launcher(mpijob)),
            ("worker-0", make_worker(mpijob, 0)),
            ("worker-1", make_worker(mpijob, 1)),
        ):
            ports = [] if name == "launcher" else [str(SSH_PORT)]
            pods.add(f"team/{job}-{name}", pod["metadata"]["labels"], "8000", *ports)


def test_a_namespace_without_a_profiles_label_reaches_nothing_of_kubeflow(pods):
    """So what follows is enforced."""
    expected = DNS | OUTSIDE

    assert pods.reach("other/pod", SERVICES, expected) == expected


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_step_reaches_what_kubeflow_opens_to_profiles_and_the_internet(pods, namespace):
    """KFP's API server, ML Metadata, the store, the Model Registry; not the database."""
    expected = DNS | OUTSIDE | OF_PROFILES

    assert pods.reach(f"{namespace}/step", SERVICES, expected) == expected


def test_only_kubeflow_reaches_a_step(pods):
    """In our own namespace; in a profile's, other pipelines' steps have the same label."""
    expected = {f"kubeflow/{name}" for name in KUBEFLOW_PODS}

    assert pods.find_clients("bert/step:8000", expected) == expected


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_the_job_that_deploys_reaches_kubeflow_alone(pods, namespace):
    """And nobody reaches it."""
    expected = DNS | OF_PROFILES

    assert pods.reach(f"{namespace}/bert-deploy", SERVICES, expected) == expected
    assert pods.find_clients(f"{namespace}/bert-deploy:8000", ()) == set()


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_the_job_that_cleans_reaches_kubeflows_ui(pods, namespace):
    """By a policy of its own, for Kubeflow's closes the UI to profiles; and the store."""
    expected = DNS | OUTSIDE | OF_PROFILES | {UI}

    assert pods.reach(f"{namespace}/bert-clean", SERVICES, expected) == expected


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_the_server_reaches_stores_alone(pods, namespace):
    """Kubeflow's, at its pods' port, and a cloud's; and no other port of anything."""
    expected = DNS | {"outside:443", "outside:80", STORE}

    assert pods.reach(f"{namespace}/bert-serve", SERVICES, expected) == expected


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_clients_reach_the_servers_two_ports(pods, namespace):
    """From any namespace, but for pods whose own policy forbids it."""
    pod = f"{namespace}/bert-serve"
    forbidden = {f"{one}/{name}" for one in NAMESPACES for name in ("bert-deploy", "bert-serve")}
    expected = pods.names - forbidden

    assert pods.find_clients(f"{pod}:8080", expected) == expected
    assert pods.find_clients(f"{pod}:8081", expected) == expected
    assert pods.find_clients(f"{pod}:8000", ()) == set()


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (f"a-worker-0:{SSH_PORT}", {"team/a-launcher", "team/a-worker-1"}),
        ("a-worker-0:8000", {"team/a-launcher", "team/a-worker-1"}),
        ("a-launcher:8000", {"team/a-worker-0", "team/a-worker-1"}),
        (f"b-worker-1:{SSH_PORT}", {"team/b-launcher", "team/b-worker-0"}),
    ],
)
def test_pods_of_an_mpijob_are_reached_by_one_another_alone(pods, endpoint, expected):
    """At any port; not by another job of the namespace, nor by the step."""
    assert pods.find_clients(f"team/{endpoint}", expected) == expected


def test_pods_of_an_mpijob_reach_stores(pods):
    """Workers fetch their inputs."""
    expected = DNS | OUTSIDE | OF_PROFILES

    assert pods.reach("team/a-worker-0", SERVICES, expected) == expected
