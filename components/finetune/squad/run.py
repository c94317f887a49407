"""The fine-tuning stage: SQuAD's questions, an initial checkpoint, and a model that answers."""

import sys

import numpy as np

from components.finetune.squad.config import FinetuneConfig
from components.shared.files.atomic import sha256
from components.shared.squad.answers import place_answers
from components.shared.squad.data import read_squad
from components.shared.squad.windows import count_left_out, make_windows
from components.shared.stage.start import Metadata
from components.shared.training.run_training import train_and_summarize


def run(config: FinetuneConfig) -> Metadata:
    """Fine-tune on `num_processes` ranks of each node."""
    return train_and_summarize(config, train)


def train(config: FinetuneConfig) -> None:
    """Fine-tune as one of the ranks; the first writes the outputs.

    TensorFlow is imported here, so that the launcher starts without it.
    """
    from components.finetune.batches import SequenceBatches
    from components.finetune.squad.task import SpanTask
    from components.shared.checkpoints.checkpoint import Checkpoint
    from components.shared.checkpoints.warm_start import start_from
    from components.shared.processes import distributed
    from components.shared.training.train_task import train_task

    path = config.squad / "train.json"
    data = read_squad(path, version=config.squad_version)
    placed = place_answers(data.questions, max_bad_rate=config.max_bad_rate, source=str(path))
    questions = placed.questions
    initial = Checkpoint.read(config.initial_checkpoint, may_be_untrained=True)
    config.expect_room(initial.config.max_position_embeddings)
    distributed.initialize(seed=config.seed, precision=config.precision)
    windows = make_windows(
        questions,
        initial.make_tokenizer(),
        initial.vocabulary,
        max_length_tokens=config.max_length_tokens,
        stride_tokens=config.stride_tokens,
        max_query_tokens=config.max_query_tokens,
        training=True,
    )
    if distributed.rank() == 0:
        lines = [*data.describe(), *placed.describe()]
        left_out = count_left_out(questions, windows)
        if left_out:
            lines.append(f"questions skipped because the answer has no word piece: {left_out}")
        for line in lines:
            print(f"finetune: {line}", file=sys.stderr)
    num_micro_batches, micro_batch_size = config.split_batch(distributed.size())
    positions = [(window.start_position, window.end_position) for window in windows]
    starts_N, ends_N = np.array(positions, np.int32).reshape(-1, 2).T
    batches = SequenceBatches(
        windows,
        {"start_positions": starts_N, "end_positions": ends_N},
        loss="span",
        noun="windows",
        global_batch_size=config.global_batch_size,
        num_micro_batches=num_micro_batches,
        micro_batch_size=micro_batch_size,
        rank=distributed.rank(),
        seed=config.seed,
    )
    task = SpanTask(initial.config, seed=config.seed, has_pooler=initial.has_pooler)
    start_from(initial, task.model)
    train_task(
        task,
        config,
        num_steps=batches.num_steps(config.num_epochs),
        label=f"Fine-tuning on SQuAD {data.version}",
        micro_batches=batches.micro_batches,
        vocabulary=initial.folder / "vocab.txt",
        tokenization=initial.tokenization,
        inputs=sha256(path),
        initial=initial.folder,
        makes_model=True,
    )
