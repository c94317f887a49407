"""The pod of the step that makes an MPIJob."""

from typing import Any

NAMESPACE = "team"


def make_own_pod() -> dict[str, Any]:
    """Return it as Kubeflow has Argo make it."""
    return {
        "metadata": {"name": "step", "namespace": NAMESPACE, "uid": "uid-of-step"},
        "spec": {
            "serviceAccountName": "pipeline-runner",
            "volumes": [
                {"name": "s3-scratch", "emptyDir": {}},
                {"name": "shared", "persistentVolumeClaim": {"claimName": "bert"}},
                {"name": "kube-api-access-x", "projected": {"sources": []}},
            ],
            "containers": [
                {"name": "wait", "image": "argoexec"},
                {
                    "name": "main",
                    "image": "registry/kubeflow-bert/pretrain@sha256:0123",
                    "env": [
                        {"name": "KFP_POD_NAME", "value": "step"},
                        {"name": "AWS_ENDPOINT_URL", "value": "http://minio:9000"},
                        {
                            "name": "AWS_SECRET_ACCESS_KEY",
                            "valueFrom": {"secretKeyRef": {"name": "minio", "key": "secretkey"}},
                        },
                    ],
                    "volumeMounts": [
                        {"name": "s3-scratch", "mountPath": "/s3"},
                        {"name": "shared", "mountPath": "/shared"},
                    ],
                },
            ],
        },
    }
