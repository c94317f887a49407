"""The evaluation stage as Kubeflow sees it."""

from kfp import dsl

from components.evaluate.squad.config import EvaluateConfig
from components.shared.images import name_image


@dsl.container_component
def evaluate(
    squad: dsl.Input[dsl.Dataset],
    checkpoint: dsl.Input[dsl.Model],
    evaluate_metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    summary: dsl.Output[dsl.Markdown],
    predictions: dsl.Output[dsl.Artifact],
    pretrain_128_history: dsl.Input[dsl.Artifact] | None = None,
    pretrain_512_history: dsl.Input[dsl.Artifact] | None = None,
    finetune_history: dsl.Input[dsl.Artifact] | None = None,
    baseline: str = EvaluateConfig.baseline,
    max_length_tokens: int = EvaluateConfig.max_length_tokens,
    stride_tokens: int = EvaluateConfig.stride_tokens,
    max_query_tokens: int = EvaluateConfig.max_query_tokens,
    max_answer_length_tokens: int = EvaluateConfig.max_answer_length_tokens,
    n_best_size: int = EvaluateConfig.n_best_size,
    null_score_diff_threshold: float = EvaluateConfig.null_score_diff_threshold,
    batch_size: int = EvaluateConfig.batch_size,
    precision: str = EvaluateConfig.precision,
    num_warmup_batches: int = EvaluateConfig.num_warmup_batches,
    num_report_questions: int = EvaluateConfig.num_report_questions,
    speed_batch_sizes: list[int] = [],  # noqa: B006 - kfp copies them
    speed_lengths: list[int] = [],  # noqa: B006
    speed_precisions: list[str] = [],  # noqa: B006
    num_speed_batches: int = EvaluateConfig.num_speed_batches,
) -> dsl.ContainerSpec:
    """Score a fine-tuned BERT on SQuAD and measure how fast it answers.

    Args:
        squad: dev.json, the questions to answer, from the ingest step.
        checkpoint: the fine-tuned model.
        evaluate_metrics: exact match, F1 and prediction speed.
        report: one HTML file with scores, speed, learning curves and answered questions.
        summary: the scores and the speed alone.
        predictions: predictions.json, nbest_predictions.json and, for SQuAD 2.0,
            null_odds.json.
        pretrain_128_history: the first phase's losses, for the report.
        pretrain_512_history: the second phase's losses, for the report.
        finetune_history: fine-tuning's losses, for the report.
        baseline: metrics.json of the model in use, evaluated on the same questions: a path
            (on a mounted volume); the report and the metrics then hold the differences.
        max_length_tokens: tokens of a window of question and context.
        stride_tokens: tokens between the starts of two windows of a long context.
        max_query_tokens: tokens of a question; the rest is cut off.
        max_answer_length_tokens: longest answer in word pieces.
        n_best_size: start and end positions looked at in each window, and answers kept.
        null_score_diff_threshold: SQuAD 2.0: answer nothing if that scores more than this
            above the best answer.
        batch_size: windows predicted at once.
        precision: float32, mixed_float16 (V100) or mixed_bfloat16 (A100 and later).
        num_warmup_batches: batches of each length that run before the timing begins.
        num_report_questions: answered questions that the report shows.
        speed_batch_sizes: batch sizes to measure the speed at besides, each with each of
            speed_lengths and speed_precisions; of these three what is empty is the
            evaluation's own, and if all are, nothing more is measured.
        speed_lengths: tokens of a window, with padding, to measure it at.
        speed_precisions: precisions to measure it in.
        num_speed_batches: batches of each of these settings that are timed on each device.
    """
    return dsl.ContainerSpec(
        image=name_image("evaluate"),
        command=["python", "-m", "components.evaluate"],
        args=["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
