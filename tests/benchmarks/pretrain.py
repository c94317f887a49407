"""Pretraining: packed rows against padded ones, PyTorch, and a second process.

    make bench-pretrain
    make bench-pretrain ARGUMENTS="--only packing processes"

What is compared takes turns on the same cores, and medians are shown:

- updates of the trainer at length 512 on packed rows, and on the same sequences one a row;
- updates of BERT-Base, batch 8, length 128, against Hugging Face's BertForPreTraining in
  PyTorch, both with AdamW, and the matrix products of both alone;
- the stage itself on one core in one process, and on two cores in two of a thread each.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

from components.shared.training.history import History
from tests.benchmarks.measuring.other_work import OtherWork
from tests.benchmarks.measuring.report import Report, make_parser
from tests.benchmarks.measuring.workers import Worker, take_turns

_REPOSITORY = Path(__file__).resolve().parent.parent.parent
_PREPROCESS = _REPOSITORY / "images" / "preprocess" / ".venv" / "bin" / "python"
_OURS = _REPOSITORY / "images" / "pretrain" / ".venv" / "bin" / "python"
_OUR_MODULE = "tests.benchmarks.pretraining.this_project"
_PEER = _REPOSITORY / "tests" / "huggingface" / ".venv" / "bin" / "python"

# BERT-Base, uncased.
_BASE = {
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}
_PARTS = ("packing", "float32", "bfloat16", "processes")
_ACCUMULATED = 8
# The first update compiles; in the second, the processes that were ready sooner wait for others.
_WARMUP_UPDATES, _SCALED_UPDATES = 2, 4


class Bench:
    """A dataset in a folder, and what is measured on it."""

    def __init__(self, folder: Path, data: Path, arguments: argparse.Namespace) -> None:
        self._folder, self._arguments = folder, arguments
        self._report = Report("Pretraining")
        self._files = ["--dataset", folder / "dataset", "--vocabulary", folder / "vocab.txt"]
        (folder / "dump").mkdir()
        (folder / "dump" / "excerpt.xml.bz2").symlink_to(data / "enwiki-excerpt.xml.bz2")
        command = [_PREPROCESS, "-m", "components.preprocess", *self._files]
        command += ["--dump-files", folder / "dump", "--num-duplicates", 1]
        command += ["--given-vocabulary", data / "uncased-vocab.txt"]
        _run(command)

    def measure(self) -> Report:
        """All figures, or those of the parts that are asked for."""
        name_to_part = {
            "packing": self._measure_packing,
            "float32": lambda: self._measure_peer("float32", goal=">= 1.5"),
            "bfloat16": lambda: self._measure_peer("mixed_bfloat16", goal=">= 1.3"),
            "processes": self._measure_processes,
        }
        assert set(name_to_part) == set(_PARTS)
        for name in self._arguments.only:
            others = OtherWork()
            name_to_part[name]()
            self._report.add("cores that other work took meanwhile", others.cores(), goal="< 0.1")
        return self._report

    def _measure_packing(self) -> None:
        """Useful tokens a second at length 512, BERT-Base in float32."""
        settings = ["--length", 512, "--num-rows", 4, "--num-updates", 3]
        with Worker(_OURS, _OUR_MODULE, "packing", *self._files, *settings) as ours:
            names = ("packed", "padded")
            samples = take_turns([(ours, name) for name in names], self._arguments.repeats)
            facts = [ours.facts[name] for name in names]
        speeds = [
            [fact["num_tokens"] / seconds for seconds in some]
            for fact, some in zip(facts, samples, strict=True)
        ]
        shares = [fact["num_tokens"] / fact["num_positions"] for fact in facts]
        for name, share, some in zip(names, shares, speeds, strict=True):
            label = f"length 512, {name} rows ({share:.1%} full)"
            self._report.add_median(label, some, "useful tokens/s")
        ratios = [packed / padded for packed, padded in zip(*speeds, strict=True)]
        allowed = shares[0] / shares[1]
        self._report.add_median("packed over padded", ratios)
        self._report.add("what the padding allows", allowed)
        self._report.add_median(
            "packed over padded, of what is allowed",
            [ratio / allowed for ratio in ratios],
            goal=">= 0.95",
        )

    def _measure_peer(self, precision: str, *, goal: str) -> None:
        """BERT-Base, batch 8, length 128."""
        num_rows, num_updates = 8, 2
        settings = ["--precision", precision, "--length", 128]
        settings += ["--num-rows", num_rows, "--num-updates", num_updates]
        with (
            Worker(_OURS, _OUR_MODULE, "step", *settings) as ours,
            Worker(
                _PEER,
                "tests.benchmarks.pretraining.pytorch",
                "--config",
                json.dumps(_BASE),
                *settings,
            ) as peer,
        ):
            turns = [(ours, "step"), (peer, "step"), (ours, "products"), (peer, "products")]
            turns.append((peer, "own products"))
            samples = take_turns(turns, self._arguments.repeats)
            version = peer.facts["version"]
        ours_step, peer_step = ([one / num_updates for one in some] for some in samples[:2])
        limit = min(map(statistics.median, samples[2:4]))
        peer_limit = statistics.median(samples[4])
        report = self._report
        for name, some, least in (
            ("this project", ours_step, limit),
            (f"BertForPreTraining, PyTorch {version}", peer_step, peer_limit),
        ):
            speeds = [num_rows / one for one in some]
            report.add_median(f"{precision}, {name}", speeds, "sequences/s")
            report.add("  its matrix products alone", num_rows / least, "sequences/s")
            report.add_median("  share of that", [least / one for one in some])
        ratios = [theirs / own for own, theirs in zip(ours_step, peer_step, strict=True)]
        report.add_median(f"{precision}, this project over PyTorch", ratios, goal=goal)
        # OpenMP's threads wait for one that other work has pushed aside: PyTorch loses more.
        report.add(
            "  the fastest of each, which other work disturbed least",
            min(peer_step) / min(ours_step),
        )

    def _measure_processes(self) -> None:
        """The stage in one process on a core, and in two on two."""
        ones, twos = [], []
        for _ in range(self._arguments.scaling_repeats):
            ones += self._train(num_processes=1, cpus="0")
            twos += self._train(num_processes=2, cpus="0,1")
        preset, size = self._arguments.scaling_preset, self._arguments.scaling_rows
        report = self._report
        report.add_median(f"BERT-{preset}, one process of one thread", ones, "tokens/s")
        report.add_median("two of one thread each", twos, "tokens/s")
        ratio = statistics.median(twos) / statistics.median(ones)
        report.add("two processes over one", ratio, goal=">= 1.8")
        settings = ["--length", 128, "--num-rows", size, "--num-updates", _ACCUMULATED]
        with Worker(_OURS, _OUR_MODULE, "input", *self._files, *settings, cpus="0") as ours:
            (samples,) = take_turns([(ours, "input")], self._arguments.repeats)
            tokens = ours.facts["num_tokens"]
        update = tokens / statistics.median(ones)
        report.add_median("input of an update", [1000 * one for one in samples], "ms")
        report.add_median("  share of an update", [one / update for one in samples], goal="< 0.02")

    def _train(self, *, num_processes: int, cpus: str) -> list[float]:
        """Tokens a second of each update but the first ones and those that compile.

        Not sequences: packed rows hold more of them here and fewer there.
        """
        output = self._folder / "output"
        size = self._arguments.scaling_rows
        command = ["taskset", "--cpu-list", cpus, _OURS, "-m", "components.pretrain", *self._files]
        command += [
            "--checkpoint",
            output / "checkpoint",
            "--pretrain-metrics",
            output / "metrics.json",
        ]
        command += ["--history", output / "history.jsonl", "--log-every-steps", 1]
        command += ["--preset", self._arguments.scaling_preset, "--sequence-length", 128]
        command += ["--num-processes", num_processes, "--micro-batch-size", size]
        command += ["--global-batch-size", size * _ACCUMULATED * num_processes]
        command += ["--num-steps", _WARMUP_UPDATES + _SCALED_UPDATES]
        command += ["--checkpoint-every-steps", 1000]
        _run(command)
        return [
            one["tokens_per_second"]
            for one in History.read(output / "history.jsonl").entries
            if one["step"] > _WARMUP_UPDATES and "tokens_per_second" in one
        ]


def _run(command: list[object]) -> None:
    done = subprocess.run(
        [*map(str, command)], cwd=_REPOSITORY, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stderr[-3000:]}")


def main() -> None:
    """Measure, print a table, write it as JSON."""
    parser = make_parser("pretrain", __doc__)
    data = os.environ.get("REAL_DATA")
    parser.add_argument("--data", type=Path, default=data, required=data is None)
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=_PARTS)
    parser.add_argument(
        "--scaling-preset", default="small", help="what one and two processes train"
    )
    parser.add_argument("--scaling-rows", type=int, default=16, help="of a micro-batch of theirs")
    parser.add_argument("--scaling-repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        report = Bench(Path(folder), arguments.data.resolve(), arguments).measure()
    report.finish(arguments.output)


if __name__ == "__main__":
    main()
