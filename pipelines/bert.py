"""The pipeline: a Wikipedia dump and SQuAD in, a BERT that answers questions out."""

from typing import NamedTuple

from kfp import dsl

from components.choose.component import choose
from components.evaluate.squad.component import evaluate
from components.evaluate.squad.config import EvaluateConfig
from components.finetune.squad.component import finetune
from components.finetune.squad.config import FinetuneConfig
from components.ingest.component import ingest
from components.ingest.config import IngestConfig
from components.preprocess.component import preprocess
from components.preprocess.config import PreprocessConfig
from components.pretrain.component import pretrain
from components.pretrain.config import PretrainConfig


class Outputs(NamedTuple):
    """What the pipeline gives."""

    checkpoint: dsl.Model
    metrics: dsl.Metrics
    report: dsl.HTML
    summary: dsl.Markdown


@dsl.pipeline(
    name="bert",
    description="Pretrain BERT on a Wikipedia dump in two phases, fine-tune and evaluate on SQuAD.",
)
def bert(
    dump: str,
    squad_train: str,
    squad_dev: str = IngestConfig.squad_dev,
    vocabulary: str = IngestConfig.vocabulary,
    checksums: str = IngestConfig.checksums,
    dump_site: str = IngestConfig.dump_site,
    download_directory: str = IngestConfig.download_directory,
    vocabulary_size: int = PreprocessConfig.vocabulary_size,
    lowercase: bool = PreprocessConfig.lowercase,
    sentence_splitter: str = PreprocessConfig.sentence_splitter,
    num_duplicates: int = PreprocessConfig.num_duplicates,
    num_shards: int = PreprocessConfig.num_shards,
    num_workers: int = PreprocessConfig.num_workers,
    beam_runner: str = PreprocessConfig.beam_runner,
    flink_master: str = PreprocessConfig.flink_master,
    flink_version: str = PreprocessConfig.flink_version,
    flink_job_server_jar: str = PreprocessConfig.flink_job_server_jar,
    flink_worker_pool: str = PreprocessConfig.flink_worker_pool,
    worker_image: str = PreprocessConfig.worker_image,
    dataflow_project: str = PreprocessConfig.dataflow_project,
    dataflow_region: str = PreprocessConfig.dataflow_region,
    dataflow_temp_location: str = PreprocessConfig.dataflow_temp_location,
    use_object_store: bool = PreprocessConfig.use_object_store,
    beam_options: str = PreprocessConfig.beam_options,
    preset: str = PretrainConfig.preset,
    bert_config: str = PretrainConfig.bert_config,
    pretrain_128_num_steps: int = PretrainConfig.num_steps,
    pretrain_128_global_batch_size: int = PretrainConfig.global_batch_size,
    pretrain_128_micro_batch_size: int = PretrainConfig.micro_batch_size,
    pretrain_128_learning_rate: float = PretrainConfig.learning_rate,
    pretrain_128_warmup_rate: float = PretrainConfig.warmup_rate,
    pretrain_512_num_steps: int = 100,
    pretrain_512_global_batch_size: int = 16,
    pretrain_512_micro_batch_size: int = 8,
    pretrain_512_learning_rate: float = 6e-3,
    pretrain_512_warmup_rate: float = PretrainConfig.warmup_rate,
    whole_word_masking: bool = PretrainConfig.whole_word_masking,
    finetune_num_epochs: float = FinetuneConfig.num_epochs,
    finetune_global_batch_size: int = FinetuneConfig.global_batch_size,
    finetune_micro_batch_size: int = FinetuneConfig.micro_batch_size,
    finetune_learning_rates: list[float] = [FinetuneConfig.learning_rate],  # noqa: B006 - kfp copies it
    max_length_tokens: int = FinetuneConfig.max_length_tokens,
    stride_tokens: int = FinetuneConfig.stride_tokens,
    null_score_diff_threshold: float = EvaluateConfig.null_score_diff_threshold,
    evaluate_batch_size: int = EvaluateConfig.batch_size,
    speed_batch_sizes: list[int] = [],  # noqa: B006 - kfp copies them
    speed_lengths: list[int] = [],  # noqa: B006
    speed_precisions: list[str] = [],  # noqa: B006
    num_speed_batches: int = EvaluateConfig.num_speed_batches,
    baseline: str = EvaluateConfig.baseline,
    precision: str = PretrainConfig.precision,
    num_processes: int = PretrainConfig.num_processes,
    num_nodes: int = PretrainConfig.num_nodes,
    worker_pod: str = PretrainConfig.worker_pod,
    pending_timeout_seconds: float = PretrainConfig.pending_timeout_seconds,
    job_timeout_seconds: int = PretrainConfig.job_timeout_seconds,
    checkpoint_directory: str = PretrainConfig.checkpoint_directory,
    checkpoint_every_steps: int = PretrainConfig.checkpoint_every_steps,
    max_restarts: int = PretrainConfig.max_restarts,
    tensorboard_directory: str = PretrainConfig.tensorboard_directory,
    seed: int = PretrainConfig.seed,
) -> Outputs:
    """Pretrain BERT on Wikipedia, fine-tune it on SQuAD, and say how well and fast it answers.

    Args:
        dump: a Wikimedia dump by name (enwiki-latest, enwiki-20261001, or
            enwiki-content-latest for the newer exports), or MediaWiki XML exports (plain,
            .bz2, .gz or a .tar of those): paths, folders, patterns, http(s)://, gs:// or
            s3:// addresses, separated by commas. `#sha256=<hex>` after one has it checked.
        squad_train: SQuAD 1.1 or 2.0 file to fine-tune on: path or address.
        squad_dev: SQuAD file to evaluate on; empty holds out every fifth article of
            squad_train.
        vocabulary: vocab.txt, one word piece a line; empty has one trained on the dump.
        checksums: file of checksums as sha1sum or sha256sum writes it; every input that it
            lists is checked.
        dump_site: where dumps are found by name: Wikimedia's site or a mirror of it.
        download_directory: folder (a mounted volume) in which broken downloads are kept and
            resumed; empty keeps nothing.
        vocabulary_size: word pieces of a vocabulary that is trained (BERT: 30522).
        lowercase: lower case without accents (BERT uncased), or text as it is (cased); a script
            without case, such as Devanagari, always stays as it is.
        sentence_splitter: sentencex (Wikimedia's rules for the dump's language) or punkt
            (NLTK's, which learns abbreviations from the dump; slower).
        num_duplicates: how often each document is cut and paired anew for pretraining.
        num_shards: least number of record files for each sequence length.
        num_workers: preprocessing's workers: processes of the embedded runner (0: one a core),
            parallelism on Flink, most workers on Dataflow (0: what the service decides).
        beam_runner: where preprocessing runs: FnApiRunner (in its step), flink, dataflow.
        flink_master: host:port of a Flink cluster; [local] starts one in the step.
        flink_version: Flink's version, for the job server that Beam fetches.
        flink_job_server_jar: path or address of a job server to use instead.
        flink_worker_pool: host:port of Beam's worker pool beside each of Flink's task managers.
        worker_image: image of preprocess in a registry, which workers on Dataflow, or Flink's
            with Docker, run.
        dataflow_project: Google Cloud's project.
        dataflow_region: its region, such as europe-west4.
        dataflow_temp_location: a gs:// folder for what Dataflow keeps while it runs.
        use_object_store: whether preprocessing reads the dump and writes the dataset in the
            pipeline root's store itself, past Kubeflow's copies; workers elsewhere always do.
        beam_options: further options for Beam, as on a shell's command line; they win.
        preset: size of the model: tiny, mini, small, medium, base or large (Google's).
        bert_config: path of a bert_config.json, or its JSON text, in place of a preset.
        pretrain_128_num_steps: updates of the first phase, on rows of 128 tokens
            (BERT-Large by NVIDIA's recipe: 7038).
        pretrain_128_global_batch_size: rows of one update, over all processes (BERT-Large:
            65536).
        pretrain_128_micro_batch_size: most rows that one process runs at once; the rest is
            accumulated (16 on a V100 with 16 GB, 64 with 32 GB, for BERT-Large).
        pretrain_128_learning_rate: peak learning rate of LAMB for the whole global batch
            (BERT-Large: 0.006).
        pretrain_128_warmup_rate: fraction of the updates in which the learning rate grows
            (BERT-Large: 0.284172, 2000 of 7038).
        pretrain_512_num_steps: updates of the second phase, on rows of 512 tokens, from the
            first phase's weights (BERT-Large: 1564).
        pretrain_512_global_batch_size: rows of one update (BERT-Large: 32768).
        pretrain_512_micro_batch_size: most rows that one process runs at once (4 on a V100
            with 16 GB, 8 with 32 GB, for BERT-Large).
        pretrain_512_learning_rate: peak learning rate (BERT-Large: 0.004).
        pretrain_512_warmup_rate: fraction of the updates in which the learning rate grows
            (BERT-Large: 0.127877, 200 of 1564).
        whole_word_masking: pretraining masks all pieces of a word or none.
        finetune_num_epochs: how often each question is seen in fine-tuning.
        finetune_global_batch_size: windows of one update, over all processes (BERT-Large: 16
            to 384).
        finetune_micro_batch_size: most windows that one process runs at once (4 on a V100 with
            16 GB, 24 with 32 GB, for BERT-Large).
        finetune_learning_rates: peak learning rates of AdamW (base and large: 0.00003 or
            0.00004). Of several, each fine-tunes a model, and the one with the best F1 on the
            development set is the pipeline's.
        max_length_tokens: tokens of a window of question and context.
        stride_tokens: tokens between the starts of two windows of a long context.
        null_score_diff_threshold: SQuAD 2.0 answers "no answer" above this difference.
        evaluate_batch_size: windows predicted at once, for the scores and the speed.
        speed_batch_sizes: batch sizes at which the evaluation measures the speed of prediction
            besides, each with each of speed_lengths and speed_precisions; of these three what
            is empty is the evaluation's own, and if all are, nothing more is measured.
        speed_lengths: tokens of a window, with padding, to measure it at (NVIDIA: 128, 384).
        speed_precisions: precisions to measure it in.
        num_speed_batches: batches of each of these settings that are timed on each device.
        baseline: metrics.json of the model in use, evaluated on the same questions, to
            compare with: a path (on a mounted volume).
        precision: float32, mixed_float16 (V100) or mixed_bfloat16 (A100 and later).
        num_processes: Horovod processes of a training step, over all its nodes: one a GPU (8
            on a DGX-1V, 16 on a DGX-2); 1 or 2 on a CPU.
        num_nodes: machines of a training step. Above one, the step makes an MPIJob and follows
            it; the pipeline's root must be in a bucket.
        worker_pod: above one node, JSON of what each machine's pod asks for, under Kubernetes's
            names: nodeSelector, tolerations, resources, … and sharedMemory (of /dev/shm).
        pending_timeout_seconds: above one node, how long the pods may wait for a place or an
            image, with nothing going on, before the step fails and says why.
        job_timeout_seconds: above one node, how long the MPIJob may run in all.
        checkpoint_directory: folder (on a mounted volume), gs:// or s3:// URL under which the
            training steps keep their checkpoints, each in a subfolder (pretrain-128,
            pretrain-512, finetune-<learning rate>), so that a new pod resumes from them. The
            last one of each step stays. Runs at the same time need one directory each. Empty
            keeps them in the pod, where only the training's own restarts find them.
        checkpoint_every_steps: updates between two of those checkpoints.
        max_restarts: how many times in a row a training that died or hung is restarted in its
            pod without reaching a newer checkpoint; 0 never restarts it.
        tensorboard_directory: folder (on a mounted volume) under which the training steps write
            TensorBoard's events, each in a subfolder; empty writes none.
        seed: equal seed, input, settings and number of processes give equal results.

    Returns:
        The fine-tuned checkpoint, its scores and speed, the HTML report and a short summary.
    """
    fetched = ingest(
        dump=dump,
        squad_train=squad_train,
        squad_dev=squad_dev,
        vocabulary=vocabulary,
        checksums=checksums,
        dump_site=dump_site,
        download_directory=download_directory,
    ).set_display_name("Fetch and check the inputs")

    prepared = preprocess(
        dump_files=fetched.outputs["dump_files"],
        given_vocabulary=fetched.outputs["given_vocabulary"],
        sequence_lengths="128,512",
        vocabulary_size=vocabulary_size,
        lowercase=lowercase,
        sentence_splitter=sentence_splitter,
        num_duplicates=num_duplicates,
        num_shards=num_shards,
        num_workers=num_workers,
        beam_runner=beam_runner,
        flink_master=flink_master,
        flink_version=flink_version,
        flink_job_server_jar=flink_job_server_jar,
        flink_worker_pool=flink_worker_pool,
        worker_image=worker_image,
        dataflow_project=dataflow_project,
        dataflow_region=dataflow_region,
        dataflow_temp_location=dataflow_temp_location,
        use_object_store=use_object_store,
        beam_options=beam_options,
        seed=seed,
    ).set_display_name("Turn Wikipedia into records")

    phase_1 = pretrain(
        dataset=prepared.outputs["dataset"],
        vocabulary=prepared.outputs["vocabulary"],
        sequence_length=128,
        preset=preset,
        bert_config=bert_config,
        num_steps=pretrain_128_num_steps,
        global_batch_size=pretrain_128_global_batch_size,
        micro_batch_size=pretrain_128_micro_batch_size,
        learning_rate=pretrain_128_learning_rate,
        warmup_rate=pretrain_128_warmup_rate,
        whole_word_masking=whole_word_masking,
        precision=precision,
        num_processes=num_processes,
        num_nodes=num_nodes,
        worker_pod=worker_pod,
        pending_timeout_seconds=pending_timeout_seconds,
        job_timeout_seconds=job_timeout_seconds,
        checkpoint_directory=checkpoint_directory,
        checkpoint_every_steps=checkpoint_every_steps,
        max_restarts=max_restarts,
        tensorboard_directory=tensorboard_directory,
        seed=seed,
    ).set_display_name("Pretrain at length 128")

    phase_2 = pretrain(
        dataset=prepared.outputs["dataset"],
        vocabulary=prepared.outputs["vocabulary"],
        initial_checkpoint=phase_1.outputs["checkpoint"],
        sequence_length=512,
        preset=preset,
        bert_config=bert_config,
        num_steps=pretrain_512_num_steps,
        global_batch_size=pretrain_512_global_batch_size,
        micro_batch_size=pretrain_512_micro_batch_size,
        learning_rate=pretrain_512_learning_rate,
        warmup_rate=pretrain_512_warmup_rate,
        whole_word_masking=whole_word_masking,
        precision=precision,
        num_processes=num_processes,
        num_nodes=num_nodes,
        worker_pod=worker_pod,
        pending_timeout_seconds=pending_timeout_seconds,
        job_timeout_seconds=job_timeout_seconds,
        checkpoint_directory=checkpoint_directory,
        checkpoint_every_steps=checkpoint_every_steps,
        max_restarts=max_restarts,
        tensorboard_directory=tensorboard_directory,
        seed=seed,
    ).set_display_name("Pretrain at length 512")

    # A loop's steps go on at the same time where there are machines; a local run takes one
    # after the other.
    with dsl.ParallelFor(finetune_learning_rates, name="learning-rates") as learning_rate:
        finetuned = finetune(
            squad=fetched.outputs["squad"],
            initial_checkpoint=phase_2.outputs["checkpoint"],
            num_epochs=finetune_num_epochs,
            global_batch_size=finetune_global_batch_size,
            micro_batch_size=finetune_micro_batch_size,
            learning_rate=learning_rate,
            max_length_tokens=max_length_tokens,
            stride_tokens=stride_tokens,
            precision=precision,
            num_processes=num_processes,
            num_nodes=num_nodes,
            worker_pod=worker_pod,
            pending_timeout_seconds=pending_timeout_seconds,
            job_timeout_seconds=job_timeout_seconds,
            checkpoint_directory=checkpoint_directory,
            checkpoint_every_steps=checkpoint_every_steps,
            max_restarts=max_restarts,
            tensorboard_directory=tensorboard_directory,
            seed=seed,
        ).set_display_name("Fine-tune on SQuAD")

        evaluated = evaluate(
            squad=fetched.outputs["squad"],
            checkpoint=finetuned.outputs["checkpoint"],
            pretrain_128_history=phase_1.outputs["history"],
            pretrain_512_history=phase_2.outputs["history"],
            finetune_history=finetuned.outputs["history"],
            max_length_tokens=max_length_tokens,
            stride_tokens=stride_tokens,
            null_score_diff_threshold=null_score_diff_threshold,
            batch_size=evaluate_batch_size,
            speed_batch_sizes=speed_batch_sizes,
            speed_lengths=speed_lengths,
            speed_precisions=speed_precisions,
            num_speed_batches=num_speed_batches,
            baseline=baseline,
            precision=precision,
        ).set_display_name("Evaluate")

    chosen = choose(
        candidate_checkpoints=dsl.Collected(finetuned.outputs["checkpoint"]),
        candidate_metrics=dsl.Collected(evaluated.outputs["evaluate_metrics"]),
        candidate_reports=dsl.Collected(evaluated.outputs["report"]),
        candidate_summaries=dsl.Collected(evaluated.outputs["summary"]),
        learning_rates=finetune_learning_rates,
    ).set_display_name("Choose the learning rate")

    return Outputs(
        checkpoint=chosen.outputs["checkpoint"],
        metrics=chosen.outputs["chosen_metrics"],
        report=chosen.outputs["report"],
        summary=chosen.outputs["summary"],
    )
