"""The pretraining stage: a dataset in, a BERT out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.pretrain.config import PretrainConfig
from components.shared.bert.config import BertConfig
from components.shared.checkpoints.checkpoint_manifest import is_none
from components.shared.dataset.folder import MANIFEST
from components.shared.errors import InputError
from components.shared.stage.start import Metadata
from components.shared.tokens.tokenization import Tokenization
from components.shared.tokens.vocabulary import Vocabulary
from components.shared.training.run_training import train_and_summarize

if TYPE_CHECKING:  # with TensorFlow
    from collections.abc import Callable, Sequence

    from components.pretrain.dataset_files import Shards
    from components.pretrain.rows import Row
    from components.pretrain.task import PretrainingTask
    from components.shared.checkpoints.checkpoint import Checkpoint
    from components.shared.training.micro_batches import MicroBatch
    from components.shared.training.validation import Validation


def run(config: PretrainConfig) -> Metadata:
    """Pretrain on `num_processes` ranks of each node."""
    return train_and_summarize(config, train)


def train(config: PretrainConfig) -> None:
    """Pretrain as one of the ranks; the first writes the outputs.

    TensorFlow is imported here, so that the launcher starts without it.
    """
    from components.pretrain.batches import BatchMaker, choose_maker
    from components.pretrain.rows import RowReader
    from components.pretrain.task import PretrainingTask
    from components.shared.checkpoints.warm_start import start_from
    from components.shared.processes import distributed
    from components.shared.training.train_task import train_task

    vocabulary = Vocabulary.read(config.vocabulary)
    initial = _read_initial(config)
    if initial is None and not config.num_steps:
        raise InputError(
            "num_steps 0 needs an initial checkpoint to pass on; give "
            "initial_checkpoint, or train some steps"
        )
    bert_config = _choose_architecture(config, vocabulary, initial)
    distributed.initialize(seed=config.seed, precision=config.precision)
    shards = _find_shards(config, vocabulary)
    if distributed.is_first_on_host():
        shards.check()

    task = PretrainingTask(bert_config, seed=config.seed)
    if initial is not None:
        start_from(initial, task.model)
    manifest = config.dataset / MANIFEST
    num_micro_batches, micro_batch_size = config.split_batch(distributed.size())
    make = choose_maker(config, vocabulary, is_packed=shards.is_packed)
    batches = BatchMaker(
        RowReader(shards, seed=config.seed),
        make,
        rank=distributed.rank(),
        num_processes=distributed.size(),
        num_micro_batches=num_micro_batches,
        micro_batch_size=micro_batch_size,
    )
    train_task(
        task,
        config,
        num_steps=config.num_steps,
        label=f"Pretraining at length {config.sequence_length}",
        micro_batches=batches.micro_batches,
        vocabulary=config.vocabulary,
        tokenization=Tokenization(lowercase=shards.lowercase),
        inputs=shards.fingerprint,
        dataset=manifest.read_text("utf-8") if manifest.is_file() else "",
        initial=initial.folder if initial else None,
        validation=_validate_on(shards.held_out, task, make, config),
    )


def _validate_on(
    held_out: Shards | None,
    task: PretrainingTask,
    make: Callable[[Sequence[Row]], MicroBatch],
    config: PretrainConfig,
) -> Validation | None:
    from components.pretrain.held_out import Validator
    from components.pretrain.rows import RowReader
    from components.shared.training.validation import Validation

    if not config.num_validation_batches:
        return None
    if held_out is None:
        if config.patience:
            raise InputError(
                f"{config.dataset}: patience needs held-out rows, and it has none; preprocess with "
                "a larger held_out_rate, or leave patience out"
            )
        return None
    validator = Validator(
        task,
        RowReader(held_out, seed=config.seed),
        make,
        num_batches=config.num_validation_batches,
    )
    return Validation(
        measure=validator.measure,
        every_steps=config.validate_every_steps,
        patience=config.patience,
    )


def _read_initial(config: PretrainConfig) -> Checkpoint | None:
    from components.shared.checkpoints.checkpoint import Checkpoint

    if config.initial_checkpoint is None or is_none(config.initial_checkpoint):
        return None
    return Checkpoint.read(config.initial_checkpoint)


def _find_shards(config: PretrainConfig, vocabulary: Vocabulary) -> Shards:
    """Find them on rank 0 for all: without a dataset.json, it counts the records."""
    from components.pretrain.dataset_files import Shards, find_shards
    from components.shared.processes import distributed

    fields = None
    if distributed.rank() == 0:
        fields = find_shards(
            config.dataset, length=config.sequence_length, vocabulary=vocabulary
        ).fields()
    return Shards.from_fields(distributed.tell_all(fields))


def _choose_architecture(
    config: PretrainConfig, vocabulary: Vocabulary, initial: Checkpoint | None
) -> BertConfig:
    """The initial checkpoint's, else bert_config's, else the preset's."""
    if initial is not None:
        bert_config, source = initial.config, str(initial.folder)
        if initial.vocabulary.pieces != vocabulary.pieces:
            raise InputError(
                f"{initial.folder / 'vocab.txt'}: differs from {config.vocabulary}, which the "
                "dataset was made with; make the dataset with the checkpoint's vocabulary"
            )
    else:
        bert_config, source = BertConfig.choose(
            config.bert_config, config.preset, vocab_size=len(vocabulary)
        )
    bert_config.expect_room(len(vocabulary), source=source, vocabulary=str(config.vocabulary))
    config.expect_room(bert_config.max_position_embeddings)
    return bert_config
