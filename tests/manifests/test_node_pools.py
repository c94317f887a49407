"""The node pools: valid for Config Connector, and as pipelines/machines/hardware.py has them."""

import copy
import shutil
from pathlib import Path

import pytest
import yaml

from pipelines.machines.hardware import HARDWARE
from tests import kustomize
from tests.custom_resources import find_faults
from tests.kustomize import MANIFESTS

POOLS = MANIFESTS / "node-pools"
CRD = "container.cnrm.cloud.google.com_containernodepools.yaml"
LOCAL_SSD_GIB = 375
GKE_MACHINES = [machine for name, machine in HARDWARE.items() if name.startswith("gke-")]
DGX_MACHINES = [machine for name, machine in HARDWARE.items() if name.startswith("dgx-")]


def build(folder: Path, **settings: list[str]) -> dict[str, dict]:
    """Return the pools by name, with these settings in their kustomization."""
    shutil.copytree(POOLS, folder / "node-pools")
    file = folder / "node-pools" / "kustomization.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text("utf-8")) | settings))
    return {pool["metadata"]["name"]: pool for pool in kustomize.build(file.parent)}


@pytest.fixture(scope="module")
def pools(tmp_path_factory) -> dict[str, dict]:
    return build(tmp_path_factory.mktemp("pools"))


def test_every_pool_is_valid_and_starts_from_zero(pools):
    """With no field that Config Connector does not know, and a bound on the nodes."""
    assert set(pools) == {"bert-cpu", *(f"bert-{machine.name}" for machine in GKE_MACHINES)}
    for pool in pools.values():
        assert find_faults(pool, crd=CRD) == []
        assert pool["spec"]["initialNodeCount"] == pool["spec"]["autoscaling"]["minNodeCount"] == 0
        assert 1 <= pool["spec"]["autoscaling"]["maxNodeCount"] <= 4


def test_a_misspelled_field_is_found(pools):
    """The API server would drop it, and the pool be another."""
    pool = copy.deepcopy(pools["bert-cpu"])
    pool["spec"]["autoscaling"]["maxNodes"] = 4

    assert len(find_faults(pool, crd=CRD)) == 1


@pytest.mark.parametrize("machine", GKE_MACHINES, ids=lambda machine: machine.name)
def test_a_pool_is_the_machine_that_the_steps_ask_for(pools, machine):
    """Labels, taint, GPUs and local SSDs."""
    config = pools[f"bert-{machine.name}"]["spec"]["nodeConfig"]
    (accelerator,), (taint,) = config["guestAccelerator"], config["taint"]
    (toleration,) = machine.tolerations

    # The labels that GKE gives a node by itself.
    assert machine.node_selector == {
        "cloud.google.com/gke-accelerator": accelerator["type"],
        "node.kubernetes.io/instance-type": config["machineType"],
    }
    assert accelerator["count"] == machine.num_gpus
    ssds = config["ephemeralStorageLocalSsdConfig"]["localSsdCount"]
    assert ssds * LOCAL_SSD_GIB == machine.local_ssd_gib
    assert (taint["key"], taint["value"]) == (toleration["key"], toleration["value"])
    assert taint["effect"].replace("_", "").lower() == toleration["effect"].lower()


def test_all_pools_are_where_the_settings_say(pools):
    """Cluster, region and zone are written once."""
    settings = yaml.safe_load((POOLS / "settings.yaml").read_text("utf-8"))["data"]

    places = [
        {
            "cluster": pool["spec"]["clusterRef"]["external"],
            "location": pool["spec"]["location"],
            "zone": pool["spec"]["nodeLocations"][0],
        }
        for pool in pools.values()
    ]

    assert places == [settings] * len(pools)


def test_spot_is_for_the_pools_with_gpus(pools, tmp_path):
    """And changes nothing else."""
    spot = build(tmp_path, components=["spot"])

    assert spot["bert-cpu"] == pools["bert-cpu"]
    for machine in GKE_MACHINES:
        pool = spot[f"bert-{machine.name}"]
        assert find_faults(pool, crd=CRD) == []
        assert pool["spec"]["nodeConfig"].pop("spot") is True
        assert pool == pools[f"bert-{machine.name}"]


@pytest.mark.parametrize("machine", DGX_MACHINES, ids=lambda machine: machine.name)
def test_the_readme_has_the_labels_of_real_machines(machine):
    """As the steps select them."""
    rows = [
        row
        for row in (POOLS / "README.md").read_text("utf-8").splitlines()
        if row.endswith(f"| `{machine.name}` |")
    ]

    assert len(rows) == 1
    assert f"`{machine.node_selector['nvidia.com/gpu.product']}`" in rows[0]
    assert f"{machine.num_gpus} {machine.gpu} of {machine.gpu_memory_gib} GB" in rows[0]
