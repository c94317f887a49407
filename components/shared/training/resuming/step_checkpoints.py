"""The checkpoints of a run under way, from which a killed run resumes."""

import json
import socket
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from components.shared.checkpoints.checkpoint import (
    restore_training,
    snapshot,
    write_snapshot,
)
from components.shared.checkpoints.checkpoint_manifest import check_files
from components.shared.errors import DamagedError, InputError
from components.shared.files.formats import STAMP_KEYS, load_stamped, stamp
from components.shared.processes import distributed
from components.shared.processes.heartbeat import pulse
from components.shared.tokens.tokenization import Tokenization
from components.shared.training.history import History
from components.shared.training.resuming.checkpoint_store import States, name_state, step_of
from components.shared.training.resuming.lease import Lease
from components.shared.training.trainer import Trainer
from components.shared.training.validation import is_over

_REMEDY = "remove that state: the one before it is taken then"
_HISTORY, _RUN, _TRAINER = "history.jsonl", "run.json", "trainer.json"


class StepCheckpoints:
    """A state `step-00000100` after each so many updates, written while training goes on.

    It holds weights, optimizer, loss scale, the history, the sums since its last line, and
    the updates done, which are the position in the data too. Process 0 alone reads and
    writes: all others get what it read.
    """

    def __init__(
        self,
        states: States,
        *,
        trainer: Trainer,
        history: History,
        run: Mapping[str, Any],
        num_kept: int,
        vocabulary: Path,
        tokenization: Tokenization,
        find_best: Callable[[], int | None] = lambda: None,
        lease: Lease | None = None,
    ) -> None:
        """Look after the states of a run.

        Args:
            states: where they are kept.
            trainer: whose state it is.
            history: of the run; restored with the state.
            run: what makes the run the same run (settings, inputs), as JSON can hold it.
            num_kept: how many are kept, the newest.
            vocabulary: the vocab.txt that goes into each.
            tokenization: how its text becomes words.
            find_best: the step whose state is kept besides the newest.
            lease: rank 0's hold of that place.
        """
        self._lease = lease
        self._find_best = find_best
        self._states, self._trainer, self._history = states, trainer, history
        self._run = json.dumps({**stamp(_RUN), **run}, indent=2, sort_keys=True) + "\n"
        self._num_kept, self._vocabulary, self._tokenization = num_kept, vocabulary, tokenization
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._writing: Future[None] | None = None

    def restore_newest(self) -> int:
        """Restore the newest whole state and its history; return its updates, 0 if none.

        One that fails its checksums is skipped, with a line that says so, for the one before.

        Raises:
            InputError: if a state is of a run with other settings or inputs, or another
                machine has a newer one.
        """
        names = self._states.names()
        self._expect_none_newer_elsewhere(names)
        found = self._restore(names) if distributed.rank() == 0 else None
        found = distributed.tell_all(found)
        if found is None:
            return 0
        step, trainer_state, entries = found
        self._trainer.set_state(trainer_state)
        self._history.entries[:] = entries
        return step

    def save(self, step: int) -> None:
        """Copy the state after `step` updates and write it in the background.

        Waits until the one before is written.

        Raises:
            Exception: as writing the one before raised it.
        """
        if distributed.rank() != 0:
            return
        self.wait()
        trainer = self._trainer
        tensors = snapshot(trainer.task.model, optimizer=trainer.optimizer, step=step)
        best_step = self._find_best()
        texts = {
            _HISTORY: self._history.text(),
            _RUN: self._run,
            _TRAINER: json.dumps(trainer.state()),
        }
        self._writing = self._writer.submit(self._write, step, best_step, tensors, texts)

    def wait(self) -> None:
        """Return once nothing is being written.

        Raises:
            Exception: as writing raised it.
        """
        if self._writing is None:
            return
        while wait([self._writing], timeout=1).not_done:
            pulse.move()
        self._writing.result()
        self._writing = None

    def restore_weights(self, step: int) -> None:
        """Give the model the weights of a step's state.

        Raises:
            InputError: if the state is damaged.
        """
        with self._states.read(name_state(step)) as folder:
            check_files(folder, has_manifest=True)
            trainer = self._trainer
            restore_training(folder, trainer.task.model, trainer.optimizer)

    def keep_only(self, *steps: int | None) -> None:
        """Remove all states but those of some steps."""
        self._expect_held()
        kept = {name_state(step) for step in steps if step is not None}
        for name in self._states.names():
            if name not in kept:
                self._states.remove(name)

    def _write(
        self,
        step: int,
        best_step: int | None,
        tensors: Mapping[str, Any],
        texts: Mapping[str, str],
    ) -> None:
        self._expect_held()
        name = name_state(step)
        self._states.write(
            name,
            lambda folder: write_snapshot(
                folder,
                tensors=tensors,
                config=self._trainer.task.model.bert.config,
                vocabulary=self._vocabulary,
                tokenization=self._tokenization,
                more=texts,
            ),
        )
        # One that is newer was skipped as broken, and will be written again.
        older = [other for other in self._states.names() if other <= name]
        for other in older[self._num_kept :]:
            if step_of(other) != best_step:
                self._states.remove(other)

    def _expect_held(self) -> None:
        if self._lease is not None:
            self._lease.expect_held()

    def _restore(self, names: list[str]) -> tuple[int, dict[str, Any], list[dict[str, Any]]] | None:
        self._states.remove_leftovers()
        for index, name in enumerate(names):
            with ExitStack() as block:
                try:
                    folder = block.enter_context(self._states.read(name))
                    check_files(folder, has_manifest=True)
                except DamagedError as error:
                    print(f"skipped {self._states}/{name}: {error}", file=sys.stderr, flush=True)
                    continue
                if not self._is_of_finished_run(folder, name):
                    trainer = self._trainer
                    step = restore_training(folder, trainer.task.model, trainer.optimizer)
                    trainer_state = json.loads((folder / _TRAINER).read_text("utf-8"))
                    entries = History.read(folder / _HISTORY).entries
                    print(
                        f"resuming from step {step} of {self._states}", file=sys.stderr, flush=True
                    )
                    return step, trainer_state, entries
            # The last one last: as long as it is there, the others may go.
            for finished in reversed(names[index:]):
                self._states.remove(finished)
            return None
        if names:
            print(
                "no valid checkpoint is left; starting from the beginning",
                file=sys.stderr,
                flush=True,
            )
        return None

    def _is_of_finished_run(self, folder: Path, name: str) -> bool:
        """Whether a state is the last of another run, which needs it no more.

        Raises:
            InputError: if it is of another run that has not finished.
        """
        ours = json.loads(self._run)
        theirs = load_stamped(folder / _RUN, dict[str, Any], kind=_RUN, remedy=_REMEDY)
        # A setting that the state does not name is newer than the version that wrote it.
        common = (ours.keys() & theirs.keys()) - STAMP_KEYS
        other = [name for name in common if theirs[name] != ours[name]]
        if not other:
            return False
        setting = min(other)
        difference = (
            f"{self._states}/{name}: the state of a run with {setting} "
            f"{theirs[setting]!r}, this one has {ours[setting]!r}"
        )
        history = History.read(folder / _HISTORY)
        if step_of(name) == theirs.get("num_steps") or is_over(history, theirs.get("patience", 0)):
            print(f"{difference}; that run is finished: removed", file=sys.stderr, flush=True)
            return True
        raise InputError(
            f"{difference}; remove that folder to start anew, or give another checkpoint_directory"
        )

    def _expect_none_newer_elsewhere(self, names: list[str]) -> None:
        """Not to start anew because the machines came in another order than last time."""
        views = distributed.gather((names[0] if names else "", socket.gethostname()))
        own, newest = views[0], max(views)
        if newest[0] > own[0]:
            raise InputError(
                f"{self._states}: {newest[1]} has {newest[0]}, {own[1]}, where rank 0 runs, "
                f"{own[0] or 'nothing'}; give a checkpoint_directory that all machines share, or "
                "start rank 0 where it ran before"
            )
