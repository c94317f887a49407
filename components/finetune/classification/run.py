"""Fine-tuning on labeled sentences: an initial checkpoint in, a classifier out."""

from components.finetune.classification.config import FinetuneClassificationConfig
from components.shared.classification.features import make_features
from components.shared.classification.sentences import TRAIN, Sentences, find_rows, read_rows
from components.shared.files.atomic import sha256
from components.shared.stage.start import Metadata
from components.shared.training.run_training import train_and_summarize


def run(config: FinetuneClassificationConfig) -> Metadata:
    """Fine-tune on `num_processes` ranks of each node."""
    return train_and_summarize(config, train)


def train(config: FinetuneClassificationConfig) -> None:
    """Fine-tune as one of the ranks; the first writes the outputs.

    TensorFlow is imported here, so that the launcher starts without it.
    """
    from components.finetune.batches import SequenceBatches
    from components.finetune.classification.task import TARGETS, TASKS
    from components.shared.checkpoints.checkpoint import Checkpoint
    from components.shared.checkpoints.warm_start import start_from
    from components.shared.processes import distributed
    from components.shared.training.train_task import train_task

    sentences = Sentences.read(config.sentences)
    labels = sentences.labels
    initial = Checkpoint.read(config.initial_checkpoint, may_be_untrained=True)
    config.expect_room(initial.config.max_position_embeddings)
    distributed.initialize(seed=config.seed, precision=config.precision)
    rows = read_rows(config.sentences, TRAIN)
    features = make_features(
        rows,
        initial.make_tokenizer(),
        initial.vocabulary,
        max_length_tokens=config.max_length_tokens,
    )
    task = TASKS[sentences.task](initial.config, labels, seed=config.seed)
    num_micro_batches, micro_batch_size = config.split_batch(distributed.size())
    batches = SequenceBatches(
        features,
        {TARGETS: task.targets(rows)},
        loss=task.loss,
        noun="rows",
        global_batch_size=config.global_batch_size,
        num_micro_batches=num_micro_batches,
        micro_batch_size=micro_batch_size,
        rank=distributed.rank(),
        seed=config.seed,
    )
    start_from(initial, task.model, labels=labels, new_pooler=config.new_pooler)
    train_task(
        task,
        config,
        num_steps=batches.num_steps(config.num_epochs),
        label=_name_run(sentences),
        micro_batches=batches.micro_batches,
        vocabulary=initial.folder / "vocab.txt",
        tokenization=initial.tokenization,
        inputs=sha256(find_rows(config.sentences, TRAIN)),
        initial=initial.folder,
        labels=labels,
        makes_model=True,
    )


def _name_run(sentences: Sentences) -> str:
    if sentences.task == "classification":
        return f"Fine-tuning on {len(sentences.labels)} labels"
    return f"Fine-tuning for {sentences.task}"
