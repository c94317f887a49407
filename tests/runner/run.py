"""Run the test suites, all of them even if one fails, and end with a table of the results.

python -m tests.runner.run [SUITE …] [pytest's options]

The environment variable JOBS says how many suites run at the same time; above 1, a suite's output
is printed when it ends.
"""

import os
import sys
import time
from collections.abc import Sequence
from itertools import takewhile

from tests.runner.suites import SUITES, Result, Suite, SuiteRun, interruptible, prepare

_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130
_SECONDS_BETWEEN_LOOKS = 0.1
_COLUMNS = "{:<12}{:>9}{:>9}{:>9}{:>9}"


def main(arguments: Sequence[str], suites: Sequence[Suite] = SUITES) -> int:
    """Run the named suites, or all; return the exit status."""
    names = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
    options = arguments[len(names) :]
    known = [suite.name for suite in suites]
    if unknown := [name for name in names if name not in known]:
        print(f"no suite {unknown[0]!r}; choose from {', '.join(known)}", file=sys.stderr)
        return _EXIT_USAGE
    jobs = os.environ.get("JOBS", "1")
    if not (jobs.isascii() and jobs.isdigit() and int(jobs) > 0):
        print(f"JOBS must be a whole number above 0, got {jobs!r}", file=sys.stderr)
        return _EXIT_USAGE
    suites = [suite for suite in suites if not names or suite.name in names]
    name_to_result: dict[str, Result] = {}
    running: list[SuiteRun] = []
    status = 0
    with interruptible():
        try:
            # All before the first suite: tests run other suites' environments, too.
            waiting = [suite for suite in suites if _prepare(suite, name_to_result)]
            while waiting or running:
                while waiting and len(running) < int(jobs):
                    if int(jobs) == 1:
                        print(f"== {waiting[0].name}", flush=True)
                    running.append(SuiteRun(waiting.pop(0), options, hold_output=int(jobs) > 1))
                for run in [run for run in running if not run.is_running()]:
                    running.remove(run)
                    if int(jobs) > 1:
                        print(f"== {run.suite.name}", flush=True)
                    name_to_result[run.suite.name] = run.finish()
                time.sleep(_SECONDS_BETWEEN_LOOKS)
        except KeyboardInterrupt:
            for run in running:
                run.interrupt()
            left_out = [suite.name for suite in suites if suite.name not in name_to_result]
            print(f"\ninterrupted; without results: {', '.join(left_out)}", flush=True)
            status = _EXIT_INTERRUPTED
    results = [name_to_result[suite.name] for suite in suites if suite.name in name_to_result]
    print(format_table(results), flush=True)
    return status or int(any(result.failed for result in results))


def _prepare(suite: Suite, name_to_result: dict[str, Result]) -> bool:
    """Make a suite's environment; note a failure as the suite's result."""
    if prepare(suite):
        return True
    problem = "its environment could not be made"
    name_to_result[suite.name] = Result(suite.name, 0, 1, 0, 0.0, (problem,))
    return False


def format_table(results: Sequence[Result]) -> str:
    """Lay out what failed, then a line for each suite, and the sums as the last line."""
    problems = [f"{one.suite}: {problem}" for one in results for problem in one.problems]
    header = _COLUMNS.format("suite", "passed", "failed", "skipped", "seconds")
    lines = ["", *(["not passed:", *problems, ""] if problems else []), header]
    lines += [
        _COLUMNS.format(one.suite, one.passed, one.failed, one.skipped, round(one.seconds))
        for one in results
    ]
    passed, failed, skipped = (
        sum(getattr(one, name) for one in results) for name in ("passed", "failed", "skipped")
    )
    return "\n".join([*lines, "", f"{passed} passed, {failed} failed, {skipped} skipped"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
