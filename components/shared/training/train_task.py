"""One training run from its settings to its outputs, resumed where one was cut off."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import tensorflow as tf

from components.shared.checkpoints.checkpoint import write_checkpoint
from components.shared.checkpoints.checkpoint_manifest import fingerprint
from components.shared.checkpoints.lineage import compose_lineage
from components.shared.errors import InputError, Preempted
from components.shared.files.formats import without_writer
from components.shared.processes import distributed
from components.shared.stage.start import settings
from components.shared.tokens.tokenization import Tokenization
from components.shared.training.events import EventWriter
from components.shared.training.history import History
from components.shared.training.micro_batches import MicroBatch
from components.shared.training.resuming.checkpoint_store import open_states
from components.shared.training.resuming.lease import claim
from components.shared.training.resuming.step_checkpoints import StepCheckpoints
from components.shared.training.settings import TrainingConfig
from components.shared.training.trainer import Task, Trainer, TrainerSettings
from components.shared.training.validation import Validation


def train_task(
    task: Task,
    config: TrainingConfig,
    *,
    num_steps: int,
    label: str,
    micro_batches: Callable[[int], Sequence[MicroBatch]],
    vocabulary: Path,
    tokenization: Tokenization,
    inputs: str,
    dataset: str = "",
    initial: Path | None = None,
    labels: Sequence[str] | None = None,
    validation: Validation | None = None,
    makes_model: bool = False,
) -> None:
    """Train a task and write its checkpoint and history.

    Args:
        task: the model, with its first weights, and its losses.
        config: the stage's settings.
        num_steps: updates.
        label: names the run in progress lines and plots.
        micro_batches: this process's share of an update's global batch, by step.
        vocabulary: the vocab.txt that goes into the checkpoint.
        tokenization: how its text becomes words.
        inputs: a checksum of the data that is trained on.
        dataset: the text of the dataset.json that `inputs` is the checksum of, if it is of one.
        initial: the checkpoint folder of the first weights; None where they are random.
        labels: a classifier's, in the order of its outputs.
        validation: measures the model while it trains; None where nothing does.
        makes_model: whether the checkpoint is a finished model, rather than weights to go on with.
    """
    trainer = Trainer(
        task,
        TrainerSettings(
            label=label,
            num_steps=num_steps,
            learning_rate=config.learning_rate,
            warmup_steps=round(config.warmup_rate * num_steps),
            optimizer=config.optimizer,
            precision=config.precision,
            xla=config.xla,
            compress_gradients=config.compress_gradients,
            seed=config.seed,
            log_every_steps=config.log_every_steps,
            checkpoint_every_steps=config.checkpoint_every_steps,
        ),
    )
    history = History([], label=label)
    is_first = distributed.rank() == 0
    # How many processes share the batch, how often a line is logged or a state is saved, and
    # where, may change from one start to the next.
    may_change = {
        "num_processes", "num_nodes", "worker_pod", "pending_timeout_seconds",
        "job_timeout_seconds", "micro_batch_size", "log_every_steps",
        "checkpoint_every_steps", "checkpoint_directory", "num_checkpoints_kept",
        "hang_timeout_seconds", "max_restarts", "tensorboard_directory",
        "validate_every_steps", "num_validation_batches",
    }  # fmt: skip
    same = {name: value for name, value in settings(config).items() if name not in may_change}
    with claim(config.step_checkpoints, config.step_name) if is_first else nullcontext() as lease:
        steps = StepCheckpoints(
            open_states(config.step_checkpoints),
            trainer=trainer,
            history=history,
            run={
                "label": label,
                "num_steps": num_steps,
                # The same dataset, made again after an upgrade, is the same run's.
                "inputs": _hash(without_writer(dataset)) if dataset else inputs,
                "initial_weights": fingerprint(initial) if initial and is_first else "",
                "architecture": task.model.bert.config.to_json(),
                **same,
            },
            num_kept=config.num_checkpoints_kept,
            vocabulary=vocabulary,
            tokenization=tokenization,
            find_best=lambda: validation.best_step(history) if validation else None,
            lease=lease,
        )
        first_step = steps.restore_newest()
        if is_first:
            history.write_to(config.history)
            if config.events is not None:
                history.pass_on(EventWriter(config.events, first_step=first_step).write)
        with _memory_expected(config.micro_batch_size):
            done = trainer.run(
                micro_batches,
                first_step=first_step,
                history=history,
                save=steps.save,
                validation=validation,
            )
        steps.wait()
        if done < num_steps and not (validation and validation.is_over(history)):
            distributed.wait_for_all()
            raise Preempted(
                f"ended by SIGTERM at step {done} of {num_steps}, which is saved; the same command "
                "resumes from there"
            )
        if is_first:
            best_step = validation.best_step(history) if validation else None
            if best_step is not None:
                steps.restore_weights(best_step)
                history.append({"step": done, "best_step": best_step})
            write_checkpoint(
                config.checkpoint,
                model=task.model,
                vocabulary=vocabulary,
                tokenization=tokenization,
                step=done if best_step is None else best_step,
                labels=labels,
                lineage=compose_lineage(
                    label=label,
                    settings={"num_steps": num_steps, **same},
                    inputs=inputs,
                    initial=initial,
                    dataset=dataset,
                    makes_model=makes_model,
                ),
            )
            steps.keep_only(done, best_step)
        distributed.wait_for_all()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _memory_expected(micro_batch_size: int) -> Iterator[None]:
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError):
        raise InputError(
            f"out of memory with micro_batch_size {micro_batch_size}; lower it, which changes no "
            "result but the time, or take a machine with more memory"
        ) from None
