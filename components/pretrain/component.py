"""The pretraining stage as Kubeflow sees it."""

from kfp import dsl

from components.pretrain.config import PretrainConfig
from components.shared.images import name_image


@dsl.container_component
def pretrain(
    dataset: dsl.Input[dsl.Dataset],
    vocabulary: dsl.Input[dsl.Artifact],
    checkpoint: dsl.Output[dsl.Model],
    history: dsl.Output[dsl.Artifact],
    pretrain_metrics: dsl.Output[dsl.Metrics],
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
    whole_word_masking: bool = PretrainConfig.whole_word_masking,
    precision: str = PretrainConfig.precision,
    xla: str = PretrainConfig.xla,
    compress_gradients: bool = PretrainConfig.compress_gradients,
    num_processes: int = PretrainConfig.num_processes,
    num_nodes: int = PretrainConfig.num_nodes,
    worker_pod: str = PretrainConfig.worker_pod,
    pending_timeout_seconds: float = PretrainConfig.pending_timeout_seconds,
    job_timeout_seconds: int = PretrainConfig.job_timeout_seconds,
    checkpoint_every_steps: int = PretrainConfig.checkpoint_every_steps,
    num_checkpoints_kept: int = PretrainConfig.num_checkpoints_kept,
    checkpoint_directory: str = PretrainConfig.checkpoint_directory,
    tensorboard_directory: str = PretrainConfig.tensorboard_directory,
    hang_timeout_seconds: float = PretrainConfig.hang_timeout_seconds,
    max_restarts: int = PretrainConfig.max_restarts,
    log_every_steps: int = PretrainConfig.log_every_steps,
    seed: int = PretrainConfig.seed,
) -> dsl.ContainerSpec:
    """Pretrain BERT at one sequence length with Horovod, from scratch or from a checkpoint.

    Args:
        dataset: record shards and dataset.json, from the preprocess step.
        vocabulary: the vocab.txt that the dataset was made with.
        checkpoint: the model: TensorFlow checkpoint with Google's variable names,
            bert_config.json, vocab.txt.
        history: losses and speed over the steps, JSON lines.
        pretrain_metrics: the last losses and the speed.
        initial_checkpoint: the model to start from (phase 2); none: random weights.
        sequence_length: tokens of a row; the dataset must have been made for it.
        preset: size of the model: tiny, mini, small, medium, base or large (Google's).
        bert_config: path of a bert_config.json, or its JSON text, in place of a preset.
        global_batch_size: rows of one update, over all processes.
        micro_batch_size: most rows that one process runs at once; the rest is accumulated.
        num_steps: updates.
        learning_rate: peak learning rate for the whole global batch.
        warmup_rate: fraction of the steps in which the learning rate grows.
        optimizer: lamb (NVIDIA's NVLAMB) or adamw.
        mask_rate: fraction of the tokens to predict (BERT: 0.15).
        whole_word_masking: mask all pieces of a word or none.
        precision: float32, mixed_float16 (V100) or mixed_bfloat16 (A100 and later).
        xla: compile with XLA: on, off, or auto (on for GPUs; on CPUs the elementwise parts).
        compress_gradients: exchange gradients as float16, half the bytes; for processes on
            several machines or without NVLink.
        num_processes: Horovod processes over all nodes: one a GPU; 1 or 2 on a CPU.
        num_nodes: machines that train. Above one, this step only creates an MPIJob, follows it
            and ends it; the job's pods train, with num_processes / num_nodes processes each.
        worker_pod: above one node, JSON of what each of the job's pods asks for, under
            Kubernetes's names: nodeSelector, tolerations, affinity, resources, env, labels,
            annotations, priorityClassName, schedulerName, runtimeClassName, and sharedMemory
            (a quantity, of /dev/shm).
        pending_timeout_seconds: above one node, how long the pods may wait for a place or an
            image, with nothing going on, before the step fails and says why.
        job_timeout_seconds: above one node, how long the job may run in all.
        checkpoint_every_steps: updates between two checkpoints of the run under way.
        num_checkpoints_kept: how many of those are kept, the newest.
        checkpoint_directory: folder (on a mounted volume), gs:// or s3:// URL under which this step
            keeps those in a subfolder, so that a new pod resumes from them. The last one stays:
            from it, an output whose upload failed is written again without training. Empty
            keeps them in the pod, where only the training's own restarts find them.
        tensorboard_directory: folder (on a mounted volume) under which this step writes
            TensorBoard's events in a subfolder of its own; empty writes none.
        hang_timeout_seconds: how long a process may stand still before all are ended, from
            the first update on; the longest update comes on top.
        max_restarts: how many times in a row a training that died or hung is restarted in its
            pod without reaching a newer checkpoint; 0 never restarts it.
        log_every_steps: updates between two lines of the history.
        seed: equal seed, input and number of processes give equal results.
    """
    return dsl.ContainerSpec(
        image=name_image("pretrain"),
        command=["python", "-m", "components.pretrain"],
        args=["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
