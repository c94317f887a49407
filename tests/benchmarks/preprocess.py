"""Preprocessing against the path that BERT's users know: `make bench-preprocess`.

Ours and the peers' run in turn, so that whatever else the machine does meets them alike. Both
make five duplicates, at 128 and at 512. Start-up is taken off: ours by the difference of two
corpora, which repeat the excerpt as other pages, the peers' by runs on next to nothing.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring.processes import Usage, read_cpu_seconds, run_and_watch
from tests.benchmarks.measuring.report import Report, Table, make_parser
from tests.benchmarks.preprocessing.corpora import repeat_dump
from tests.benchmarks.preprocessing.peers import Peers
from tests.benchmarks.preprocessing.plain_text import PlainText
from tests.benchmarks.preprocessing.whole_dump import estimate_whole_dump

_HERE = Path(__file__).resolve().parent
_REPOSITORY = _HERE.parent.parent
_PYTHON = _REPOSITORY / "images" / "preprocess" / ".venv" / "bin" / "python"
_DUPLICATES = 5
_MEGA = 1e6


class Bench:
    """Corpora in a folder, and the runs over them."""

    def __init__(self, data: Path, folder: Path, *, copies: int) -> None:
        self._folder, self._copies = folder, copies
        self._vocabulary = data / "uncased-vocab.txt"
        excerpt = data / "enwiki-excerpt.xml.bz2"
        self._megabytes = {n: self._make(excerpt, n) for n in (1, copies, 3 * copies)}
        dump = self._dump_folder(1) / "dump.xml.bz2"
        self._peers = Peers(dump, self._vocabulary, folder, num_duplicates=_DUPLICATES)

    def measure(self, repeats: int) -> Report:
        """All figures."""
        report = Report("Preprocessing")
        started, cpu_before, busy_before = time.perf_counter(), read_cpu_seconds(), _read_busy()
        peers, one, two = [], [], []
        for _ in range(repeats):
            one.append(self._run_workers(1))
            two.append(self._run_workers(2))
            peers.append(self._peers.run())
        steps = [self._run_steps() for _ in range(repeats)]
        tripled = self._run(3 * self._copies, workers=1)
        self._add_speeds(report, one, two, peers)
        cleaning = [
            one["wikitext_bytes"]
            / _MEGA
            / (one["seconds"]["parse pages"] + one["seconds"]["clean"])
            for one in steps
        ]
        report.add_median("cleaning alone", cleaning, "MB of wikitext/s of a core", goal=">= 4")
        peak = statistics.median(large.peak_bytes for _, large in one)
        size = self._megabytes[self._copies]
        report.add(f"memory of one worker at {size:.0f} MB", peak / _MEGA, "MB", goal="< 1000")
        report.add("at three times that, over it", tripled.peak_bytes / peak, goal="<= 1.1")
        manifest = json.loads((self._folder / "output" / "dataset.json").read_text())
        for length, values in manifest["lengths"].items():
            report.add(f"real tokens in rows of {length}", values["fill"], goal=">= 0.98")
        text = PlainText(self._peers, self._folder, copies=self._copies)
        text.measure(
            report, lambda folder: self._run_stage({"text-files": folder}), repeats=repeats
        )
        seconds = time.perf_counter() - started
        others = _read_busy() - busy_before - (read_cpu_seconds() - cpu_before)
        report.add("other work on the machine meanwhile", max(0.0, others) / seconds, "cores")
        report.tables.append(self._tabulate_steps(steps, one))
        speed = _median([self._speed(*pair, "seconds") for pair in one])
        speed_2 = _median([self._speed(*pair, "seconds") for pair in two])
        report.tables.append(estimate_whole_dump(speed, speed_2 / 2 / speed))
        return report

    def _add_speeds(
        self,
        report: Report,
        one: list[tuple[Usage, Usage]],
        two: list[tuple[Usage, Usage]],
        peers: list[Usage],
    ) -> None:
        excerpt = self._megabytes[1]
        speeds = {
            "the peers": [excerpt / usage.seconds for usage in peers],
            "one worker": [self._speed(*pair, "seconds") for pair in one],
            "two workers": [self._speed(*pair, "seconds") for pair in two],
        }
        for name, samples in speeds.items():
            report.add_median(name, samples, "MB of XML/s")
        theirs, ours, ours_2 = (_median(samples) for samples in speeds.values())
        report.add("one worker over the peers", ours / theirs, goal=">= 25")
        cpu = _median([self._speed(*pair, "cpu_seconds") for pair in one])
        cpu_peers = _median([excerpt / usage.cpu_seconds for usage in peers])
        report.add("the same by CPU time", cpu / cpu_peers, goal=">= 25")
        report.add("two workers over one", ours_2 / ours, goal=">= 1.6")
        start_up = [small.seconds - excerpt / ours for small, _ in one]
        report.add_median("start-up of one worker", start_up, "s")
        report.add("memory of the peers at 6 MB", peers[0].peak_bytes / _MEGA, "MB")

    def _speed(self, small: Usage, large: Usage, clock: str) -> float:
        """MB of XML a second of a clock of Usage, without start-up."""
        more = self._megabytes[self._copies] - self._megabytes[1]
        return more / (getattr(large, clock) - getattr(small, clock))

    def _tabulate_steps(self, steps: list[dict[str, Any]], one: list[tuple[Usage, Usage]]) -> Table:
        """CPU seconds of each step for 100 MB of XML, and what the whole run takes beyond them."""
        names = steps[0]["seconds"]
        scale = 100 / (steps[0]["xml_bytes"] / _MEGA)
        step_to_seconds = {
            name: scale * _median([run["seconds"][name] for run in steps]) for name in names
        }
        whole = 100 / _median([self._speed(*pair, "cpu_seconds") for pair in one])
        step_to_seconds["runner and the rest"] = whole - sum(step_to_seconds.values())
        rows = [(name, value, f"{value / whole:.0%}") for name, value in step_to_seconds.items()]
        return Table(
            "Where the time of one worker goes",
            ("step", "CPU s for 100 MB of XML", "share"),
            [*rows, ("whole", whole, "100%")],
            "Each step by itself in one process; the rest is the difference to whole runs. "
            "guard: pages to the process that reads them, and back. chunks: what passes between "
            "steps, through files.",
        )

    def _make(self, excerpt: Path, copies: int) -> float:
        """MB of XML of a corpus."""
        self._dump_folder(copies).mkdir()
        return repeat_dump(excerpt, self._dump_folder(copies) / "dump.xml.bz2", copies) / _MEGA

    def _dump_folder(self, copies: int) -> Path:
        return self._folder / f"x{copies}"

    def _run_workers(self, workers: int) -> tuple[Usage, Usage]:
        """Runs over the excerpt and over the larger corpus."""
        return self._run(1, workers=workers), self._run(self._copies, workers=workers)

    def _run(self, copies: int, *, workers: int) -> Usage:
        return self._run_stage({"dump-files": self._dump_folder(copies)}, workers=workers)

    def _run_stage(self, corpus: dict[str, Path], *, workers: int = 1) -> Usage:
        settings = {
            **corpus,
            "dataset": self._folder / "output",
            "vocabulary": self._folder / "vocab.txt",
            "given-vocabulary": self._vocabulary,
            "num-workers": workers,
            "num-duplicates": _DUPLICATES,
        }
        flags = [f"--{name}={value}" for name, value in settings.items()]
        if workers > 1:
            # A small corpus would get one worker, and no start-up of processes to take off.
            processes = f"--direct_running_mode=multi_processing --direct_num_workers={workers}"
            flags.append(f"--beam-options={processes}")
        return run_and_watch([_PYTHON, "-m", "components.preprocess", *flags], cwd=_REPOSITORY)

    def _run_steps(self) -> dict[str, Any]:
        command = [
            _PYTHON,
            _HERE / "preprocessing" / "steps.py",
            self._dump_folder(self._copies),
            self._vocabulary,
        ]
        done = subprocess.run(
            [*command, str(_DUPLICATES)],
            env=os.environ | {"PYTHONPATH": str(_REPOSITORY)},
            stdout=subprocess.PIPE,
            check=True,
        )
        steps: dict[str, Any] = json.loads(done.stdout)
        return steps


_median: Callable[[list[float]], float] = statistics.median


def _read_busy() -> float:
    """CPU seconds that the machine has worked since it started."""
    user, nice, system = Path("/proc/stat").read_text().split()[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, print tables, write them as JSON."""
    parser = make_parser("preprocess", __doc__)
    data = os.environ.get("REAL_DATA")
    parser.add_argument("--data", type=Path, default=data, required=data is None)
    parser.add_argument(
        "--copies", type=int, default=12, help="of the excerpt, in the larger corpus"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(arguments.data, Path(folder), copies=arguments.copies)
        report = bench.measure(arguments.repeats)
    report.finish(arguments.output)


if __name__ == "__main__":
    main()
