"""The numbers of a training run, a JSON object a line; free of TensorFlow."""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from components.shared.errors import InputError
from components.shared.files.atomic import room_expected, write_text
from components.shared.files.documents import describe, parse_document
from components.shared.files.formats import NUMBER_KEY, expect_format, stamp

_KIND = "history.jsonl"
_REMEDY = "give the history of a training step"


class History:
    """Losses, accuracies, learning rate and speed, every few steps."""

    def __init__(self, entries: list[dict[str, Any]], **labels: Any) -> None:
        self.entries, self._labels = entries, labels
        self._listeners: list[Callable[[dict[str, Any]], None]] = []

    @classmethod
    def read(cls, path: Path) -> "History":
        """Read a file of such lines.

        Raises:
            InputError: if a line is not a JSON object, or a newer release wrote the file.
        """
        entries = []
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            entry = _parse(line, number, str(path))
            # The first builds of 0.1.0 wrote no line with the format.
            if number == 1 and NUMBER_KEY in entry:
                expect_format(entry, _KIND, source=str(path), remedy=_REMEDY)
            else:
                entries.append(entry)
        return cls(entries)

    def append(self, entry: dict[str, Any]) -> None:
        """Add the numbers of some steps, and pass them on."""
        self.entries.append({**self._labels, **entry})
        for listen in self._listeners:
            listen(self.entries[-1])

    def pass_on(self, listen: Callable[[dict[str, Any]], None]) -> None:
        """Call `listen` with each line from now on."""
        self._listeners.append(listen)

    def write_to(self, path: Path) -> None:
        """Keep a file of the lines, whole at any time, for those who watch the run.

        It starts with the lines so far, in place of what a run that was killed left there.
        """

        def add(entry: dict[str, Any]) -> None:
            with room_expected(path), path.open("a", encoding="utf-8") as file:
                file.write(_line(entry))

        write_text(path, self.text())
        self.pass_on(add)

    def text(self) -> str:
        """The lines, after one that names the file's format."""
        return "".join(map(_line, (stamp(_KIND), *self.entries)))

    def summary(self) -> dict[str, float]:
        """The last losses and accuracies, and the usual speed, for Kubeflow's metrics.

        The speed is the median of the lines that have one: compilation counts in none.
        """
        last: dict[str, Any] = {}
        for entry in self.entries:  # those of training and of validation have other names
            last |= entry
        scalars = {
            name: value
            for name, value in last.items()
            if name.endswith(("loss", "_accuracy", "perplexity", "skipped_steps", "best_step"))
        }
        name = "sequences_per_second"
        speeds = [entry[name] for entry in self.entries if name in entry]
        return {**scalars, name: median(speeds)} if speeds else scalars


def _parse(line: bytes, number: int, source: str) -> dict[str, Any]:
    entry = parse_document(line, source=source, remedy=_REMEDY, first_line=number)
    if not isinstance(entry, dict):
        raise InputError(
            f"{source}: line {number}: expected an object, got {describe(entry)}; {_REMEDY}"
        )
    return entry


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry) + "\n"
