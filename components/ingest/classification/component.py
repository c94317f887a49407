"""Ingest for sentence classification as Kubeflow sees it."""

from kfp import dsl

from components.ingest.classification.config import IngestClassificationConfig
from components.shared.images import name_image


@dsl.container_component
def ingest_classification(
    train: str,
    sentences: dsl.Output[dsl.Dataset],
    given_checkpoint: dsl.Output[dsl.Model],
    dev: str = IngestClassificationConfig.dev,
    glue_task: str = IngestClassificationConfig.glue_task,
    sentence_column: str = IngestClassificationConfig.sentence_column,
    second_sentence_column: str = IngestClassificationConfig.second_sentence_column,
    label_column: str = IngestClassificationConfig.label_column,
    has_header: bool = IngestClassificationConfig.has_header,
    positive_label: str = IngestClassificationConfig.positive_label,
    initial_checkpoint: str = IngestClassificationConfig.initial_checkpoint,
    vocabulary: str = IngestClassificationConfig.vocabulary,
    preset: str = IngestClassificationConfig.preset,
    bert_config: str = IngestClassificationConfig.bert_config,
    lowercase: bool = IngestClassificationConfig.lowercase,
    download_directory: str = IngestClassificationConfig.download_directory,
    timeout_seconds: float = IngestClassificationConfig.timeout_seconds,
    max_retries: int = IngestClassificationConfig.max_retries,
) -> dsl.ContainerSpec:
    """Fetch labelled sentences and a model to start from, and check that each is whole.

    Args:
        train: sentences to train on: .tsv or .txt (tabs, no quotes, as GLUE's), .csv or
            .jsonl; path or address. `#sha256=<hex>` after a file has it checked.
        sentences: the training set and each development set as JSON lines, and the labels.
        given_checkpoint: the checkpoint to start from.
        dev: sentences to evaluate on; several files, separated by commas, are scored one by
            one. Empty holds out every tenth row of train.
        glue_task: cola, sst-2, mrpc, mnli or rte: the columns of GLUE's files as published;
            empty: a table with a header and the columns sentence and label.
        sentence_column: the sentence's column by name or number from 1 up; empty: glue_task's.
        second_sentence_column: that of a pair's second sentence; empty: glue_task's, or none.
        label_column: that of the label; empty: glue_task's.
        has_header: whether the first line of a .tsv or .csv names the columns.
        positive_label: which of two labels F1 is of; empty: the second in the alphabet.
        initial_checkpoint: folder of this project's, of Google's or of Hugging Face's: path,
            gs:// or s3:// address; empty: random weights.
        vocabulary: without initial_checkpoint: vocab.txt, one word piece a line.
        preset: without initial_checkpoint: tiny, mini, small, medium, base or large.
        bert_config: without initial_checkpoint: path of a bert_config.json, or its JSON text,
            in place of a preset.
        lowercase: without initial_checkpoint: whether text is lower-cased.
        download_directory: folder (a mounted volume) where downloads are kept, so that a
            later run resumes or reuses them; empty keeps nothing.
        timeout_seconds: how long a server may stay silent before the connection counts as
            cut.
        max_retries: how often in a row a download may break without any gain before it is
            given up.
    """
    return dsl.ContainerSpec(
        image=name_image("ingest"),
        command=["python", "-m", "components.ingest", "classification"],
        args=["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
