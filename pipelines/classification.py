"""The pipeline: labeled sentences and a BERT in, a classifier of sentences out."""

from typing import NamedTuple

from kfp import dsl

from components.choose.component import choose_classification
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
        config=FinetuneClassificationConfig,
        hidden=("warmup_rate", "optimizer", *HIDDEN_TRAINING),
        looped={
            "seed": "Several values, separated by commas, fine-tune one model each. The best on "
            "the development set is kept; the report then shows the mean and standard deviation.",
        },
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
    summary: dsl.Markdown
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

    seeds = inputs["finetune"]["seed"]
    # The iterations run in parallel on a cluster and one after the other on one machine.
    with dsl.ParallelFor(seeds, name="seeds") as seed:
        finetuned = finetune_classification(
            sentences=fetched.outputs["sentences"],
            initial_checkpoint=fetched.outputs["given_checkpoint"],
            **inputs["finetune"] | {"seed": seed},
        ).set_display_name("Fine-tune on the sentences")

        evaluated = evaluate_classification(
            sentences=fetched.outputs["sentences"],
            checkpoint=finetuned.outputs["checkpoint"],
            finetune_history=finetuned.outputs["history"],
            **inputs["evaluate"],
        ).set_display_name("Evaluate")

    chosen = choose_classification(
        candidate_checkpoints=dsl.Collected(finetuned.outputs["checkpoint"]),
        candidate_metrics=dsl.Collected(evaluated.outputs["evaluate_metrics"]),
        candidate_reports=dsl.Collected(evaluated.outputs["report"]),
        candidate_summaries=dsl.Collected(evaluated.outputs["summary"]),
        candidate_matrices=dsl.Collected(evaluated.outputs["confusion_matrix"]),
        candidate_predictions=dsl.Collected(evaluated.outputs["predictions"]),
        learning_rate=inputs["finetune"]["learning_rate"],
        seeds=seeds,
    ).set_display_name("Choose the best model")

    released = release_classification(
        checkpoint=chosen.outputs["checkpoint"],
        sentences=fetched.outputs["sentences"],
        candidate_metrics=chosen.outputs["chosen_metrics"],
        predictions=chosen.outputs["predictions"],
        **inputs["release"],
    ).set_display_name("Release")
    # The model in use changes, though the parameters do not.
    released.set_caching_options(False)

    return Outputs(
        checkpoint=chosen.outputs["checkpoint"],
        metrics=chosen.outputs["chosen_metrics"],
        confusion_matrix=chosen.outputs["confusion_matrix"],
        report=chosen.outputs["report"],
        summary=chosen.outputs["summary"],
        release_metrics=released.outputs["release_metrics"],
        release_report=released.outputs["release_report"],
    )
