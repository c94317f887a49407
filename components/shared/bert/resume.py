"""The checkpoints of a run under way, from which a run that was killed goes on."""

import shutil
import sys
from pathlib import Path

from components.shared.bert import distributed
from components.shared.bert.checkpoint import check_files, restore_training, write_checkpoint
from components.shared.bert.history import History
from components.shared.bert.trainer import Trainer
from components.shared.errors import InputError

_HISTORY = "history.jsonl"
_NUM_KEPT = 2


class StepCheckpoints:
    """A folder `step-00000100` for each state kept: the newest two."""

    def __init__(self, directory: Path, *, trainer: Trainer, history: History) -> None:
        self._directory, self._trainer, self._history = directory, trainer, history

    def restore_newest(self) -> int:
        """Restore the newest whole state and its history; return its updates, 0 if none.

        One that fails its checksums is passed over for the one before, and said so.

        Raises:
            InputError: if a whole one does not fit the model: it is another run's.
        """
        for folder in self._newest_first():
            try:
                check_files(folder)
            except InputError as error:
                print(f"passed over: {error}", file=sys.stderr, flush=True)
                continue
            task, optimizer = self._trainer.task, self._trainer.optimizer
            step = restore_training(folder, task.model, optimizer)
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
                more={_HISTORY: self._history.text()},
            )
            for folder in self._newest_first()[_NUM_KEPT:]:
                shutil.rmtree(folder)

    def remove(self) -> None:
        """Remove them all, once the run's result is written."""
        if distributed.rank() == 0:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _newest_first(self) -> list[Path]:
        return sorted(self._directory.glob("step-*"), reverse=True)
