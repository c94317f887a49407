"""The choosing stage as Kubeflow sees it."""

from kfp import dsl

from components.shared.images import name_image


@dsl.container_component
def choose(
    candidate_checkpoints: dsl.Input[list[dsl.Model]],
    candidate_metrics: dsl.Input[list[dsl.Metrics]],
    candidate_reports: dsl.Input[list[dsl.HTML]],
    candidate_summaries: dsl.Input[list[dsl.Markdown]],
    learning_rates: list[float],
    checkpoint: dsl.Output[dsl.Model],
    chosen_metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    summary: dsl.Output[dsl.Markdown],
) -> dsl.ContainerSpec:
    """Take the model with the best F1 of those fine-tuned with several learning rates.

    Args:
        candidate_checkpoints: the fine-tuned models.
        candidate_metrics: the evaluation's scores and speed of each, in the same order.
        candidate_reports: the evaluation's report of each.
        candidate_summaries: the evaluation's summary of each.
        learning_rates: the learning rate of each.
        checkpoint: the best model.
        chosen_metrics: its scores and speed, and its learning rate.
        report: its report.
        summary: its summary, with the scores of all learning rates.
    """
    return dsl.ContainerSpec(
        image=name_image("evaluate"),
        command=["python", "-m", "components.choose"],
        args=["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
