"""A run that is killed in the middle of its work, and the next one."""

import os
import signal
import subprocess
import sys

import pytest

from components.preprocess.config import PreprocessConfig
from components.preprocess.run import run
from tests.waiting import wait_until

NUM_PAGES = 3000


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


@pytest.mark.slow
@pytest.mark.parametrize(("step", "num_workers"), [("Clean and tokenise", 2), ("Pair and pack", 1)])
def test_rerun_ends_as_if_nothing_was_killed(
    tmp_path, write_dump, make_article, vocabulary_file, step, num_workers
):
    """SIGKILL leaves no process; the next run clears what was left and gives the same bytes."""
    write_dump(*(make_article(page) for page in range(1, NUM_PAGES)), num_streams=40)
    values = {
        "dump_files": tmp_path / "dump",
        "given_vocabulary": vocabulary_file,
        "sequence_lengths": "16",
    }
    killed = PreprocessConfig(
        dataset=tmp_path / "killed" / "dataset", vocabulary=tmp_path / "killed" / "v", **values
    )
    flags = {
        **values,
        "dataset": killed.dataset,
        "vocabulary": killed.vocabulary,
        "beam_options": "--direct_running_mode=multi_processing "
        f"--direct_num_workers={num_workers}",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "components.preprocess"]
        + [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()],
        env={**os.environ, "KILLED_RUN": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    parent = killed.dataset.parent
    wait_until(lambda: list(parent.glob(f".dataset-*/{step}")), process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = [path.name for path in parent.iterdir()]

    wait_until(lambda: not find_processes(str(tmp_path)))
    run(killed)
    expected = PreprocessConfig(
        dataset=tmp_path / "whole" / "dataset", vocabulary=tmp_path / "whole" / "v", **values
    )
    run(expected)

    assert left
    assert "dataset" not in left
    assert sorted(path.name for path in parent.iterdir()) == ["dataset", "v"]
    assert read_files(killed.dataset) == read_files(expected.dataset)


def read_files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
