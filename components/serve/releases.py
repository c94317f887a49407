"""Loads a model, and follows a model store to the release in use."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.serve.config import ServeConfig
from components.serve.engines import load_model
from components.serve.served import Served
from components.serve.tasks.label_task import LabelTask
from components.serve.tasks.question_task import QuestionTask
from components.serve.tasks.ranking_task import RankingTask
from components.serve.tasks.task_protocol import Task
from components.shared.bert.sequences import pad_to
from components.shared.checkpoints.description import Description
from components.shared.classification.features import Features
from components.shared.classification.tasks import find_task
from components.shared.errors import InputError
from components.shared.model_store.layout import CURRENT, VERSIONS
from components.shared.model_store.store import ModelStore, open_store

# Sequences of these lengths are computed once before a model takes over: the first of each
# length takes longer.
_WARM_UP_LENGTHS = (16, 64, 128, 384)


class Releases:
    """Where models come from: one folder, or the versions of a model store."""

    def __init__(self, config: ServeConfig) -> None:
        """Open the store, if it is one.

        Raises:
            InputError: if there is neither a model nor a store.
        """
        self._config = config
        self._store = _find_store(config)

    @property
    def changes(self) -> bool:
        """Whether another release may follow."""
        return self._store is not None and not self._config.model_version

    def find_current(self) -> str:
        """The version to serve; "" for a folder's only one.

        Raises:
            InputError: if nothing was released, or the store can't be read.
        """
        if self._store is None:
            return ""
        version = self._config.model_version or self._store.find_current()
        if version is None:
            raise InputError(f"{self._store}: no release yet; a pipeline's step release makes one")
        return version

    def load(self, version: str) -> Served:
        """Load a version from `find_current`.

        Raises:
            InputError: if it can't be served.
        """
        if self._store is None:
            return load(Path(self._config.model), version, self._config)
        with _fetched(self._store, version) as folder:
            return load(folder, version, self._config)


def load(folder: Path, version: str, config: ServeConfig) -> Served:
    """Load a model's folder; it is not needed any more then.

    Raises:
        InputError: if it is not whole, or its task is not served.
    """
    model = load_model(folder, config)
    described = model.description
    task = _choose_task(described, config)
    most = described.config.max_position_embeddings
    vocabulary = described.vocabulary
    for length in (length for length in _WARM_UP_LENGTHS if length <= most):
        blank = Features([vocabulary.cls_id, vocabulary.sep_id], 2)
        for _ in range(model.num_streams):  # each device in its turn
            model.run(pad_to([blank], length=length))
    name = f"{config.model} {version}".rstrip()
    why = ": ".join(filter(None, (config.precision, model.reason)))
    print(f"serve: {name}: loaded, in {model.precision} ({why}) by {model.engine}", flush=True)
    return Served(version, task, model.run, config, num_streams=model.num_streams)


def _choose_task(described: Description, config: ServeConfig) -> Task:
    if described.labels is None:
        return QuestionTask(described, config)
    is_ranking = find_task(described.labels) == "ranking"
    return (RankingTask if is_ranking else LabelTask)(described, described.labels, config)


def _find_store(config: ServeConfig) -> ModelStore | None:
    """The store that `model` names; None for the folder of a model."""
    if "://" in config.model:
        return open_store(config.model)
    folder = Path(config.model)
    if (folder / CURRENT).exists() or (folder / VERSIONS).is_dir():
        return open_store(config.model)
    if config.model_version:
        raise InputError(
            f"model_version {config.model_version}: {folder} is not a model store; leave it out"
        )
    return None


@contextmanager
def _fetched(store: ModelStore, version: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="serve-", ignore_cleanup_errors=True) as scratch:
        yield store.fetch(version, Path(scratch) / "version") / "model"
