"""From what an earlier version applied to today's manifests, and back."""

from pathlib import Path

import pytest
import yaml

from tests import kustomize
from tests.cluster.server import identify
from tests.kustomize import MANIFESTS

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

# The overlay kubeflow of earlier versions.
FOLDER = Path(__file__).parent / "releases"
RELEASES = sorted(FOLDER.glob("*.yaml"))
TODAY = MANIFESTS / "overlays" / "kubeflow"
APPLYSET = ("--namespace=bert", "--prune", "--applyset=configmaps/bert")
RECORD = ("ConfigMap", "bert", "bert")


def read(file):
    return list(yaml.safe_load_all(file.read_text("utf-8")))


def expect_applied(cluster, resources):
    """Each object is on the cluster with the fields that the file gives it."""
    objects = cluster.list_objects()
    for resource in resources:
        found = objects[identify(resource)]
        for name in resource.keys() - {"metadata"}:
            assert contains(found[name], resource[name]), (identify(resource), name)


def contains(found, wanted):
    """Tell whether a value has what is wanted, beside defaults that the server sets."""
    if isinstance(wanted, dict):
        return all(name in found and contains(found[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list):
        pairs = zip(found, wanted, strict=False)
        return len(found) == len(wanted) and all(contains(*pair) for pair in pairs)
    return found == wanted


@pytest.fixture(params=RELEASES, ids=lambda file: file.stem)
def release(cluster, request):
    """Return an earlier version's file; remove its objects and today's afterwards."""
    yield request.param
    options = ("--ignore-not-found", "--wait=false")
    cluster.kubectl("delete", "configmap", "bert", "--namespace=bert", *options)
    cluster.kubectl("delete", "-f", request.param, *options)
    cluster.delete(TODAY, "--ignore-not-found")


def test_an_upgrade_and_the_way_back(cluster, release):
    """By the same command as ever; what the older version does not know stays."""
    old, new = read(release), kustomize.build(TODAY)
    before = cluster.list_objects()

    cluster.kubectl("apply", "-f", release)
    cluster.kubectl("apply", "-k", TODAY)
    expect_applied(cluster, new)
    cluster.kubectl("apply", "-f", release)
    expect_applied(cluster, old)
    after = cluster.list_objects()

    assert after.keys() - before.keys() == {identify(one) for one in (*old, *new)}
    assert {key: after[key] for key in before} == before


def test_an_upgrade_and_the_way_back_with_an_applyset(cluster, release, monkeypatch):
    """What one version has and the other has not goes at each step."""
    monkeypatch.setenv("KUBECTL_APPLYSET", "true")
    old, new = read(release), kustomize.build(TODAY)
    before = cluster.list_objects()
    cluster.kubectl("create", "namespace", "bert")

    for options, resources in (
        (("-f", release), old),
        (("-k", TODAY), new),
        (("-f", release), old),
    ):
        cluster.kubectl("apply", *options, *APPLYSET)

        expect_applied(cluster, resources)
        after = cluster.list_objects()
        assert after.keys() - before.keys() == {RECORD, *map(identify, resources)}
        assert {key: after[key] for key in before} == before


@pytest.mark.parametrize("release", [FOLDER / "before-0.1.0.yaml"], indirect=True)
def test_what_kubernetes_does_not_change_is_deleted_first(cluster, release, tmp_path):
    """As manifests/ON-CALL.md says: the error names the object, here the job of another image."""
    text = release.read_text("utf-8").replace("kubeflow-bert/pipelines:0.1.0", "registry/bert:2")
    edited = tmp_path / "edited.yaml"
    edited.write_text(text, "utf-8")
    cluster.kubectl("apply", "-f", release)

    with pytest.raises(AssertionError, match='The Job "bert-deploy" is invalid:.*is immutable'):
        cluster.kubectl("apply", "-f", edited)
    cluster.kubectl("delete", "job", "bert-deploy", "--namespace=bert")
    cluster.kubectl("apply", "-f", edited)

    expect_applied(cluster, read(edited))
