"""The pipeline: labeled sentences and a BERT in, a classifier of sentences out."""

from typing import NamedTuple

from kfp import dsl

from components.evaluate.classification.component import evaluate_classification
from components.evaluate.classification.config import EvaluateClassificationConfig
from components.finetune.classification.component import finetune_classification
from components.finetune.classification.config import FinetuneClassificationConfig
from components.ingest.classification.component import ingest_classification
from components.ingest.classification.config import IngestClassificationConfig
from components.release.component import release_classification
from components.release.config import ReleaseClassificationConfig
from pipelines.steps import HIDDEN_TRAINING, Inputs, Step, make_pipeline

STEPS = {
    "ingest": Step(config=IngestClassificationConfig, hidden=("timeout_seconds", "max_retries")),
    "finetune": Step(
        config=FinetuneClassificationConfig, hidden=("warmup_rate", "optimizer", *HIDDEN_TRAINING)
    ),
    "evaluate": Step(
        config=EvaluateClassificationConfig,
        own=("batch_size",),
        hidden=("num_warmup_batches", "num_report_sentences"),
    ),
    "release": Step(config=ReleaseClassificationConfig),
}


class Outputs(NamedTuple):
    """What the pipeline returns."""

    checkpoint: dsl.Model
    metrics: dsl.Metrics
    confusion_matrix: dsl.ClassificationMetrics
    report: dsl.HTML
    release_metrics: dsl.Metrics
    release_report: dsl.HTML


@make_pipeline(
    name="classification",
    description="Fine-tune a BERT on labeled sentences (GLUE's, or your own) and evaluate it.",
    steps=STEPS,
)
def classification(inputs: Inputs) -> Outputs:
    """Fine-tune a BERT on labeled sentences, and measure its accuracy and speed."""
    fetched = ingest_classification(**inputs["ingest"]).set_display_name(
        "Fetch and check the inputs"
    )

    finetuned = finetune_classification(
        sentences=fetched.outputs["sentences"],
        initial_checkpoint=fetched.outputs["given_checkpoint"],
        **inputs["finetune"],
    ).set_display_name("Fine-tune on the sentences")

    evaluated = evaluate_classification(
        sentences=fetched.outputs["sentences"],
        checkpoint=finetuned.outputs["checkpoint"],
        finetune_history=finetuned.outputs["history"],
        **inputs["evaluate"],
    ).set_display_name("Evaluate")

    released = release_classification(
        checkpoint=finetuned.outputs["checkpoint"],
        sentences=fetched.outputs["sentences"],
        candidate_metrics=evaluated.outputs["evaluate_metrics"],
        predictions=evaluated.outputs["predictions"],
        **inputs["release"],
    ).set_display_name("Release")
    # The model in use changes, though the parameters do not.
    released.set_caching_options(False)

    return Outputs(
        checkpoint=finetuned.outputs["checkpoint"],
        metrics=evaluated.outputs["evaluate_metrics"],
        confusion_matrix=evaluated.outputs["confusion_matrix"],
        report=evaluated.outputs["report"],
        release_metrics=released.outputs["release_metrics"],
        release_report=released.outputs["release_report"],
    )
