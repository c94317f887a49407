"""The fine-tuning stage as a Kubeflow component."""

from kfp import dsl

from components.finetune.config import FinetuneConfig
from components.shared.images import name_image


@dsl.container_component
def finetune(
    squad: dsl.Input[dsl.Dataset],
    initial_checkpoint: dsl.Input[dsl.Model],
    checkpoint: dsl.Output[dsl.Model],
    history: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    num_epochs: float = FinetuneConfig.num_epochs,
    global_batch_size: int = FinetuneConfig.global_batch_size,
    micro_batch_size: int = FinetuneConfig.micro_batch_size,
    learning_rate: float = FinetuneConfig.learning_rate,
    warmup_rate: float = FinetuneConfig.warmup_rate,
    optimizer: str = FinetuneConfig.optimizer,
    precision: str = FinetuneConfig.precision,
    xla: str = FinetuneConfig.xla,
    num_processes: int = FinetuneConfig.num_processes,
    checkpoint_every_steps: int = FinetuneConfig.checkpoint_every_steps,
    checkpoint_directory: str = FinetuneConfig.checkpoint_directory,
    log_every_steps: int = FinetuneConfig.log_every_steps,
    seed: int = FinetuneConfig.seed,
    max_length_tokens: int = FinetuneConfig.max_length_tokens,
    stride_tokens: int = FinetuneConfig.stride_tokens,
    max_query_tokens: int = FinetuneConfig.max_query_tokens,
) -> dsl.ContainerSpec:
    """Fine-tune a pretrained BERT on SQuAD with Horovod."""
    return dsl.ContainerSpec(
        image=name_image("finetune"),
        command=["python", "-m", "components.finetune"],
        args=["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
