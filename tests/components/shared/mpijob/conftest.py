"""A Kubernetes API for the client of this process."""

import pytest

from tests.components.shared.mpijob.fakes.fake_kubernetes import FakeKubernetes


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FakeKubernetes(tmp_path) as cluster:
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
        monkeypatch.setattr(
            "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(cluster.kubeconfig)
        )
        yield cluster


class Shown:
    """What the step has printed so far."""

    def __init__(self, capsys):
        self._capsys, self.out, self.err = capsys, "", ""

    def read(self):
        captured = self._capsys.readouterr()
        self.out += captured.out
        self.err += captured.err
        return self


@pytest.fixture
def shown(capsys) -> Shown:
    return Shown(capsys)
