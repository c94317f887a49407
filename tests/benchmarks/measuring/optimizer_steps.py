"""Optimizer steps of this project's trainer on given batches, as many as a benchmark asks for."""

import dataclasses
from collections.abc import Callable, Sequence

from components.shared.training.history import History
from components.shared.training.micro_batches import MicroBatch
from components.shared.training.trainer import Task, Trainer, TrainerSettings


def make_train(task: Task, *, precision: str) -> Callable[[Sequence[MicroBatch]], None]:
    """Return a function that takes an optimizer step on each micro-batch, as the stages do.

    Args:
        task: what is trained; its model is in `precision` already.
        precision: as the stages name it.
    """
    settings = TrainerSettings(
        label="Benchmark",
        num_steps=1_000_000,
        learning_rate=1e-4,
        warmup_steps=0,
        optimizer="adamw",
        precision=precision,
        xla="auto",
        compress_gradients=False,
        seed=1,
        log_every_steps=1_000_000,
        checkpoint_every_steps=1_000_000,
    )
    trainer = Trainer(task, settings)

    def train(batches: Sequence[MicroBatch]) -> None:
        trainer.settings = dataclasses.replace(settings, num_steps=len(batches))
        trainer.run(
            lambda step: [batches[step]],
            first_step=0,
            history=History([]),
            save=lambda step: None,
        )

    return train
