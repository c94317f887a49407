"""A classifier's evaluation as Kubeflow sees it."""

from kfp import dsl

from components.evaluate.classification.config import EvaluateClassificationConfig
from components.shared.images import name_image


@dsl.container_component
def evaluate_classification(
    sentences: dsl.Input[dsl.Dataset],
    checkpoint: dsl.Input[dsl.Model],
    evaluate_metrics: dsl.Output[dsl.Metrics],
    confusion_matrix: dsl.Output[dsl.ClassificationMetrics],
    report: dsl.Output[dsl.HTML],
    predictions: dsl.Output[dsl.Artifact],
    finetune_history: dsl.Input[dsl.Artifact] | None = None,
    max_length_tokens: int = EvaluateClassificationConfig.max_length_tokens,
    batch_size: int = EvaluateClassificationConfig.batch_size,
    precision: str = EvaluateClassificationConfig.precision,
    num_warmup_batches: int = EvaluateClassificationConfig.num_warmup_batches,
    num_report_sentences: int = EvaluateClassificationConfig.num_report_sentences,
) -> dsl.ContainerSpec:
    """Score a classifier on the development sets and measure how fast it labels sentences.

    Args:
        sentences: the development sets, from the ingest step.
        checkpoint: the fine-tuned model.
        evaluate_metrics: accuracy, F1, Matthews correlation and prediction speed.
        confusion_matrix: how many sentences of each label got which.
        report: one HTML file with scores, speed, learning curves and labelled sentences.
        predictions: the label of each sentence, and the probability of each label.
        finetune_history: fine-tuning's losses, for the report.
        max_length_tokens: tokens of a sentence or a pair; the rest is cut off.
        batch_size: sentences predicted at once.
        precision: float32, mixed_float16 (V100) or mixed_bfloat16 (A100 and later).
        num_warmup_batches: batches of each length that run before the timing begins.
        num_report_sentences: labelled sentences that the report shows.
    """
    return dsl.ContainerSpec(
        image=name_image("evaluate"),
        command=["python", "-m", "components.evaluate", "classification"],
        args=["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
