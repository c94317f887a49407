"""Randomized tests: the same examples for everybody, new ones for who asks."""

import re
import shlex
import subprocess
import sys
import time

import pytest

from tests.runner.fuzz import main
from tests.runner.suites import REPOSITORY, Suite

CONFTEST = REPOSITORY / "tests" / "conftest.py"
RANDOMIZED = """
from pathlib import Path
from random import Random
from hypothesis import given, strategies as st

def test_of_another_kind():
    Path("PLACE/others").write_text("ran")

def test_seed(random_seed):
    with open("PLACE/seeds", "a") as file: file.write(f"{random_seed}\\n")

@given(st.integers())
def test_number(number):
    with open("PLACE/drawn", "a") as file: file.write(f"{number}\\n")
    assert CONDITION
"""


@pytest.fixture
def write_test(tmp_path):
    """Write a randomized test whose numbers must fulfil the condition; return its suite."""

    def write(condition="True"):
        (tmp_path / "conftest.py").write_bytes(CONFTEST.read_bytes())
        content = RANDOMIZED.replace("PLACE", str(tmp_path)).replace("CONDITION", condition)
        (tmp_path / "test_number.py").write_text(content)
        return Suite("numbers", (str(tmp_path),))

    return write


def draw(suite, tmp_path, *options):
    """Run pytest and return the numbers that it tried, and the seed of other tests."""
    for name in ("drawn", "seeds"):
        (tmp_path / name).unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", *suite.paths, *options]
    subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    drawn = (tmp_path / "drawn").read_text().splitlines()
    return drawn, int((tmp_path / "seeds").read_text())


def test_examples_are_the_same_each_time(write_test, tmp_path):
    """Nothing is kept between runs; --fuzz draws others, by its seed."""
    suite = write_test()

    drawn, seed = draw(suite, tmp_path)

    assert len(set(drawn)) > 50
    assert seed == 0
    assert draw(suite, tmp_path) == (drawn, 0)
    assert not (tmp_path / ".hypothesis" / "examples").exists()
    first, seed = draw(suite, tmp_path, "--fuzz=1")
    assert seed == 1
    assert draw(suite, tmp_path, "--fuzz=1") == (first, 1)
    assert draw(suite, tmp_path, "--fuzz=2")[0] != first != drawn


def test_fuzzing_draws_new_examples_until_the_time_is_up(write_test, tmp_path, capfd):
    """Once at least, and the randomized tests alone."""
    suite = write_test()
    started = time.monotonic()

    assert main(["2"], [suite]) == 0

    assert time.monotonic() - started >= 2
    output = capfd.readouterr().out
    seeds = re.findall(r"== numbers --fuzz=(\d+)", output)
    num_runs = int(re.search(r"(\d+) runs? without a failure", output)[1])
    assert len(set(seeds)) == num_runs >= 1
    assert (tmp_path / "seeds").read_text().splitlines() == seeds
    assert len((tmp_path / "drawn").read_text().splitlines()) == 100 * num_runs
    assert not (tmp_path / "others").exists()


def test_a_failure_is_told_with_the_command_that_repeats_it(write_test, capfd):
    """The smallest example is in the output, of the command as well."""
    suite = write_test("abs(number) < 1000")

    assert main(["300"], [suite]) == 1

    output = capfd.readouterr().out
    assert re.search(r"number=-?1000\b", output)
    command = shlex.split(output.splitlines()[-1].partition(": ")[2])
    again = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert re.search(r"number=-?1000\b", again.stdout)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon", ""])
def test_seconds_are_a_number_above_0(seconds, capfd):
    """Anything else is an error of one line."""
    assert main([seconds], []) == 2
    assert capfd.readouterr().err == f"SECONDS must be a number above 0, got {seconds!r}\n"
