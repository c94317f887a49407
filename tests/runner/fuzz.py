"""Run the randomized tests on new examples until the time is up or one fails.

python -m tests.runner.fuzz SECONDS
"""

import secrets
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

from tests.runner.suites import REPOSITORY, SUITES, Suite, SuiteRun, interruptible, prepare

_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130
# What a file with a randomized test imports or asks for.
_SIGNS = ("import given", "random_seed")


def main(arguments: Sequence[str], suites: Sequence[Suite] = SUITES) -> int:
    """Run the randomized tests of each suite in turn, each time from a seed of its own.

    Args:
        arguments: the seconds; a suite that has begun is finished.
        suites: all suites.

    Returns:
        The exit status.
    """
    try:
        (seconds,) = map(float, arguments)
        if not seconds > 0:
            raise ValueError
    except ValueError:
        print(f"SECONDS must be a number above 0, got {' '.join(arguments)!r}", file=sys.stderr)
        return _EXIT_USAGE
    end = time.monotonic() + seconds
    with interruptible():
        try:
            randomized = [suite for suite in suites if any(_find_randomized(suite))]
            return _fuzz(randomized, end) if all(map(prepare, randomized)) else 1
        except KeyboardInterrupt:
            print("\ninterrupted; no failure so far", flush=True)
            return _EXIT_INTERRUPTED


def _fuzz(suites: Sequence[Suite], end: float) -> int:
    for num_runs, suite in enumerate(cycle(suites)):
        if num_runs and time.monotonic() > end:
            print(f"{num_runs} run{'s'[: num_runs > 1]} without a failure")
            break
        option = f"--fuzz={secrets.randbelow(1 << 32)}"
        print(f"== {suite.name} {option}", flush=True)
        files = list(_find_randomized(suite))
        if SuiteRun(suite._replace(paths=tuple(files)), [option]).finish().failed:
            command = shlex.join([suite.python, "-m", "pytest", *files, option])
            print(f"failed; the same again: {command}")
            return 1
    return 0


def _find_randomized(suite: Suite) -> Iterator[str]:
    """Yield the suite's files with randomized tests, relative to the repository."""
    for path in suite.find_paths():
        found = REPOSITORY / path
        for file in sorted(found.rglob("test_*.py")) if found.is_dir() else [found]:
            if any(sign in file.read_text("utf-8") for sign in _SIGNS):
                yield str(Path(path) / file.relative_to(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
