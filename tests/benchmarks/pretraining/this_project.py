"""This project's side of the pretraining benchmarks: its own trainer, ready to be measured.

Runs in the environment of images/pretrain, started by pretrain.py.
"""

import argparse
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.pretrain.batches import BatchMaker, make_packed_batch
from components.pretrain.dataset_files import find_shards
from components.pretrain.rows import Row, RowReader
from components.pretrain.task import PretrainingTask
from components.shared.bert.config import BertConfig
from components.shared.dataset.packed_rows import PackedRow, decode_row, encode_row
from components.shared.processes import distributed
from components.shared.tokens.vocabulary import Vocabulary
from components.shared.training.micro_batches import MicroBatch
from tests.benchmarks.measuring.optimizer_steps import make_train
from tests.benchmarks.measuring.workers import serve
from tests.benchmarks.pretraining.arrays import MASK_RATE, make_arrays
from tests.benchmarks.pretraining.products import Product, list_products

_VOCAB_SIZE = 30522


def serve_packing(arguments: argparse.Namespace) -> None:
    """Offer updates on packed rows, and on the same sequences one a row."""
    size = arguments.num_rows
    make = _make_maker(arguments, Vocabulary.read(arguments.vocabulary))
    rows = _open_rows(arguments)
    packed = [rows.read(position) for position in range(arguments.num_updates * size)]
    alone = [one for row in packed for one in _unpack(row)]
    name_to_batches = {
        name: [make(some[start : start + size]) for start in range(0, len(some) - size + 1, size)]
        for name, some in (("packed", packed), ("padded", alone))
    }
    train = _make_trainer(arguments)
    facts = {
        name: {
            "num_tokens": sum(batch.num_tokens for batch in batches),
            "num_positions": sum(batch.num_positions for batch in batches),
        }
        for name, batches in name_to_batches.items()
    }
    measurements = {
        name: lambda batches=batches: train(batches) for name, batches in name_to_batches.items()
    }
    serve(facts, measurements)


def serve_step(arguments: argparse.Namespace) -> None:
    """Offer updates on random full rows, and their matrix products alone."""
    num_rows, length = arguments.num_rows, arguments.length
    arrays = make_arrays(num_rows=num_rows, length=length, vocab_size=_VOCAB_SIZE)
    num_predicted = arrays["masked_ids"].size
    batch = MicroBatch(
        arrays,
        {"masked_lm": float(num_predicted), "next_sentence": float(num_rows)},
        num_sequences=num_rows,
        num_tokens=num_rows * length,
        num_positions=num_rows * length,
    )
    train = _make_trainer(arguments)
    config = BertConfig.preset(arguments.preset, vocab_size=_VOCAB_SIZE).fields()
    products = list_products(config, num_rows=num_rows, length=length, num_predicted=num_predicted)
    dtype = tf.bfloat16 if arguments.precision == "mixed_bfloat16" else tf.float32
    multiply = make_multiply(products, dtype)
    serve(
        {"flops": sum(one.flops for one in products)},
        {"step": lambda: train([batch] * arguments.num_updates), "products": multiply},
    )


def serve_input(arguments: argparse.Namespace) -> None:
    """Offer the making of an update's micro-batches, as the trainer's thread makes them."""
    maker = BatchMaker(
        _open_rows(arguments),
        _make_maker(arguments, Vocabulary.read(arguments.vocabulary)),
        rank=0,
        num_processes=1,
        num_micro_batches=arguments.num_updates,
        micro_batch_size=arguments.num_rows,
    )
    counted = range(4)
    num_tokens = [batch.num_tokens for step in counted for batch in maker.micro_batches(step)]
    steps = itertools.count(len(counted))
    serve(
        {"num_tokens": sum(num_tokens) / len(counted)},
        {"input": lambda: maker.micro_batches(next(steps))},
    )


def make_multiply(products: Sequence[Product], dtype: Any) -> Callable[[], None]:
    """A function that does all the products, by TensorFlow's kernels."""
    generator = np.random.default_rng(0)
    pairs = [
        [
            tf.cast(generator.standard_normal(shape, np.float32), dtype)
            for shape in (
                (one.batch, one.rows, one.inner)[one.batch == 1 :],
                (one.batch, one.inner, one.columns)[one.batch == 1 :],
            )
        ]
        for one in products
    ]

    def multiply() -> None:
        for one, (left, right) in zip(products, pairs, strict=True):
            for _ in range(one.count):
                result = tf.matmul(left, right)
        result.numpy()

    return multiply


def _make_trainer(arguments: argparse.Namespace) -> Callable[[Sequence[MicroBatch]], None]:
    """A function that makes an update of each micro-batch, as the stage does."""
    distributed.initialize(seed=1, precision=arguments.precision)
    task = PretrainingTask(BertConfig.preset(arguments.preset, vocab_size=_VOCAB_SIZE), seed=1)
    return make_train(task, precision=arguments.precision)


def _open_rows(arguments: argparse.Namespace) -> RowReader:
    shards = find_shards(
        arguments.dataset,
        length=arguments.length,
        vocabulary=Vocabulary.read(arguments.vocabulary),
    )
    return RowReader(shards, seed=1)


def _make_maker(
    arguments: argparse.Namespace, vocabulary: Vocabulary
) -> Callable[[Sequence[Row]], MicroBatch]:
    return lambda rows: make_packed_batch(
        rows,
        vocabulary,
        length=arguments.length,
        mask_rate=MASK_RATE,
        whole_word_masking=False,
        seed=1,
    )


def _unpack(row: Row) -> list[Row]:
    """A packed row's sequences, one a row."""
    packed = decode_row(row.record)
    ends = np.cumsum(packed.sequence_lengths)
    return [
        row._replace(
            record=encode_row(
                PackedRow(packed.token_ids[end - length : end], [length], [first], [label])
            )
        )
        for end, length, first, label in zip(
            ends,
            packed.sequence_lengths,
            packed.first_segment_lengths,
            packed.next_sentence_labels,
            strict=True,
        )
    ]


def main() -> None:
    """Serve what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    name_to_server = {"packing": serve_packing, "step": serve_step, "input": serve_input}
    parser.add_argument("what", choices=name_to_server)
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--vocabulary", type=Path)
    parser.add_argument("--preset", default="base")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--num-rows", type=int, required=True, help="of a micro-batch")
    parser.add_argument(
        "--num-updates", type=int, required=True, help="of a measurement; input: micro-batches"
    )
    arguments = parser.parse_args()
    name_to_server[arguments.what](arguments)


if __name__ == "__main__":
    main()
