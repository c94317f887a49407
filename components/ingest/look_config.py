"""The settings of the look for new inputs, and of the record that it compares them with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from components.ingest.config import (
    CURRENT,
    SourceConfig,
    TextConfig,
    WeightsConfig,
    expect_given,
)
from components.shared.errors import InputError
from components.shared.stage.settings import Rare, expect_choices
from components.shared.storage.locations import expect_path_or_bucket

_MAX_HOURS = 8784


@dataclass(frozen=True, kw_only=True)
class LookConfig(SourceConfig, WeightsConfig, TextConfig):
    """Check whether the inputs of a training differ from those that were trained on last."""

    squad_train: str = ""
    """SQuAD training set. Empty compares none."""
    squad_dev: str = ""
    """SQuAD file to evaluate on. Empty compares none."""
    record: str
    """JSON file that records what was trained on last: a path on a mounted volume, or a gs:// or
    s3:// URL. Without it, all counts as new."""
    retrain_on: tuple[Literal["data", "settings", "version"], ...] = ("data",)
    """Changes that start a new training: of the data (the dump, the text, the questions, the
    initial checkpoint), of the settings (the run's other parameters), or of the version of this
    product."""
    settings_digest: Rare[str] = ""
    """SHA-256 of the run's other parameters, to tell a change of them. `submit` and `schedule
    apply` fill it in."""
    model_store: str = ""
    """Model store whose model in use `initial_checkpoint: current` stands for."""
    without_current: Literal["scratch", "error"] = "scratch"
    """What `initial_checkpoint: current` does while no model is in use: start from random weights,
    or end the run with an error."""
    when_running: Literal["end", "wait"] = "end"
    """What a run does while another one works on the same record: end at once as already running,
    or wait for the other's end."""
    max_run_hours: Rare[float] = 336.0
    """Hours after which a run that left no word of its end no longer keeps others waiting."""
    checkpoint_directory: str = ""
    """Folder or URL in which trainings keep the checkpoints to resume from. Empty keeps none."""

    is_new: Path
    """Output parameter: true if nothing, or something different, is recorded."""
    found_dump: Path
    """Output parameter: the dump with its date: enwiki-20261001 for enwiki-latest."""
    found_checkpoint: Path | None = None
    """Output parameter: the initial checkpoint, with the version for `current`. Packages compiled
    before it was added have none; nor the next two."""
    fingerprint: Path
    """Output parameter: what distinguishes the dump's files from others."""
    inputs: Path | None = None
    """Output parameter: the fingerprint of each input, as JSON."""
    changes: Path | None = None
    """Output: whether anything is new, and what it was compared with, JSON."""
    dump_checkpoints: Path
    """Output parameter: these inputs' folder in checkpoint_directory, so that a failed training on
    the same data resumes there and one on others doesn't. Empty if checkpoint_directory is."""

    def __post_init__(self) -> None:
        super().__post_init__()
        TextConfig.__post_init__(self)
        expect_choices(self)
        expect_given(self, "record")
        if not self.dump.strip() and not self.text.strip():
            raise InputError("nothing to look for; give dump, text or both")
        if not self.retrain_on:
            raise InputError("retrain_on is empty; give data, settings or version")
        if "settings" in self.retrain_on and not self.settings_digest:
            raise InputError(
                "retrain_on has settings, but settings_digest is empty; start the run by `submit` "
                "or a schedule, which fill it in"
            )
        if not 0 < self.max_run_hours <= _MAX_HOURS:
            raise InputError(
                f"max_run_hours must be above 0 and at most {_MAX_HOURS}, a year, got "
                f"{self.max_run_hours}"
            )
        for name in ("record", "checkpoint_directory", "model_store"):
            expect_path_or_bucket(name, getattr(self, name))

    def _expect_checkpoint(self) -> None:
        if self.initial_checkpoint != CURRENT:
            super()._expect_checkpoint()
        elif not self.model_store:
            raise InputError(
                f"initial_checkpoint is {CURRENT}, but model_store is empty; give the model store "
                "whose model in use the training is to start from"
            )


@dataclass(frozen=True, kw_only=True)
class RecordConfig:
    """Record what was trained on, for the next `look`."""

    dump: str
    """The dump that `look` found."""
    fingerprint: str
    """The fingerprint that `look` found."""
    inputs: str = ""
    """The inputs that `look` found. Empty records the dump alone."""
    record: str
    """JSON file to write: a path on a mounted volume, or a gs:// or s3:// URL."""
    dump_checkpoints: str = ""
    """Checkpoint folder that `look` gave; the checkpoints in it are removed. Empty removes none."""

    def __post_init__(self) -> None:
        for name in ("fingerprint", "record"):
            expect_given(self, name)
        expect_path_or_bucket("record", self.record)
        expect_path_or_bucket("dump_checkpoints", self.dump_checkpoints)
