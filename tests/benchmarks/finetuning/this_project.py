"""This project's side of the fine-tuning benchmark: its trainer and predictor, ready to measure.

Runs in the environment of images/finetune, started by finetune.py.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from components.evaluate.squad.config import AnswerConfig
from components.evaluate.squad.question_answerer import Answerer
from components.finetune.batches import SequenceBatches
from components.finetune.squad.task import SpanTask
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.checkpoints.warm_start import start_from
from components.shared.processes import distributed
from components.shared.squad.data import read_squad
from components.shared.squad.windows import make_windows
from components.shared.training.micro_batches import MicroBatch
from tests.benchmarks.measuring.optimizer_steps import make_train
from tests.benchmarks.measuring.workers import serve


class _Epoch(Sequence[MicroBatch]):
    """An epoch's batches, padded when they are asked for: that is part of the work."""

    def __init__(self, batches: SequenceBatches) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return self._batches.num_steps(1)

    def __getitem__(self, step):
        if step >= len(self):
            raise IndexError(step)
        (batch,) = self._batches.micro_batches(step)
        return batch


def main() -> None:
    """Offer an epoch of updates, and the scoring of a SQuAD file's windows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--train", type=Path, required=True, help="SQuAD file")
    parser.add_argument("--answer", type=Path, required=True, help="SQuAD file")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--prediction-batch-size", type=int, default=32)
    arguments = parser.parse_args()
    distributed.initialize(seed=1, precision=arguments.precision)
    checkpoint = Checkpoint.read(arguments.checkpoint)
    windows = make_windows(
        read_squad(arguments.train).questions,
        checkpoint.make_tokenizer(),
        checkpoint.vocabulary,
        training=True,
    )
    positions = [(window.start_position, window.end_position) for window in windows]
    starts_N, ends_N = np.array(positions, np.int32).T
    epoch = _Epoch(
        SequenceBatches(
            windows,
            {"start_positions": starts_N, "end_positions": ends_N},
            loss="span",
            noun="windows",
            global_batch_size=arguments.batch_size,
            num_micro_batches=1,
            micro_batch_size=arguments.batch_size,
            rank=0,
            seed=1,
        )
    )
    task = SpanTask(checkpoint.config, seed=1)
    start_from(checkpoint, task.model)
    train = make_train(task, precision=arguments.precision)
    questions = read_squad(arguments.answer).questions
    answerer = Answerer(
        AnswerConfig(checkpoint=arguments.checkpoint, precision=arguments.precision)
    )
    asked = answerer.cut(questions)
    facts = {
        "num_trained": sum(batch.num_sequences for batch in epoch),
        "num_tokens": sum(batch.num_tokens for batch in epoch),
        "num_positions": sum(batch.num_positions for batch in epoch),
        "lengths": sorted({batch.arrays["token_ids"].shape[1] for batch in epoch}),
        "num_questions": len(questions),
        "num_windows": len(asked),
    }
    size = arguments.prediction_batch_size
    measurements = {
        "train": lambda: train(epoch),
        "predict": lambda: answerer.predictor.score(asked, batch_size=size),
    }
    serve(facts, measurements)


if __name__ == "__main__":
    main()
