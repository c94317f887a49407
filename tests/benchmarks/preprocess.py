"""Preprocessing against the path that BERT's users know: `make bench-preprocess`.

The peer is mwparserfromhell's cleaning as TensorFlow Datasets does it, then Google's
create_pretraining_data, as the TensorFlow Model Garden packages it, at 128 and at 512. Both
make five duplicates. Start-up is taken off: ours by the difference of two corpora, the
peer's by a run on one sentence.
"""

import bz2
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

from tests.benchmarks.corpora import repeat_dump
from tests.benchmarks.processes import Usage, run_and_watch
from tests.benchmarks.report import Report, make_parser, repeat

_REPOSITORY = Path(__file__).resolve().parent.parent.parent
_OURS = _REPOSITORY / "images" / "preprocess" / ".venv" / "bin" / "python"
_HERE = Path(__file__).resolve().parent
_PEER = _HERE / "peer" / ".venv" / "bin" / "python"
_DUPLICATES = 5
_LENGTH_TO_PREDICTIONS = {128: 20, 512: 80}


class Bench:
    """Corpora in a folder, and the runs over them."""

    def __init__(self, data: Path, folder: Path, *, copies: int, repeats: int) -> None:
        self._folder, self._repeats = folder, repeats
        self._vocabulary = data / "uncased-vocab.txt"
        self._excerpt = data / "enwiki-excerpt.xml.bz2"
        self._num_bytes = {n: self._make(n) for n in (1, copies, 3 * copies)}
        self._copies = copies

    def measure(self) -> Report:
        """All figures."""
        small, large = self._num_bytes[1], self._num_bytes[self._copies]
        more = (large - small) / 1e6
        one = {n: self._run_ours(n, workers=1) for n in self._num_bytes}
        two = {n: self._run_ours(n, workers=2) for n in (1, self._copies)}
        ours = more / (_seconds(one[self._copies]) - _seconds(one[1]))
        ours_2 = more / (_seconds(two[self._copies]) - _seconds(two[1]))
        peer = small / 1e6 / self._run_peer()
        peak, peak_3 = (_peak(one[n]) for n in (self._copies, 3 * self._copies))
        report = Report("Preprocessing")
        report.add("peer", peer, "MB of XML/s")
        report.add("one worker", ours, "MB of XML/s")
        report.add("one worker over the peer", ours / peer, goal=">= 10")
        report.add("two workers over one", ours_2 / ours, goal=">= 1.6")
        cleaning = repeat(self._clean, self._repeats)
        report.add_median("cleaning", cleaning, "MB of wikitext/s", goal=">= 4")
        report.add(f"peak of a process at {large / 1e6:.0f} MB of XML", peak / 1e6, "MB")
        report.add("peak at three times that over it", peak_3 / peak, goal="<= 1.1")
        return report

    def _make(self, copies: int) -> int:
        (self._folder / f"x{copies}").mkdir()
        return repeat_dump(self._excerpt, self._folder / f"x{copies}" / "dump.xml.bz2", copies)

    def _run_ours(self, copies: int, *, workers: int) -> list[Usage]:
        output = self._folder / "output"
        command = [
            _OURS,
            "-m",
            "components.preprocess",
            "--dump-files",
            self._folder / f"x{copies}",
        ]
        command += ["--dataset", output, "--vocabulary", self._folder / "vocab.txt"]
        command += ["--given-vocabulary", self._vocabulary, "--num-workers", workers]
        command += ["--num-duplicates", _DUPLICATES]
        return [run_and_watch(command, cwd=_REPOSITORY) for _ in range(self._repeats)]

    def _clean(self) -> float:
        command = [_OURS, _HERE / "cleaning.py", self._folder / "x1"]
        environment = os.environ | {"PYTHONPATH": str(_REPOSITORY)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return float(done.stdout)

    def _run_peer(self) -> float:
        """Seconds that the peer takes for the excerpt, without its start-up: medians."""
        text, line = self._folder / "text", self._folder / "line"
        line.write_text("One sentence is here.\n\nAnother one is there.\n", encoding="utf-8")
        dump, empty = self._folder / "x1" / "dump.xml.bz2", self._folder / "empty.xml.bz2"
        empty.write_bytes(bz2.compress(b"<mediawiki></mediawiki>"))

        def clean(source: Path) -> float:
            return run_and_watch([_PEER, _HERE / "peer" / "clean.py", source, text]).seconds

        def make(source: Path, length: int) -> float:
            command = [_PEER, "-m", "official.nlp.data.create_pretraining_data"]
            settings = {
                "input_file": source,
                "output_file": self._folder / "records",
                "vocab_file": self._vocabulary,
                "max_seq_length": length,
                "max_predictions_per_seq": _LENGTH_TO_PREDICTIONS[length],
                "dupe_factor": _DUPLICATES,
            }
            flags = [f"--{name}={value}" for name, value in settings.items()]
            return run_and_watch([*command, *flags]).seconds

        start_up = statistics.median(repeat(lambda: clean(empty), self._repeats))
        seconds = statistics.median(repeat(lambda: clean(dump), self._repeats)) - start_up
        for length in _LENGTH_TO_PREDICTIONS:
            start_up = statistics.median(repeat(lambda n=length: make(line, n), self._repeats))
            seconds += (
                statistics.median(repeat(lambda n=length: make(text, n), self._repeats)) - start_up
            )
        return seconds


def _seconds(runs: list[Usage]) -> float:
    return statistics.median(run.seconds for run in runs)


def _peak(runs: list[Usage]) -> float:
    return statistics.median(run.max_peak_bytes for run in runs)


def main() -> None:
    """Measure, print a table, write it as JSON."""
    parser = make_parser("preprocess", __doc__)
    data = os.environ.get("REAL_DATA")
    parser.add_argument("--data", type=Path, default=data, required=data is None)
    parser.add_argument(
        "--copies", type=int, default=8, help="of the excerpt, in the larger corpus"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(
            arguments.data, Path(folder), copies=arguments.copies, repeats=arguments.repeats
        )
        report = bench.measure()
    report.finish(arguments.output)


if __name__ == "__main__":
    main()
