"""The pretraining stage as a Kubeflow component."""

from kfp import dsl

from components.pretrain.config import PretrainConfig
from components.shared.images import name_image


@dsl.container_component
def pretrain(
    dataset: dsl.Input[dsl.Dataset],
    vocabulary: dsl.Input[dsl.Artifact],
    checkpoint: dsl.Output[dsl.Model],
    history: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    initial_checkpoint: dsl.Input[dsl.Model] | None = None,
    sequence_length: int = PretrainConfig.sequence_length,
    preset: str = PretrainConfig.preset,
    bert_config: str = PretrainConfig.bert_config,
    global_batch_size: int = PretrainConfig.global_batch_size,
    micro_batch_size: int = PretrainConfig.micro_batch_size,
    num_steps: int = PretrainConfig.num_steps,
    learning_rate: float = PretrainConfig.learning_rate,
    warmup_rate: float = PretrainConfig.warmup_rate,
    optimizer: str = PretrainConfig.optimizer,
    mask_rate: float = PretrainConfig.mask_rate,
    precision: str = PretrainConfig.precision,
    xla: str = PretrainConfig.xla,
    num_processes: int = PretrainConfig.num_processes,
    checkpoint_every_steps: int = PretrainConfig.checkpoint_every_steps,
    checkpoint_directory: str = PretrainConfig.checkpoint_directory,
    log_every_steps: int = PretrainConfig.log_every_steps,
    seed: int = PretrainConfig.seed,
) -> dsl.ContainerSpec:
    """Pretrain BERT at one sequence length with Horovod, from scratch or from a checkpoint."""
    return dsl.ContainerSpec(
        image=name_image("pretrain"),
        command=["python", "-m", "components.pretrain"],
        args=["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
