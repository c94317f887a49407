"""Processes that hold a model ready and measure when they are told to.

What is compared takes turns, a measurement each: whatever else the machine does then hits all
of them. Of the standard library alone, so that each environment can import it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

_REPOSITORY = Path(__file__).resolve().parents[3]


def serve(facts: Mapping[str, Any], measurements: Mapping[str, Callable[[], Any]]) -> None:
    """Tell the facts, then measure what each line of the input names; for the worker.

    Each measurement is made once beforehand: that one compiles. What it returns does not
    count, only the time it takes.
    """
    # What libraries print must not come between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    for measure in measurements.values():
        measure()
    print(json.dumps(facts), file=answers, flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        measurements[line.strip()]()
        print(json.dumps(time.perf_counter() - started), file=answers, flush=True)


class Worker:
    """A process that runs `serve`."""

    def __init__(self, python: Path, module: str, *arguments: object, cpus: str = "") -> None:
        """Start it.

        Args:
            python: the interpreter, of the environment it needs.
            module: its module.
            arguments: of its command line.
            cpus: the cores it may use, as `taskset` takes them; all, if empty.
        """
        command = [python, "-m", module, *arguments]
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - to its end
        self._process = subprocess.Popen(
            [*(["taskset", "--cpu-list", cpus] if cpus else []), *map(str, command)],
            cwd=_REPOSITORY,
            env=os.environ | {"PYTHONPATH": str(_REPOSITORY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def __enter__(self) -> Self:
        """Return itself, once it is ready."""
        try:
            self.facts: dict[str, Any] = self._read()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def measure(self, name: str) -> float:
        """Seconds that a measurement takes."""
        assert self._process.stdin is not None
        print(name, file=self._process.stdin, flush=True)
        return float(self._read())

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        status = self._process.wait()
        self._errors.seek(0)
        raise RuntimeError(
            f"{self._process.args} ended with {status}:\n{self._errors.read()[-3000:]}"
        )


def take_turns(turns: Sequence[tuple[Worker, str]], times: int) -> list[list[float]]:
    """Seconds of each worker's measurement, again and again, one after the other."""
    rounds = [[worker.measure(name) for worker, name in turns] for _ in range(times)]
    return [list(samples) for samples in zip(*rounds, strict=True)]
