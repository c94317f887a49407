"""The path that BERT's users know, from a dump to TFRecords at 128 and at 512.

mwparserfromhell's cleaning as TensorFlow Datasets does it, then Google's
create_pretraining_data as the TensorFlow Model Garden packages it; one process, one core.
"""

import bz2
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.measuring.processes import Usage, run_and_watch

_HERE = Path(__file__).resolve().parent / "peer"
_PYTHON = _HERE / ".venv" / "bin" / "python"
_LENGTH_TO_PREDICTIONS = {128: 20, 512: 80}
_SHORT_TEXT = "One sentence is here.\n\nAnother one is there.\n"


class Peers:
    """The programs of that path, and what they are given."""

    def __init__(self, dump: Path, vocabulary: Path, folder: Path, *, num_duplicates: int) -> None:
        self._vocabulary, self._num_duplicates, self._folder = vocabulary, num_duplicates, folder
        self._dump, self._empty = dump, folder / "empty.xml.bz2"
        self._empty.write_bytes(bz2.compress(b"<mediawiki></mediawiki>"))
        self._short = folder / "short"
        self._short.write_text(_SHORT_TEXT, encoding="utf-8")

    def run(self) -> Usage:
        """What the path takes without the start-up of its programs."""
        text = self._folder / "text"
        cleaning = self._clean(self._empty, text), self._clean(self._dump, text)
        return _add([cleaning, *self._run_on(text)])

    def make_records(self, text: Path) -> Usage:
        """What the second program takes for a text at both lengths, without its start-up."""
        return _add(self._run_on(text))

    def clean(self) -> Path:
        """The text of the dump: a sentence a line, an empty line between articles."""
        text = self._folder / "cleaned"
        self._clean(self._dump, text)
        return text

    def _run_on(self, text: Path) -> list[tuple[Usage, Usage]]:
        """For each length: what it takes for next to nothing, and for the text."""
        return [
            (self._make_records(self._short, length), self._make_records(text, length))
            for length in _LENGTH_TO_PREDICTIONS
        ]

    def _clean(self, dump: Path, text: Path) -> Usage:
        return run_and_watch([_PYTHON, _HERE / "clean.py", dump, text])

    def _make_records(self, text: Path, length: int) -> Usage:
        settings = {
            "input_file": text,
            "output_file": self._folder / "records",
            "vocab_file": self._vocabulary,
            "max_seq_length": length,
            "max_predictions_per_seq": _LENGTH_TO_PREDICTIONS[length],
            "dupe_factor": self._num_duplicates,
        }
        flags = [f"--{name}={value}" for name, value in settings.items()]
        command = [_PYTHON, "-m", "official.nlp.data.create_pretraining_data"]
        return run_and_watch([*command, *flags])


def _add(runs: Sequence[tuple[Usage, Usage]]) -> Usage:
    """Sum what whole runs take beyond those that only start."""
    return Usage(
        sum(whole.seconds - start_up.seconds for start_up, whole in runs),
        sum(whole.cpu_seconds - start_up.cpu_seconds for start_up, whole in runs),
        max(whole.peak_bytes for _, whole in runs),
    )
