"""Preprocessing of plain text, beside Google's create_pretraining_data on the same text."""

import statistics
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.measuring.processes import Usage
from tests.benchmarks.measuring.report import Report
from tests.benchmarks.preprocessing.corpora import repeat_text
from tests.benchmarks.preprocessing.peers import Peers

_MEGA = 1e6


class PlainText:
    """A text of articles, a sentence a line, and the runs over it and over copies of it."""

    def __init__(self, peers: Peers, folder: Path, *, copies: int) -> None:
        self._peers, self._folder, self._copies = peers, folder, copies
        self._text = peers.clean()
        self._megabytes = {n: self._make(n) for n in (1, copies, 3 * copies)}

    def measure(self, report: Report, run: Callable[[Path], Usage], *, repeats: int) -> None:
        """Add the figures.

        Args:
            report: gets them.
            run: preprocesses the text of a folder with one worker.
            repeats: of each run.
        """
        ours, peers = [], []
        for _ in range(repeats):
            ours.append((run(self._find(1)), run(self._find(self._copies))))
            peers.append(self._peers.make_records(self._text))
        more = self._megabytes[self._copies] - self._megabytes[1]
        speeds = [more / (large.seconds - small.seconds) for small, large in ours]
        speeds_of_peers = [self._megabytes[1] / usage.seconds for usage in peers]
        report.add_median("plain text, create_pretraining_data", speeds_of_peers, "MB of text/s")
        report.add_median("plain text, one worker", speeds, "MB of text/s", goal=">= 6")
        ratio = statistics.median(speeds) / statistics.median(speeds_of_peers)
        report.add("plain text, one worker over that", ratio)
        peak = statistics.median(large.peak_bytes for _, large in ours)
        size = self._megabytes[self._copies]
        report.add(f"memory of one worker at {size:.0f} MB of text", peak / _MEGA, "MB")
        tripled = run(self._find(3 * self._copies))
        report.add("at three times that text, over it", tripled.peak_bytes / peak, goal="<= 1.1")

    def _make(self, copies: int) -> float:
        """MB of text of a corpus."""
        self._find(copies).mkdir()
        return repeat_text(self._text, self._find(copies) / "text.txt", copies) / _MEGA

    def _find(self, copies: int) -> Path:
        return self._folder / f"text-x{copies}"
