"""What the pipeline says of the machines."""

import json

import pytest

from components.shared.errors import InputError
from components.shared.mpijob.worker_pod import WorkerPod


def test_kubernetes_s_fields_are_taken_as_they_are():
    """Those of a pod's spec apart from the container's."""
    toleration = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    text = json.dumps(
        {
            "nodeSelector": {"nvidia.com/gpu.product": "Tesla-V100-SXM3-32GB"},
            "tolerations": [toleration],
            "resources": {"limits": {"nvidia.com/gpu": "16"}},
            "sharedMemory": "16Gi",
        }
    )

    pod = WorkerPod.parse(text)

    assert pod.resources == {"limits": {"nvidia.com/gpu": "16"}}
    assert pod.sharedMemory == "16Gi"
    assert pod.pod_fields() == {
        "nodeSelector": {"nvidia.com/gpu.product": "Tesla-V100-SXM3-32GB"},
        "tolerations": [toleration],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{nodeSelector", "worker_pod: line 1, column 2: not JSON"),
        ('{"node_selector": {}}', "unknown key 'node_selector'; known: nodeSelector"),
        ('{"tolerations": {}}', "tolerations: expected a list, got {}"),
        ("[]", r"expected an object, got \[\]"),
        ('{"tolerations": [1]}', r"tolerations\[0\]: expected an object, got 1"),
        ('{"labels": {"a": 1}}', "labels.a: expected a string, got 1"),
        ('{"scheduleTimeoutSeconds": true}', "scheduleTimeoutSeconds: expected a whole number"),
    ],
)
def test_what_is_no_worker_pod_is_rejected(text, message):
    """With what was wrong in it."""
    with pytest.raises(InputError, match=message):
        WorkerPod.parse(text)
