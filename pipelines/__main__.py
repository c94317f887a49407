"""Compile, run and submit the pipelines."""

import os
import sys
from collections.abc import Callable, Sequence

from components.shared.errors import InputError
from components.shared.files.atomic import os_errors_explained
from components.shared.files.text import expect_utf8
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
_COMMANDS = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        *(run, compile, plan, push, register, submit),
        *(follow, runs, schedule, models, clean),
    )
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words:
        print(_describe_commands(), file=sys.stderr)
        return _EXIT_INPUT_ERROR
    name, *arguments = words
    if name in ("-h", "--help"):
        return _guard(name, words, _print_help)
    if name not in _COMMANDS:
        names = ", ".join(_COMMANDS)
        print(
            f"pipelines: error: COMMAND must be one of {names}, got {name!r}; see --help",
            file=sys.stderr,
        )
        return _EXIT_INPUT_ERROR
    return _guard(name, words, lambda: _COMMANDS[name].main(arguments))


def _print_help() -> int:
    print(_describe_commands())
    return 0


def _describe_commands() -> str:
    """Return the text of --help, with a line of each command's docstring."""
    width = max(map(len, _COMMANDS))
    lines = ["usage: python -m pipelines COMMAND [--help] [OPTIONS]", "", str(__doc__), ""]
    for name, module in _COMMANDS.items():
        summary = str(module.__doc__).partition("\n")[0].removeprefix(f"{name}: ").rstrip(".")
        lines.append(f"  {name:<{width}}  {summary}")
    return "\n".join(lines)


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
