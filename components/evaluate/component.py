"""The evaluation stage as a Kubeflow component."""

from kfp import dsl

from components.evaluate.config import EvaluateConfig

IMAGE = "kubeflow-bert/evaluate:0.1.0"


@dsl.container_component
def evaluate(
    squad: dsl.Input[dsl.Dataset],
    checkpoint: dsl.Input[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    predictions: dsl.Output[dsl.Artifact],
    pretrain_128_history: dsl.Input[dsl.Artifact] | None = None,
    pretrain_512_history: dsl.Input[dsl.Artifact] | None = None,
    finetune_history: dsl.Input[dsl.Artifact] | None = None,
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
) -> dsl.ContainerSpec:
    """Score a fine-tuned BERT on SQuAD and measure how fast it answers."""
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python", "-m", "components.evaluate"],
        args=["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
