"""The settings of the releasing stage."""

import re
from dataclasses import dataclass
from pathlib import Path

from components.shared.classification.settings import SentenceConfig
from components.shared.errors import InputError
from components.shared.files.text import mask_addresses
from components.shared.storage.locations import expect_path_or_bucket

_HIGHEST = 100.0
_REGISTRY = re.compile(r"https?://[^\s/?#@]+[^\s?#@]*")


@dataclass(frozen=True, kw_only=True)
class StoreConfig:
    """Where a model is released to, and by how much it may be worse than the one in use."""

    model_store: str = ""
    """Model store to release to: a folder (on a volume that the step has), gs:// or s3:// URL.
    Empty releases nothing."""
    max_drop: float = 1.0
    """Maximum drop of a score, in percent points, against the model in use: the model is held back
    unless a larger one is ruled out with 95% confidence."""
    keep_versions: int = 10
    """Number of versions to keep that are or were in use."""
    model_registry: str = ""
    """URL of Kubeflow's Model Registry to register released versions in, such as
    http://model-registry-service.kubeflow:8080. Empty registers nothing."""
    registered_model: str = ""
    """Name of the model in that registry. Empty takes the last part of model_store."""

    checkpoint: Path
    """Checkpoint folder of the model to release."""
    candidate_metrics: Path
    """The evaluation's metrics of the model, JSON."""

    release_metrics: Path
    """Output: whether the model was released and why, its scores and those of the one in use,
    JSON."""
    release_report: Path
    """Output: the release report, HTML."""

    def __post_init__(self) -> None:
        expect_path_or_bucket("model_store", self.model_store)
        if self.model_registry and not _REGISTRY.fullmatch(self.model_registry):
            raise InputError(
                "model_registry must be an http(s):// address without a user, query or fragment, "
                f"got {mask_addresses(self.model_registry)!r}"
            )
        if self.model_registry and not self.model_store:
            raise InputError(
                "model_registry needs model_store: only released versions are registered"
            )
        if not 0 <= self.max_drop <= _HIGHEST:
            raise InputError(f"max_drop must be 0 to 100 percent points, got {self.max_drop}")
        if self.keep_versions < 1:
            raise InputError(f"keep_versions must be 1 or more, got {self.keep_versions}")

    def _expect_percent(self, *names: str) -> None:
        for name in names:
            if not 0 <= getattr(self, name) <= _HIGHEST:
                raise InputError(f"{name} must be 0 to 100 percent, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class ReleaseConfig(StoreConfig):
    """Release a model that answers questions, if it is good enough and no worse than before."""

    squad: Path
    """Folder with dev.json, the questions that the models are compared on, and train.json."""

    min_f1: float = 0.0
    """Minimum F1 of a released model, in percent."""
    min_exact: float = 0.0
    """Minimum exact match of a released model, in percent."""
    quantize: bool = False
    """Whether to add an int8 graph to the model, which the server takes on CPUs with VNNI or AMX.
    It is calibrated on train.json."""
    max_f1_loss: float = 0.5
    """Maximum loss of F1 of that graph on dev.json, in percent points: if it loses more, the
    model is released without it."""

    def __post_init__(self) -> None:
        StoreConfig.__post_init__(self)
        self._expect_percent("min_f1", "min_exact", "max_f1_loss")
        if self.quantize and not self.model_store:
            raise InputError("quantize needs model_store: the graph is made for a released model")


@dataclass(frozen=True, kw_only=True)
class ReleaseClassificationConfig(StoreConfig, SentenceConfig):
    """Release a model of sentences, if it is good enough and no worse than the one in use."""

    sentences: Path
    """Folder with the development sets, the first of which the models are compared on."""
    predictions: Path
    """The evaluation's predictions of the model."""

    min_score: float = 0.0
    """Minimum score of a released model, in percent: the accuracy, Pearson's correlation of a
    regression, NDCG@10 of a ranking, or the GLUE task's metric."""

    def __post_init__(self) -> None:
        StoreConfig.__post_init__(self)
        SentenceConfig.__post_init__(self)
        self._expect_percent("min_score")
