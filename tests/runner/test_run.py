"""The runner of the suites, with suites of a few tests that really run."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise

import pytest

from pipelines.local.environments import STAGES
from tests.runner import suites
from tests.runner.project_files import list_files
from tests.runner.run import main
from tests.runner.suites import REPOSITORY, SUITES, Suite

GOOD = """
import pytest

def test_one(): pass
def test_two(): pass
@pytest.mark.skip(reason="never")
def test_three(): pass
"""
BAD = """
import pytest

@pytest.fixture
def broken(): raise OSError("no disk")
@pytest.fixture
def broken_at_its_end():
    yield
    raise OSError("no disk")

def test_wrong(): assert 1 == 2
def test_error(broken): pass
def test_wrong_and_error(broken_at_its_end): assert 1 == 2
def test_good(): pass
@pytest.mark.xfail
def test_expected(): assert 1 == 2
"""


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch):
    monkeypatch.delenv("JOBS", raising=False)


@pytest.fixture
def make_suite(tmp_path):
    def make(name, content, *, project=None):
        path = tmp_path / f"test_{name}.py"
        path.write_text(content)
        return Suite(name, (str(path),), project)

    return make


def run(*suites, arguments=()):
    return main(arguments, suites)


def test_all_suites_run_and_the_table_comes_last(make_suite, capfd):
    """A failing suite doesn't keep the next from running; errors count as failed."""
    suites = (make_suite("bad", BAD), make_suite("good", GOOD))

    status = run(*suites)

    lines = capfd.readouterr().out.splitlines()
    assert status == 1
    table = lines[-5:]
    assert table[0].split() == ["suite", "passed", "failed", "skipped", "seconds"]
    assert table[1].split()[:4] == ["bad", "1", "3", "1"]
    assert table[2].split()[:4] == ["good", "2", "0", "1"]
    assert table[3] == ""
    assert table[4] == "3 passed, 3 failed, 2 skipped"
    failed = lines[lines.index("not passed:") + 1 : -6]
    assert [line.rpartition("::")[2] for line in failed] == [
        "test_wrong", "test_error", "test_wrong_and_error",
    ]  # fmt: skip
    summaries = [line for line in lines if re.search(r"passed.* in \d", line)]
    assert [line.partition(" in ")[0] for line in summaries] == [
        "2 failed, 1 passed, 1 xfailed, 2 errors",
        "2 passed, 1 skipped",
    ]


def test_suites_run_side_by_side(make_suite, tmp_path, capfd, monkeypatch):
    """Each waits for the other to start; their output and results come one after the other."""
    meet = """
import time
from pathlib import Path

def test_meet():
    Path({own!r}).touch()
    deadline = time.monotonic() + 60
    while not Path({other!r}).exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    print("met" * 3)
    assert {passes}
"""
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    suites = (
        make_suite("first", meet.format(own=first, other=second, passes=True)),
        make_suite("second", meet.format(own=second, other=first, passes=False)),
    )
    monkeypatch.setenv("JOBS", "2")

    status = run(*suites)

    output = capfd.readouterr().out
    assert status == 1
    by_suite = {part.split()[0]: part for part in f"\n{output}".split("\n== ")[1:]}
    assert "1 passed in" in by_suite["first"]
    assert "metmetmet" in by_suite["second"]
    assert [line.split()[:3] for line in output.splitlines()[-4:-2]] == [
        ["first", "1", "0"], ["second", "0", "1"],
    ]  # fmt: skip


@pytest.mark.parametrize("jobs", ["0", "two", "-1", ""])
def test_the_number_of_jobs_is_checked(make_suite, capfd, monkeypatch, jobs):
    """It is a whole number above 0."""
    monkeypatch.setenv("JOBS", jobs)

    assert run(make_suite("good", GOOD)) == 2
    assert capfd.readouterr().err == f"JOBS must be a whole number above 0, got {jobs!r}\n"


