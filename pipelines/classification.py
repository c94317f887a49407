"""The second pipeline: labelled sentences and a BERT in, a classifier of sentences out."""

from typing import NamedTuple

from kfp import dsl

from components.evaluate.classification.component import evaluate_classification
from components.evaluate.classification.config import EvaluateClassificationConfig
from components.finetune.classification.component import finetune_classification
from components.finetune.classification.config import FinetuneClassificationConfig
from components.ingest.classification.component import ingest_classification
from components.ingest.classification.config import IngestClassificationConfig


class Outputs(NamedTuple):
    """What the pipeline gives."""

    checkpoint: dsl.Model
    metrics: dsl.Metrics
    confusion_matrix: dsl.ClassificationMetrics
    report: dsl.HTML


@dsl.pipeline(
    name="classification",
    description="Fine-tune a BERT on labelled sentences (GLUE's, or your own) and evaluate it.",
)
def classification(
    train: str,
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
    num_epochs: float = FinetuneClassificationConfig.num_epochs,
    global_batch_size: int = FinetuneClassificationConfig.global_batch_size,
    micro_batch_size: int = FinetuneClassificationConfig.micro_batch_size,
    learning_rate: float = FinetuneClassificationConfig.learning_rate,
    max_length_tokens: int = FinetuneClassificationConfig.max_length_tokens,
    evaluate_batch_size: int = EvaluateClassificationConfig.batch_size,
    precision: str = FinetuneClassificationConfig.precision,
    num_processes: int = FinetuneClassificationConfig.num_processes,
    num_nodes: int = FinetuneClassificationConfig.num_nodes,
    worker_pod: str = FinetuneClassificationConfig.worker_pod,
    pending_timeout_seconds: float = FinetuneClassificationConfig.pending_timeout_seconds,
    job_timeout_seconds: int = FinetuneClassificationConfig.job_timeout_seconds,
    checkpoint_directory: str = FinetuneClassificationConfig.checkpoint_directory,
    checkpoint_every_steps: int = FinetuneClassificationConfig.checkpoint_every_steps,
    max_restarts: int = FinetuneClassificationConfig.max_restarts,
    tensorboard_directory: str = FinetuneClassificationConfig.tensorboard_directory,
    seed: int = FinetuneClassificationConfig.seed,
) -> Outputs:
    """Fine-tune a BERT on labelled sentences, and say how well and how fast it labels others.

    Args:
        train: sentences to train on: .tsv or .txt (tabs, no quotes, as GLUE's), .csv or
            .jsonl; path, http(s)://, gs:// or s3:// address. `#sha256=<hex>` after a file has
            it checked.
        dev: sentences to evaluate on; several files, separated by commas, are scored one by
            one (MNLI's matched and mismatched). Empty holds out every tenth row of train.
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
        download_directory: folder (a mounted volume) in which broken downloads are kept and
            resumed; empty keeps nothing.
        num_epochs: how often each sentence is seen.
        global_batch_size: sentences of one update, over all processes.
        micro_batch_size: most sentences that one process runs at once.
        learning_rate: peak learning rate of AdamW (base and large: 0.00002 to 0.00005).
        max_length_tokens: tokens of a sentence or a pair; the rest is cut off.
        evaluate_batch_size: sentences predicted at once, for the scores and the speed.
        precision: float32, mixed_float16 (V100) or mixed_bfloat16 (A100 and later).
        num_processes: Horovod processes of the training step: one a GPU (8 on a DGX-1V,
            16 on a DGX-2); 1 or 2 on a CPU.
        num_nodes: machines of the training step. Above one, the step makes an MPIJob and
            follows it; the pipeline's root must be in a bucket.
        worker_pod: above one node, JSON of what each machine's pod asks for, under Kubernetes's
            names: nodeSelector, tolerations, resources, … and sharedMemory (of /dev/shm).
        pending_timeout_seconds: above one node, how long the pods may wait for a place or an
            image, with nothing going on, before the step fails and says why.
        job_timeout_seconds: above one node, how long the MPIJob may run in all.
        checkpoint_directory: folder (on a mounted volume), gs:// or s3:// URL under which the
            training step keeps its checkpoints, in the subfolder finetune-classification, so
            that a new pod resumes from them. The last one stays. Runs at the same time need one
            directory each. Empty keeps them in the pod, where only the training's own restarts
            find them.
        checkpoint_every_steps: updates between two of those checkpoints.
        max_restarts: how many times in a row a training that died or hung is restarted in its
            pod without reaching a newer checkpoint; 0 never restarts it.
        tensorboard_directory: folder (on a mounted volume) under which the training step writes
            TensorBoard's events, in a subfolder; empty writes none.
        seed: equal seed, input, settings and number of processes give equal results.

    Returns:
        The fine-tuned checkpoint, its scores and speed, the confusion matrix, and the HTML
        report.
    """
    fetched = ingest_classification(
        train=train,
        dev=dev,
        glue_task=glue_task,
        sentence_column=sentence_column,
        second_sentence_column=second_sentence_column,
        label_column=label_column,
        has_header=has_header,
        positive_label=positive_label,
        initial_checkpoint=initial_checkpoint,
        vocabulary=vocabulary,
        preset=preset,
        bert_config=bert_config,
        lowercase=lowercase,
        download_directory=download_directory,
    ).set_display_name("Fetch and check the inputs")

    finetuned = finetune_classification(
        sentences=fetched.outputs["sentences"],
        initial_checkpoint=fetched.outputs["given_checkpoint"],
        num_epochs=num_epochs,
        global_batch_size=global_batch_size,
        micro_batch_size=micro_batch_size,
        learning_rate=learning_rate,
        max_length_tokens=max_length_tokens,
        precision=precision,
        num_processes=num_processes,
        num_nodes=num_nodes,
        worker_pod=worker_pod,
        pending_timeout_seconds=pending_timeout_seconds,
        job_timeout_seconds=job_timeout_seconds,
        checkpoint_directory=checkpoint_directory,
        checkpoint_every_steps=checkpoint_every_steps,
        max_restarts=max_restarts,
        tensorboard_directory=tensorboard_directory,
        seed=seed,
    ).set_display_name("Fine-tune on the sentences")

    evaluated = evaluate_classification(
        sentences=fetched.outputs["sentences"],
        checkpoint=finetuned.outputs["checkpoint"],
        finetune_history=finetuned.outputs["history"],
        max_length_tokens=max_length_tokens,
        batch_size=evaluate_batch_size,
        precision=precision,
    ).set_display_name("Evaluate")

    return Outputs(
        checkpoint=finetuned.outputs["checkpoint"],
        metrics=evaluated.outputs["evaluate_metrics"],
        confusion_matrix=evaluated.outputs["confusion_matrix"],
        report=evaluated.outputs["report"],
    )
