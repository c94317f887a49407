"""Run the test suites, all of them even if one fails, and end with a table of the results.

python -m tests.runner.run [SUITE …] [pytest's options]
"""

import sys
from collections.abc import Sequence
from itertools import takewhile

from tests.runner.suites import SUITES, Result, Suite, interruptible, prepare, run_suite

_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130
_COLUMNS = "{:<12}{:>9}{:>9}{:>9}{:>9}"


def main(arguments: Sequence[str], suites: Sequence[Suite] = SUITES) -> int:
    """Run the named suites, or all; return the exit status."""
    names = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
    options = arguments[len(names) :]
    known = [suite.name for suite in suites]
    if unknown := [name for name in names if name not in known]:
        print(f"no suite {unknown[0]!r}; choose from {', '.join(known)}", file=sys.stderr)
        return _EXIT_USAGE
    suites = [suite for suite in suites if not names or suite.name in names]
    results: list[Result] = []
    status = 0
    with interruptible():
        try:
            for suite in suites:
                print(f"== {suite.name}", flush=True)
                if prepare(suite):
                    results.append(run_suite(suite, options))
                else:
                    problem = "its environment could not be made"
                    results.append(Result(suite.name, 0, 1, 0, 0.0, (problem,)))
        except KeyboardInterrupt:
            left_out = ", ".join(suite.name for suite in suites[len(results) :])
            print(f"\ninterrupted; without results: {left_out}", flush=True)
            status = _EXIT_INTERRUPTED
    print(format_table(results), flush=True)
    return status or int(any(result.failed for result in results))


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