def test_success_is_status_0(make_suite, capfd):
    """Also where the options leave a suite without tests."""
    suites = (make_suite("good", GOOD), make_suite("other", "def test_other(): pass"))

    assert run(*suites) == 0
    assert run(*suites, arguments=["-k", "test_one"]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"


def test_a_suite_that_gives_no_report_has_failed(make_suite, capfd):
    """A crash, a file that can't be imported, an unknown option, no environment: 1 failed each."""
    crash = make_suite("crash", "import os\ndef test_crash(): os.abort()")
    no_import = make_suite("import", "import no_such_module")
    no_environment = make_suite("environment", GOOD, project="images/no-such-stage")

    assert run(crash, no_import, no_environment) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == "0 passed, 3 failed, 0 skipped"
    assert "crash: pytest ended with status -6" in lines
    assert "environment: its environment could not be made" in lines

    assert run(make_suite("good", GOOD), arguments=["--no-such-option"]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert "good: pytest ended with status 4" in lines
    assert lines[-1] == "0 passed, 1 failed, 0 skipped"


def test_a_suite_is_chosen_by_its_name(make_suite, capfd):
    """An unknown name is an error of one line that lists the names."""
    suites = (make_suite("bad", BAD), make_suite("good", GOOD))

    assert run(*suites, arguments=["good"]) == 0
    assert "bad" not in capfd.readouterr().out
    assert run(*suites, arguments=["good", "better"]) == 2
    output = capfd.readouterr()
    assert (output.out, output.err) == ("", "no suite 'better'; choose from bad, good\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_with_what_it_has(make_suite, tmp_path, number):
    """The test's fixtures are torn down, no process stays, and the table shows what is done."""
    slow = f"""
import subprocess, sys, time
import pytest

@pytest.fixture
def child():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"]) as process:
        yield process
        process.kill()
    open({str(tmp_path / "cleaned")!r}, "w")

def test_slow(child):
    with open({str(tmp_path / "scratch")!r}, "w") as file: file.write(str(child.pid))
    import os; os.rename({str(tmp_path / "scratch")!r}, {str(tmp_path / "pid")!r})
    time.sleep(300)
"""
    suites = (make_suite("good", GOOD), make_suite("slow", slow), make_suite("later", GOOD))
    program = f"""
import sys
from tests.runner.run import main
from tests.runner.suites import Suite
sys.exit(main([], {suites!r}))
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "pid").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        output = process.communicate()[0]

    assert process.returncode == 130
    assert (tmp_path / "cleaned").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert "interrupted; without results: slow, later" in output
    assert output.splitlines()[-1] == "2 passed, 0 failed, 1 skipped"


@pytest.mark.parametrize("name", ["pipelines", "compatibility"])
def test_a_suite_by_itself_makes_the_environments_that_its_tests_run_steps_in(name, monkeypatch):
    """On a new machine, make test SUITE=pipelines has no others before it."""
    made = []
    monkeypatch.setattr(suites, "_run", lambda command: made.append(command[2]) or 0)

    assert suites.prepare(next(suite for suite in SUITES if suite.name == name))

    assert made == [f"images/{stage}" for stage in STAGES]


def test_every_test_file_is_in_one_suite():
    """A folder that no suite names would never be tested; two suites may name a file itself."""
    suite_to_files = {suite.name: set(_find_files(suite)) for suite in SUITES}
    all_files = set(list_files("test_*.py"))

    assert set().union(*suite_to_files.values()) == all_files
    named = {REPOSITORY / path for suite in SUITES for path in suite.paths}
    seen = Counter(file for files in suite_to_files.values() for file in files - named)
    assert set(seen.values()) == {1}


def _find_files(suite):
    for path in map(REPOSITORY.joinpath, suite.find_paths()):
        yield from path.rglob("test_*.py") if path.is_dir() else [path]


def test_a_shuffled_order_can_be_repeated(tmp_path):
    """The same seed gives the same order, another gives another; nothing is lost."""
    (tmp_path / "conftest.py").write_bytes((REPOSITORY / "tests" / "conftest.py").read_bytes())
    for name in "abc":
        tests = "".join(f"def test_{name}{number}(): pass\n" for number in range(5))
        (tmp_path / f"test_{name}.py").write_text(tests)

    def list_tests(*options):
        command = [sys.executable, "-m", "pytest", "-v", *options, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert not options or f"order shuffled by {' '.join(options)}" in done.stdout
        return [line.split()[0] for line in done.stdout.splitlines() if "PASSED" in line]

    in_order, first, second = (
        list_tests(), list_tests("--shuffle", "1"), list_tests("--shuffle", "2")
    )  # fmt: skip

    assert first == list_tests("--shuffle", "1")
    assert in_order != first != second != in_order
    assert sorted(first) == sorted(second) == in_order
    files = [test.partition("::")[0] for test in first]
    assert sum(one != other for one, other in pairwise(files)) == 2
