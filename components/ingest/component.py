"""The ingest stage as Kubeflow sees it."""

from kfp import dsl

from components.ingest.config import IngestConfig, LookConfig, RecordConfig
from components.shared.images import name_image


@dsl.container_component
def ingest(
    dump: str,
    squad_train: str,
    dump_files: dsl.Output[dsl.Dataset],
    squad: dsl.Output[dsl.Dataset],
    given_vocabulary: dsl.Output[dsl.Artifact],
    squad_dev: str = IngestConfig.squad_dev,
    vocabulary: str = IngestConfig.vocabulary,
    checksums: str = IngestConfig.checksums,
    dump_site: str = IngestConfig.dump_site,
    download_directory: str = IngestConfig.download_directory,
    timeout_seconds: float = IngestConfig.timeout_seconds,
    max_retries: int = IngestConfig.max_retries,
) -> dsl.ContainerSpec:
    """Fetch a Wikipedia dump, SQuAD files and a vocabulary, and check that each is whole.

    Args:
        dump: a dump's name (enwiki-latest, enwiki-20261001, enwiki-content-latest), or
            MediaWiki XML exports (plain, .bz2, .gz, a .tar of those): paths, folders, patterns,
            http(s)://, gs:// or s3:// addresses, separated by commas or white space.
            Conditions may follow each file here and below: `#sha256=<hex>&size=<bytes>` (sha1
            and md5 as well).
        squad_train: SQuAD 1.1 or 2.0 file to train on, path or address.
        dump_files: the dump's files, and dump.json: size, SHA-256, source, date.
        squad: train.json and dev.json, both whole SQuAD files.
        given_vocabulary: copy of the vocabulary; empty where none was given.
        squad_dev: SQuAD file to evaluate on; empty holds out every fifth article of
            squad_train.
        vocabulary: vocab.txt, one word piece a line; empty has one trained on the dump.
        checksums: file of checksums as md5sum, sha1sum or sha256sum write it and Wikimedia
            publishes it; every input whose file name it lists is checked against it.
        dump_site: where dumps are found by name: Wikimedia's site or a mirror of it.
        download_directory: folder (a mounted volume) where downloads are kept, so that a
            later run resumes or reuses them; empty keeps nothing.
        timeout_seconds: how long a server may stay silent before the connection counts as
            cut.
        max_retries: how often in a row a download may break without any gain before it is
            given up.
    """
    return dsl.ContainerSpec(
        image=name_image("ingest"),
        command=["python", "-m", "components.ingest"],
        args=["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )


@dsl.container_component
def look_for_dump(
    dump: str,
    record: str,
    is_new: dsl.OutputPath(bool),  # type: ignore[valid-type]
    found_dump: dsl.OutputPath(str),  # type: ignore[valid-type]
    fingerprint: dsl.OutputPath(str),  # type: ignore[valid-type]
    dump_checkpoints: dsl.OutputPath(str),  # type: ignore[valid-type]
    checkpoint_directory: str = LookConfig.checkpoint_directory,
    dump_site: str = LookConfig.dump_site,
    timeout_seconds: float = LookConfig.timeout_seconds,
    max_retries: int = LookConfig.max_retries,
) -> dsl.ContainerSpec:
    """Look whether a dump is another than the one that was trained on last.

    Args:
        dump: as the ingest step takes it: a dump's name such as enwiki-latest, or files.
        record: JSON file that notes the dump trained on last: a path (on a mounted volume),
            gs:// or s3:// address; where there is none, the dump is new.
        is_new: whether it is another.
        found_dump: the dump as it is now, with its date.
        fingerprint: what tells its files from others.
        dump_checkpoints: the folder of this dump in checkpoint_directory.
        checkpoint_directory: where trainings keep the checkpoints of the run under way; empty
            is nowhere.
        dump_site: where dumps are found by name: Wikimedia's site or a mirror of it.
        timeout_seconds: how long a server may stay silent before the connection counts as
            cut.
        max_retries: how often a request may fail before it is given up.
    """
    return dsl.ContainerSpec(
        image=name_image("ingest"),
        command=["python", "-m", "components.ingest", "look"],
        args=["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )


@dsl.container_component
def record_dump(
    dump: str,
    fingerprint: str,
    record: str,
    dump_checkpoints: str = RecordConfig.dump_checkpoints,
) -> dsl.ContainerSpec:
    """Note which dump was trained on, for the next look, and remove its trainings' checkpoints.

    Args:
        dump: as it was found.
        fingerprint: as it was found.
        record: JSON file to write: a path (on a mounted volume), gs:// or s3:// address.
        dump_checkpoints: the folder of checkpoints as it was found; empty removes none.
    """
    return dsl.ContainerSpec(
        image=name_image("ingest"),
        command=["python", "-m", "components.ingest", "record"],
        args=["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
