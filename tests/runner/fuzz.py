"""Run the randomized tests on new examples until the time is up or one fails.

python -m tests.runner.fuzz SECONDS
"""

import secrets
import sys
import time
import tomllib
from collections.abc import Sequence

from tests.runner.suites import REPOSITORY, SUITES, Suite, interruptible, prepare, run_suite

_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str], suites: Sequence[Suite] | None = None) -> int:
    """Run rounds of the randomized tests, each from a seed of its own; return the exit status.

    Args:
        arguments: the seconds; a round that has begun is finished.
        suites: those with randomized tests; by default the ones whose project names Hypothesis.
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
            if suites is None:
                suites = [suite for suite in SUITES if _has_randomized_tests(suite)]
            return _fuzz(suites, end) if all(map(prepare, suites)) else 1
        except KeyboardInterrupt:
            print("\ninterrupted; no failure so far", flush=True)
            return _EXIT_INTERRUPTED


def _fuzz(suites: Sequence[Suite], end: float) -> int:
    num_rounds = 0
    while not num_rounds or time.monotonic() < end:
        seed = secrets.randbelow(1 << 32)
        options = ("-m", "hypothesis", "--hypothesis-profile=fuzz", f"--hypothesis-seed={seed}")
        for suite in suites:
            print(f"== {suite.name}, seed {seed}", flush=True)
            result = run_suite(suite, options)
            if result.failed:
                command = [suite.python, "-m", "pytest", *suite.find_paths(), *options]
                print("failed; the same examples again:", *command, flush=True)
                return 1
        num_rounds += 1
    print(f"{num_rounds} round{'s'[: num_rounds > 1]} without a failure")
    return 0


def _has_randomized_tests(suite: Suite) -> bool:
    """Whether the suite's environment holds Hypothesis, which makes all randomized tests."""
    project = REPOSITORY / (suite.project or ".") / "pyproject.toml"
    groups = tomllib.loads(project.read_text("utf-8"))["dependency-groups"].values()
    return any(one.startswith("hypothesis") for group in groups for one in group)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
