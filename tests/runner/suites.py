"""The test suites, and how one of them runs: in the environment of the image it tests."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

REPOSITORY = Path(__file__).resolve().parents[2]
# How long an interrupted pytest may take to end what its tests have started.
_CLEANUP_SECONDS = 60
_NO_TESTS_COLLECTED = 5


class Suite(NamedTuple):
    """Test files that share an environment."""

    name: str
    paths: tuple[str, ...]
    """Files and folders; a pattern stands for the files that match it."""
    project: str | None = None
    """Folder of the environment's pyproject.toml; None for the one that runs this module."""
    others: tuple[str, ...] = ()
    """Those of further environments, which its tests run steps in."""

    @property
    def python(self) -> str:
        """The interpreter of the suite's environment."""
        if self.project is None:
            return sys.executable
        return str(REPOSITORY / self.project / ".venv" / "bin" / "python")

    def find_paths(self) -> list[str]:
        """Return what pytest is to collect, relative to the repository."""
        return [
            path for pattern in self.paths for path in sorted(glob(pattern, root_dir=REPOSITORY))
        ]


_STAGES = tuple(
    f"images/{stage}" for stage in ("ingest", "preprocess", "pretrain", "finetune", "evaluate")
)
# The longest first, so that two side by side end at about the same time.
SUITES = (
    Suite(
        "pipelines",
        (
            "tests/pipelines",
            "tests/images",
            "tests/manifests",
            "tests/runner/test_guides.py",
            "tests/runner/test_run.py",
        ),
        others=_STAGES,
    ),
    Suite("pretrain", ("tests/components/pretrain", "tests/benchmarks"), "images/pretrain"),
    Suite(
        "training",
        (
            "tests/components/shared/bert",
            "tests/components/shared/checkpoints",
            "tests/components/shared/mpijob",
            "tests/components/shared/processes",
            "tests/components/shared/training",
        ),
        "images/pretrain",
    ),
    Suite(
        "finetune",
        ("tests/components/finetune", "tests/components/shared/classification"),
        "images/finetune",
    ),
    Suite("setup", ("tests/setup",)),
    Suite(
        "evaluate",
        (
            "tests/components/evaluate",
            "tests/components/choose",
            "tests/components/release",
            "tests/components/shared/squad",
            # The suite serve has no TensorFlow.
            "tests/components/serve/test_engines.py",
        ),
        "images/evaluate",
    ),
    Suite(
        "preprocess",
        (
            "tests/components/preprocess",
            "tests/components/shared/dataset",
            "tests/components/shared/files",
            "tests/components/shared/model_store",
            "tests/components/shared/reports",
            "tests/components/shared/stage",
            "tests/components/shared/storage",
            "tests/components/shared/tokens",
            "tests/components/shared/test_*.py",
            "tests/runner/test_fuzz.py",
        ),
        "images/preprocess",
    ),
    Suite("compatibility", ("tests/compatibility",), others=_STAGES),
    Suite("cluster", ("tests/cluster",)),
    Suite("serve", ("tests/components/serve",), "images/serve"),
    Suite("ingest", ("tests/components/ingest", "tests/components/notify"), "images/ingest"),
)


@dataclass(frozen=True)
class Result:
    """The outcome of a suite."""

    suite: str
    passed: int
    failed: int
    """Errors count as well, as does a run that ends without a report."""
    skipped: int
    seconds: float
    problems: tuple[str, ...] = ()
    """Names of the failed tests, or why there are no results."""


def prepare(suite: Suite) -> bool:
    """Bring the suite's environments up to date, test group included; tell whether it worked."""
    projects = filter(None, (suite.project, *suite.others))
    return all(
        _run([sys.executable, "sync.py", project, "--group", "test"]) == 0 for project in projects
    )


class SuiteRun:
    """A suite that runs with pytest."""

    def __init__(self, suite: Suite, options: Sequence[str] = (), *, hold_output: bool = False):
        """Start it.

        Args:
            suite: the suite; its environment is ready.
            options: what pytest gets besides the paths.
            hold_output: keep what pytest prints until `finish`, instead of printing it at once.
        """
        self.suite = suite
        self._started = time.monotonic()
        self._folder = tempfile.TemporaryDirectory(prefix="tests-")
        self._report = Path(self._folder.name) / "report.xml"
        self._output = Path(self._folder.name) / "output" if hold_output else None
        # The slowest tests are named: who adds one sees what it costs.
        command = [suite.python, "-m", "pytest", "-q", "--durations=12", "--durations-min=8"]
        command.append(f"--junitxml={self._report}")
        self._process = _start([*command, *suite.find_paths(), *options], self._output)

    def is_running(self) -> bool:
        """Whether pytest still runs."""
        return self._process.poll() is None

    def finish(self) -> Result:
        """Wait for pytest's end, print what was held back, and count the outcomes."""
        try:
            status = self._process.wait()
        except KeyboardInterrupt:
            self.interrupt()
            raise
        if self._output:
            print(self._output.read_text("utf-8", "replace"), end="", flush=True)
        passed, failed, skipped = [], [], 0
        if self._report.exists():
            for name, outcome in _read_report(self._report):
                if outcome == "skipped":
                    skipped += 1
                else:
                    (passed if outcome == "passed" else failed).append(name)
        self._folder.cleanup()
        # pytest may end without a report (a crash, unknown options) or fail beyond the tests.
        if status not in (0, _NO_TESTS_COLLECTED) and not failed:
            failed = [f"pytest ended with status {status}"]
        seconds = time.monotonic() - self._started
        return Result(self.suite.name, len(passed), len(failed), skipped, seconds, tuple(failed))

    def interrupt(self) -> None:
        """End pytest and all that its tests have started, giving fixtures time to clean up."""
        _end(self._process)
        self._folder.cleanup()


def _read_report(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each test's name and whether it passed, failed or was skipped."""
    # A test that fails and whose teardown fails too is there twice.
    name_to_outcome: dict[str, str] = {}
    for case in ElementTree.parse(path).iter("testcase"):
        name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
        outcome = "passed"
        if case.find("failure") is not None or case.find("error") is not None:
            outcome = "failed"
        elif case.find("skipped") is not None:
            outcome = "skipped"
        if name_to_outcome.get(name) != "failed":
            name_to_outcome[name] = outcome
    yield from name_to_outcome.items()


def _start(command: Sequence[str], output: Path | None = None) -> subprocess.Popen:
    """Start a command in the repository; it may write to a file instead of the terminal."""
    # A session of its own: Ctrl-C arrives once, from here, and reaches all that it has started.
    with output.open("wb") if output else nullcontext() as file:
        return subprocess.Popen(
            command,
            cwd=REPOSITORY,
            start_new_session=True,
            stdout=file,
            stderr=subprocess.STDOUT if file else None,
        )


def _run(command: Sequence[str]) -> int:
    """Run a command; if this process is interrupted, so is the command."""
    process = _start(command)
    try:
        return process.wait()
    except KeyboardInterrupt:
        _end(process)
        raise


def _end(process: subprocess.Popen) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(_CLEANUP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            pass
        return


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGINT raise KeyboardInterrupt, SIGINT in a shell's background job too."""
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
