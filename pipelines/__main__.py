"""Compile, run and submit the pipelines: python -m pipelines COMMAND --help."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from components.shared.errors import InputError
from components.shared.files import os_errors_explained
from components.shared.text import expect_utf8
from pipelines.commands import (
    clean,
    compile,  # noqa: A004 - the command's name
    follow,
    models,
    plan,
    push,
    register,
    run,
    runs,
    schedule,
    submit,
)

_EXIT_INPUT_ERROR, _EXIT_INTERRUPTED = 2, 130
# As a shell shows what SIGPIPE ended.
_EXIT_BROKEN_PIPE = 141
_COMMANDS = (compile, plan, push, register, submit, follow, runs, schedule, models, clean)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["run"]:
        return _guard("run", words, lambda: run.main(words[1:]))
    parser = argparse.ArgumentParser(prog="python -m pipelines", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    commands.add_parser("run", help="run a pipeline on this machine")
    known, more = parser.parse_known_args(words)
    arguments = vars(known)
    name, function = arguments.pop("command"), arguments.pop("function")
    # A pipeline's parameters are not known before its package is read.
    if arguments.pop("takes_more", False):
        arguments["more"] = more
    elif more:
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    return _guard(name, words, lambda: function(**arguments))


def _guard(name: str, words: Sequence[str], command: Callable[[], int]) -> int:
    """Run a command; say what a user did wrong in one line."""
    try:
        expect_utf8(words)
        with os_errors_explained():
            status = command()
        sys.stdout.flush()
        return status
    except InputError as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        return _EXIT_INPUT_ERROR
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return _EXIT_INTERRUPTED
    except BrokenPipeError:
        # `| head` has read enough. What is left in the buffer goes nowhere at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _EXIT_BROKEN_PIPE


if __name__ == "__main__":
    sys.exit(main())
