"""Event files, which TensorBoard reads."""

from pathlib import Path
from typing import Any

import tensorflow as tf

_v1 = tf.compat.v1


class EventWriter:
    """Writes the numbers of a run's history while it trains."""

    def __init__(self, folder: Path, *, first_step: int) -> None:
        """Start a file.

        Args:
            folder: the run's own; TensorBoard names the run after it.
            first_step: updates done before. What a run that was killed wrote of later ones
                is not shown any more.
        """
        with tf.Graph().as_default():  # the writer refuses eager mode, which it does not use
            # Without a suffix, one resumed within the same second would take the file's place.
            self._writer = _v1.summary.FileWriter(str(folder), filename_suffix=f".{first_step:08d}")
        start = _v1.SessionLog(status=_v1.SessionLog.START)
        self._writer.add_session_log(start, first_step + 1)
        self._writer.flush()

    def write(self, entry: dict[str, Any]) -> None:
        """Write each number of a line of the history, under its name there."""
        values = [
            _v1.Summary.Value(tag=name, simple_value=value)
            for name, value in entry.items()
            if isinstance(value, int | float) and name != "step"
        ]
        self._writer.add_summary(_v1.Summary(value=values), entry["step"])
        self._writer.flush()
