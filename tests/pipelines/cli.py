"""Runs a command of `python -m pipelines` in this process."""

import contextlib
import io
import re
from dataclasses import dataclass

from pipelines.__main__ import main


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        """Of stdout, without the times of day that `follow` begins them with."""
        return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in self.stdout.splitlines()]

    @property
    def last_error(self) -> str:
        return self.stderr.strip().splitlines()[-1]


def run_command(*arguments: object) -> Done:
    """Run it to its end."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as error:  # argparse's
            status = int(error.code or 0)
    return Done(status, stdout.getvalue(), stderr.getvalue())
