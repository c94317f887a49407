"""The settings of every command that speaks to a cluster."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from kfp.client import KF_PIPELINES_SA_TOKEN_ENV

from components.shared.stage.settings import Rare
from pipelines.kubeflow.server import HOST_VARIABLE, NAMESPACE_VARIABLE, Cluster, connect


def _find_token_file() -> Path | None:
    path = os.environ.get(KF_PIPELINES_SA_TOKEN_ENV)
    return Path(path) if path else None


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    """How to reach the cluster. The environment gives the defaults, as in a pod."""

    host: str = field(default_factory=lambda: os.environ.get(HOST_VARIABLE, ""))
    """URL of the KFP UI or API server. $KF_PIPELINES_ENDPOINT sets the default."""
    namespace: Rare[str] = field(default_factory=lambda: os.environ.get(NAMESPACE_VARIABLE, ""))
    """Namespace of the runs on a multi-user Kubeflow. $KF_PIPELINES_NAMESPACE sets the default."""
    token_file: Rare[Path | None] = field(default_factory=_find_token_file)
    """File with a bearer token that the server accepts, such as a pod's service account token.
    Read again for each request. $KF_PIPELINES_SA_TOKEN_PATH sets the default."""

    def connect(self) -> Cluster:
        """Reach the API server.

        Raises:
            InputError: if it doesn't answer.
        """
        return connect(self.host, self.namespace or None, self.token_file)
