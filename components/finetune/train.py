"""What each Horovod process does in fine-tuning."""

import sys

import numpy as np

from components.finetune.batches import SequenceBatches
from components.finetune.config import FinetuneConfig
from components.finetune.task import SpanTask
from components.shared.bert import distributed
from components.shared.bert.checkpoint import Checkpoint
from components.shared.bert.initial import start_from
from components.shared.bert.training import train_task
from components.shared.files import sha256
from components.shared.squad.data import read_squad
from components.shared.squad.windows import count_left_out, make_windows
from components.shared.tokenizer import WordPieceTokenizer


def train(config: FinetuneConfig) -> None:
    """Fine-tune on all processes; the first writes the outputs."""
    data = read_squad(config.squad / "train.json")
    initial = Checkpoint.read(config.initial_checkpoint, may_be_untrained=True)
    config.expect_room(initial.config.max_position_embeddings)
    distributed.initialize(seed=config.seed, precision=config.precision)
    windows = make_windows(
        data.questions,
        WordPieceTokenizer(initial.vocabulary, lowercase=initial.lowercase),
        initial.vocabulary,
        max_length_tokens=config.max_length_tokens,
        stride_tokens=config.stride_tokens,
        max_query_tokens=config.max_query_tokens,
        training=True,
    )
    left_out = count_left_out(data.questions, windows)
    if left_out and distributed.rank() == 0:
        print(
            f"finetune: {left_out} of {len(data.questions)} questions left out: their answers "
            "can't be found in the words of their contexts",
            file=sys.stderr,
        )
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
    task = SpanTask(initial.config, seed=config.seed)
    start_from(initial, task.model)
    train_task(
        task,
        config,
        num_steps=batches.num_steps(config.num_epochs),
        label=f"Fine-tuning on SQuAD {data.version}",
        micro_batches=batches.micro_batches,
        vocabulary=initial.folder / "vocab.txt",
        lowercase=initial.lowercase,
        inputs=sha256(config.squad / "train.json"),
        initial=initial.folder,
    )
