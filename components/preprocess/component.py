"""The preprocess stage as Kubeflow sees it."""

from kfp import dsl

from components.preprocess.config import PreprocessConfig
from components.shared.images import name_image


@dsl.container_component
def preprocess(
    dump_files: dsl.Input[dsl.Dataset],
    given_vocabulary: dsl.Input[dsl.Artifact],
    dataset: dsl.Output[dsl.Dataset],
    vocabulary: dsl.Output[dsl.Artifact],
    sequence_lengths: str = PreprocessConfig.sequence_lengths,
    format: str = PreprocessConfig.format,  # noqa: A002 - one name all the way
    mask_rate: float = PreprocessConfig.mask_rate,
    max_predictions: str = PreprocessConfig.max_predictions,
    whole_word_masking: bool = PreprocessConfig.whole_word_masking,
    vocabulary_size: int = PreprocessConfig.vocabulary_size,
    lowercase: bool = PreprocessConfig.lowercase,
    sentence_splitter: str = PreprocessConfig.sentence_splitter,
    short_sequence_rate: float = PreprocessConfig.short_sequence_rate,
    num_duplicates: int = PreprocessConfig.num_duplicates,
    num_shards: int = PreprocessConfig.num_shards,
    seed: int = PreprocessConfig.seed,
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
) -> dsl.ContainerSpec:
    """Turn a Wikipedia dump into rows of sentence pairs, as BERT is pretrained on.

    Args:
        dump_files: the dump's files, and dump.json.
        given_vocabulary: vocab.txt to use; an empty file has one trained on the dump.
        dataset: the shards of each sequence length, and dataset.json: counts, checksums,
            versions, settings, what was dropped and why.
        vocabulary: the vocab.txt of the dataset, given or trained.
        sequence_lengths: tokens of a row, one dataset for each, separated by commas.
        format: packed (rows of several sequences, masked while training) or google (the
            TFRecords of Google's create_pretraining_data.py, masked and padded).
        mask_rate: google format: share of a sequence's tokens to predict.
        max_predictions: google format: most tokens to predict in a sequence, one number for
            each of sequence_lengths; empty gives 20 at 128 and 80 at 512.
        whole_word_masking: google format: mask all pieces of a word or none.
        vocabulary_size: word pieces of a vocabulary that is trained; a small dump may
            give fewer.
        lowercase: lower case without accents (BERT uncased), or text as it is (cased); a script
            without case, such as Devanagari, always stays as it is.
        sentence_splitter: sentencex (Wikimedia's rules for the dump's language) or punkt
            (NLTK's, which learns abbreviations from the dump; slower).
        short_sequence_rate: share of passes over a document that aim at a shorter
            sequence, 0 to 1.
        num_duplicates: how often each document is cut and paired anew.
        num_shards: least number of files for each sequence length.
        seed: equal seed, input, settings and versions give equal bytes.
        num_workers: processes of the embedded runner, parallelism on Flink, most workers on
            Dataflow; 0 is one for each core, and elsewhere what the service decides.
        beam_runner: where Beam runs: FnApiRunner (in this step), flink, dataflow.
        flink_master: host:port of a Flink cluster; [local] starts one in this step.
        flink_version: Flink's version, for the job server that Beam fetches.
        flink_job_server_jar: path or address of a job server to use instead.
        flink_worker_pool: host:port of Beam's worker pool beside each of Flink's task managers.
        worker_image: image of this stage in a registry, which workers on Dataflow, or Flink's
            with Docker, run.
        dataflow_project: Dataflow: Google Cloud's project.
        dataflow_region: Dataflow: its region, such as europe-west4.
        dataflow_temp_location: Dataflow: a gs:// folder for what it keeps while it runs.
        use_object_store: whether the dump is read and the dataset written in the pipeline
            root's store itself, past Kubeflow's copies; workers elsewhere always do.
        beam_options: further options for Beam, as on a shell's command line; they win.
    """
    return dsl.ContainerSpec(
        image=name_image("preprocess"),
        command=["python", "-m", "components.preprocess"],
        args=["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
