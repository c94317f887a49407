"""What a served model does: from a request's instances to sequences, and from scores to answers."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from components.shared.bert.sequences import TokenSequence

Prediction = dict[str, Any]
"""What is answered to an instance."""
Scores = Sequence[Sequence[np.ndarray]]
"""Each of the model's outputs, sequence by sequence."""


class Job(Protocol):
    """A request in work."""

    @property
    def sequences(self) -> Sequence[TokenSequence]:
        """The sequences that the model must score."""
        ...

    def finish(self, scores: Scores) -> list[Prediction]:
        """The answers, one to each instance, or to those that are asked for."""
        ...


class Task(Protocol):
    """A kind of work; not thread-safe."""

    name: str
    """As the page knows it."""
    fields: tuple[str, ...]
    """Of an instance; over protocol v2, an input for each."""

    def start(self, instances: Sequence[Any], parameters: Mapping[str, Any]) -> Job:
        """Make a job of a request.

        Raises:
            RequestError: naming what is wrong.
        """
        ...
