"""The fine-tuning stage as Kubeflow sees it."""

from kfp import dsl

from components.finetune.squad.config import FinetuneConfig
from components.shared.images import name_image


@dsl.container_component
def finetune(
    squad: dsl.Input[dsl.Dataset],
    initial_checkpoint: dsl.Input[dsl.Model],
    checkpoint: dsl.Output[dsl.Model],
    history: dsl.Output[dsl.Artifact],
    finetune_metrics: dsl.Output[dsl.Metrics],
    num_epochs: float = FinetuneConfig.num_epochs,
    global_batch_size: int = FinetuneConfig.global_batch_size,
    micro_batch_size: int = FinetuneConfig.micro_batch_size,
    learning_rate: float = FinetuneConfig.learning_rate,
    warmup_rate: float = FinetuneConfig.warmup_rate,
    optimizer: str = FinetuneConfig.optimizer,
    precision: str = FinetuneConfig.precision,
    xla: str = FinetuneConfig.xla,
    compress_gradients: bool = FinetuneConfig.compress_gradients,
    num_processes: int = FinetuneConfig.num_processes,
    num_nodes: int = FinetuneConfig.num_nodes,
    worker_pod: str = FinetuneConfig.worker_pod,
    pending_timeout_seconds: float = FinetuneConfig.pending_timeout_seconds,
    job_timeout_seconds: int = FinetuneConfig.job_timeout_seconds,
    checkpoint_every_steps: int = FinetuneConfig.checkpoint_every_steps,
    num_checkpoints_kept: int = FinetuneConfig.num_checkpoints_kept,
    checkpoint_directory: str = FinetuneConfig.checkpoint_directory,
    tensorboard_directory: str = FinetuneConfig.tensorboard_directory,
    hang_timeout_seconds: float = FinetuneConfig.hang_timeout_seconds,
    max_restarts: int = FinetuneConfig.max_restarts,
    log_every_steps: int = FinetuneConfig.log_every_steps,
    seed: int = FinetuneConfig.seed,
    max_length_tokens: int = FinetuneConfig.max_length_tokens,
    stride_tokens: int = FinetuneConfig.stride_tokens,
    max_query_tokens: int = FinetuneConfig.max_query_tokens,
) -> dsl.ContainerSpec:
    """Fine-tune a pretrained BERT on SQuAD with Horovod.

    Args:
        squad: train.json and dev.json, from the ingest step.
        initial_checkpoint: the pretrained model.
        checkpoint: the model: TensorFlow checkpoint with Google's variable names,
            bert_config.json, vocab.txt.
        history: losses and speed over the steps, JSON lines.
        finetune_metrics: the last losses and the speed.
        num_epochs: how often each question is seen.
        global_batch_size: windows of one update, over all processes.
        micro_batch_size: most windows that one process runs at once; the rest is
            accumulated.
        learning_rate: peak learning rate for the whole global batch.
        warmup_rate: fraction of the steps in which the learning rate grows.
        optimizer: adamw or lamb.
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
        max_length_tokens: tokens of a window of question and context.
        stride_tokens: tokens between the starts of two windows of a long context.
        max_query_tokens: tokens of a question; the rest is cut off.
    """
    return dsl.ContainerSpec(
        image=name_image("finetune"),
        command=["python", "-m", "components.finetune"],
        args=["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
