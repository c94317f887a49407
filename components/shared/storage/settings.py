"""The setting of what works on large data in object storage."""

from dataclasses import dataclass

from components.shared.stage.settings import Rare


@dataclass(frozen=True, kw_only=True)
class ObjectStoreConfig:
    """Where large data lies while it is worked on."""

    use_object_store: Rare[bool] = False
    """Work directly in object storage: text in a bucket is not copied first, and the dataset is
    read and written in the bucket of the pipeline root instead of through Kubeflow's copies.
    Workers on other machines always do the latter."""
