"""A run, or a worker of it, that is killed in the middle of its work; and the next run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.preprocess.beam.steps import CLEAN, PAIR
from components.preprocess.config import PreprocessConfig
from components.preprocess.run import run
from tests.components.processes import find_children
from tests.waiting import wait_until

NUM_PAGES = 3000
WORKER = "components.preprocess.beam.worker"
MAX_SECONDS_TO_END = 60


def find_processes(word):
    """Ids of the processes whose environment holds a word."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if word.encode() in file.read():
                    found.add(int(pid))
        except OSError:
            pass
    return found


@pytest.fixture
def start(tmp_path, write_dump, make_article, vocabulary_file):
    """Starts the stage on a dump in a process of its own, with its workers in others."""
    write_dump(*(make_article(page) for page in range(1, NUM_PAGES)), num_streams=40)
    started = []

    def start(config, num_workers=2):
        flags = {
            name: getattr(config, name)
            for name in ("dump_files", "dataset", "vocabulary", "given_vocabulary")
        }
        flags |= {
            "sequence_lengths": "16",
            "beam_options": "--direct_running_mode=multi_processing "
            f"--direct_num_workers={num_workers}",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "components.preprocess"]
            + [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()],
            env={**os.environ, "KILLED_RUN": str(tmp_path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture
def make_config(tmp_path, vocabulary_file):
    """Makes the config of a run by its folder's name."""

    def make(name):
        return PreprocessConfig(
            dump_files=tmp_path / "dump",
            given_vocabulary=vocabulary_file,
            sequence_lengths="16",
            dataset=tmp_path / name / "dataset",
            vocabulary=tmp_path / name / "vocab.txt",
        )

    return make


def find_workers(process):
    """The ids of the worker processes that a stage has, as soon as there are some."""

    def find():
        return [pid for pid in find_children(process.pid) if WORKER in read_command(pid)]

    return wait_until(find, process)


def read_command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except FileNotFoundError:
        return ""


def wait_for_step(config, step, process):
    parent = config.dataset.parent
    wait_until(lambda: list(parent.glob(f".dataset-*/{step}")), process)


@pytest.mark.slow
@pytest.mark.parametrize(("step", "num_workers"), [(CLEAN, 2), (PAIR, 1)])
def test_rerun_ends_as_if_nothing_was_killed(tmp_path, start, make_config, step, num_workers):
    """SIGKILL leaves no process; the next run clears what was left and gives the same bytes."""
    killed = make_config("killed")
    process = start(killed, num_workers)
    wait_for_step(killed, step, process)
    process.kill()
    process.wait()
    left = [path.name for path in killed.dataset.parent.iterdir()]

    wait_until(lambda: not find_processes(str(tmp_path)))
    run(killed)
    expected = make_config("whole")
    run(expected)

    assert left
    assert "dataset" not in left
    assert sorted(path.name for path in killed.dataset.parent.iterdir()) == ["dataset", "vocab.txt"]
    assert read_files(killed.dataset) == read_files(expected.dataset)


@pytest.mark.slow
def test_workers_end_with_a_stage_that_is_killed_before_they_have_work(
    tmp_path, start, make_config
):
    """They would wait for a connection for ever."""
    process = start(make_config("killed"))
    find_workers(process)

    process.kill()

    wait_until(lambda: not find_processes(str(tmp_path)))


@pytest.mark.slow
@pytest.mark.parametrize("step", ["", PAIR])
def test_stage_ends_with_a_worker_that_is_killed(tmp_path, start, make_config, step):
    """As the kernel does for want of memory: one line, no process and no file left."""
    config = make_config("killed")
    process = start(config)
    worker = find_workers(process)[0]
    if step:
        wait_for_step(config, step, process)

    os.kill(worker, signal.SIGKILL)
    began = time.monotonic()
    _, errors = process.communicate()

    assert time.monotonic() - began < MAX_SECONDS_TO_END
    assert process.returncode == 1
    assert errors.splitlines()[-1] == (
        "preprocess: error: a worker process was killed, most likely as memory ran out; "
        "give more memory, or lower num_workers"
    )
    assert "Exception" not in errors
    assert not list(config.dataset.parent.iterdir())
    assert not find_processes(str(tmp_path))


def read_files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
