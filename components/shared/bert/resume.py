"""The checkpoints of a run under way, from which a run that was killed goes on."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.shared.bert import distributed
from components.shared.bert.checkpoint import check_files, restore_training, write_checkpoint
from components.shared.bert.history import History
from components.shared.bert.trainer import Trainer
from components.shared.errors import InputError

_HISTORY = "history.jsonl"
_RUN, _LOSS_SCALE = "run.json", "loss_scale.json"
_NUM_KEPT = 2


class StepCheckpoints:
    """A folder `step-00000100` for each state kept: the newest two."""

    def __init__(
        self, directory: Path, *, trainer: Trainer, history: History, run: Mapping[str, Any]
    ) -> None:
        """Look after the states in a folder.

        Args:
            directory: holds a folder for each state; other files in it are left alone.
            trainer: whose state it is.
            history: of the run; restored with the state.
            run: what makes the run the same run (settings, inputs), as JSON can hold it.
        """
        self._directory, self._trainer, self._history = directory, trainer, history
        self._run = json.dumps(run, indent=2, sort_keys=True) + "\n"

    def restore_newest(self) -> int:
        """Restore the newest whole state and its history; return its updates, 0 if none.

        One that fails its checksums is passed over for the one before, and said so.

        Raises:
            InputError: if a state is of a run with other settings or inputs.
        """
        for folder in self._newest_first():
            try:
                check_files(folder, has_manifest=True)
            except InputError as error:
                print(f"passed over: {error}", file=sys.stderr, flush=True)
                continue
            self._expect_same_run(folder)
            task, optimizer = self._trainer.task, self._trainer.optimizer
            step = restore_training(folder, task.model, optimizer)
            self._trainer.loss_scale.set_state(
                json.loads((folder / _LOSS_SCALE).read_text("utf-8"))
            )
            self._history.entries[:] = History.read(folder / _HISTORY).entries
            if distributed.rank() == 0:
                print(f"going on from step {step} of {folder}", file=sys.stderr, flush=True)
            return step
        return 0

    def save(self, step: int, *, vocabulary: Path, lowercase: bool) -> None:
        """Write the state after `step` updates; process 0 does, for all have the same."""
        if distributed.rank() == 0:
            write_checkpoint(
                self._directory / f"step-{step:08d}",
                model=self._trainer.task.model,
                vocabulary=vocabulary,
                lowercase=lowercase,
                optimizer=self._trainer.optimizer,
                step=step,
                more={
                    _HISTORY: self._history.text(),
                    _RUN: self._run,
                    _LOSS_SCALE: json.dumps(self._trainer.loss_scale.state()),
                },
            )
            for folder in self._newest_first()[_NUM_KEPT:]:
                shutil.rmtree(folder)

    def remove(self) -> None:
        """Remove them all, once the run's result is written."""
        if distributed.rank() == 0 and self._directory.exists():
            for folder in self._newest_first():
                shutil.rmtree(folder)
            if not any(self._directory.iterdir()):
                self._directory.rmdir()

    def _expect_same_run(self, folder: Path) -> None:
        theirs, ours = json.loads((folder / _RUN).read_text("utf-8")), json.loads(self._run)
        other = [name for name in ours if theirs.get(name) != ours[name]]
        if other:
            name = other[0]
            raise InputError(
                f"{folder}: the state of a run with {name} {theirs.get(name)!r}, this one has "
                f"{ours[name]!r}; remove that folder to start anew, or give another "
                "checkpoint_directory"
            )

    def _newest_first(self) -> list[Path]:
        return sorted(self._directory.glob("step-*"), reverse=True)
