"""Running a Beam graph, and its errors as a person wants to see them."""

import logging
import os
import re
import shlex
from collections.abc import Callable, Iterator
from typing import NamedTuple

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from components.preprocess.beam.dataflow import check_dataflow, dataflow_flags
from components.preprocess.beam.flink import check_flink, flink_flags, is_elsewhere
from components.preprocess.beam.worker_processes import watched_workers
from components.preprocess.config import DATAFLOW, EMBEDDED, FLINK, PreprocessConfig
from components.preprocess.storage import filesystem
from components.shared.errors import InputError, WorkerLostError
from components.shared.files.atomic import OUT_OF_MEMORY
from components.shared.processes.cpus import count_cpus

# Below this, starting processes (three seconds or so) takes longer than they save.
_WORTH_PROCESSES_BYTES = 36 << 20

# How Beam passes on an exception of a worker: as text, with the name of the step.
_KINDS = {kind.__name__: kind for kind in (InputError, WorkerLostError)}
_ERROR = re.compile(
    rf"^(?:.*\s)?(?:\w+\.)*({'|'.join(_KINDS)}): (.+?)(?: \[while running '.*)?$", re.MULTILINE
)
_OUT_OF_MEMORY = re.compile(r"^(?:\w+: )?MemoryError\b", re.MULTILINE)


def count_workers(config: PreprocessConfig, text_bytes: int) -> int:
    """How many processes are wanted; 0 leaves it to the service."""
    if config.runner_name() != EMBEDDED:
        return config.num_workers
    if text_bytes < _WORTH_PROCESSES_BYTES:
        return 1
    return config.num_workers or count_cpus()


def make_options(config: PreprocessConfig, num_workers: int) -> PipelineOptions:
    """Beam's options: ours first, so that a user's own win."""
    runner = config.runner_name()
    flags = [f"--runner={runner}"]
    if runner == EMBEDDED and num_workers > 1:
        flags += ["--direct_running_mode=multi_processing", f"--direct_num_workers={num_workers}"]
    elif runner == FLINK:
        flags += flink_flags(config)
    elif runner == DATAFLOW:
        flags += dataflow_flags(config)
    return PipelineOptions(flags + shlex.split(config.beam_options))


class Places(NamedTuple):
    """Where the workers reach what the stage reads and writes."""

    dump_files: str | None
    text_files: str | None
    dataset: str


def find_places(config: PreprocessConfig) -> Places:
    """The addresses of the corpora and of the dataset.

    Raises:
        InputError: if workers would run on machines that don't see these, or the runner
            lacks something that it can be known to need.
    """
    runner = config.runner_name()
    elsewhere = runner == DATAFLOW or (runner == FLINK and is_elsewhere(config))
    in_store = elsewhere or config.use_object_store
    dump_files, text_files, dataset = (
        filesystem.find_address(path, in_store=in_store) if path else None
        for path in (config.dump_files, config.text_files, config.dataset)
    )
    assert dataset is not None
    places = Places(dump_files, text_files, dataset)
    for name, address in places._asdict().items():
        if elsewhere and address and not filesystem.is_in_store(address):
            raise InputError(
                f"{name}: {address} is a folder of this machine, which the workers of {runner} "
                "don't see; give a gs:// or s3:// folder"
            )
    if runner == FLINK:
        check_flink(config, make_options(config, config.num_workers))
    elif runner == DATAFLOW:
        check_dataflow(config, dataset)
    return places


def run_graph(options: PipelineOptions, add_steps: Callable[[beam.Pipeline], None]) -> None:
    """Run a graph to its end.

    Raises:
        InputError: if a step raised one, with its message alone.
        WorkerLostError: if a worker process died.
    """
    # Threads of the tokenizer would fight with the workers for the same cores.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    _silence_beam()
    pipeline = beam.Pipeline(options=options)
    add_steps(pipeline)
    try:
        with watched_workers():
            pipeline.run().wait_until_finish()
    except Exception as error:
        told = _find_told(error)
        if told is None:
            raise
        raise told from None


def _silence_beam() -> None:
    """Beam logs each error that it also raises, and its workers' logs at the root."""
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(lambda _: False)


def _find_told(error: BaseException) -> Exception | None:
    """The error of a worker that is shown in its own words."""
    for one in _chain(error):
        if isinstance(one, InputError | WorkerLostError):
            return type(one)(re.sub(r" \[while running '.*", "", str(one), flags=re.DOTALL))
        if found := _ERROR.search(str(one)):
            return _KINDS[found[1]](found[2])
        if isinstance(one, MemoryError) or _OUT_OF_MEMORY.search(str(one)):
            return InputError(f"{OUT_OF_MEMORY}, or lower num_workers")
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
