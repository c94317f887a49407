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
from pipelines.finetuning import LOOPED, Finetuning, finetune_and_release
from pipelines.steps import HIDDEN_SERVER, HIDDEN_TRAINING, Inputs, Step, make_pipeline

STEPS = {
    "ingest": Step(config=IngestClassificationConfig, hidden=HIDDEN_SERVER),
    "finetune": Step(
        config=FinetuneClassificationConfig,
        hidden=("warmup_rate", "optimizer", *HIDDEN_TRAINING),
        looped=LOOPED,
    ),
    "evaluate": Step(
        config=EvaluateClassificationConfig,
        own=("batch_size",),
        hidden=("num_warmup_batches", "num_report_sentences"),
    ),
    "release": Step(config=ReleaseClassificationConfig),
}
_FINETUNING = Finetuning(
    title="Fine-tune on the sentences",
    data="sentences",
    finetune=finetune_classification,
    evaluate=evaluate_classification,
    choose=choose_classification,
    release=release_classification,
    collected={
        "candidate_matrices": "confusion_matrix",
        "candidate_predictions": "predictions",
    },
    released=("predictions",),
)


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

    return finetune_and_release(
        inputs,
        _FINETUNING,
        Outputs,
        data=fetched.outputs["sentences"],
        initial_checkpoint=fetched.outputs["given_checkpoint"],
    )
