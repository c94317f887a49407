"""Command line of the pipeline: python -m pipelines --help."""

import argparse
import sys

from components.shared.errors import InputError
from pipelines.commands import compile, plan, run, schedule  # noqa: A004 - the command's name

_EXIT_INPUT_ERROR = 2
_COMMANDS = (compile, plan, run, schedule)


def main() -> int:
    """Run one command; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipelines", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    arguments = vars(parser.parse_args())
    name, function = arguments.pop("command"), arguments.pop("function")
    try:
        return function(**arguments)
    except InputError as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        return _EXIT_INPUT_ERROR


if __name__ == "__main__":
    sys.exit(main())
