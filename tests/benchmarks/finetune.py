"""Fine-tuning and answering against Hugging Face's Trainer: `make bench-finetune`.

Both start from the same weights, see the same 1,000 questions of SQuAD in batches of the same
size, at the same rate for as many epochs, and answer the same questions; Hugging Face's side
is set up as its run_qa example, windows padded to 384. There is no warm-up, run_qa's default:
after one, Google's schedule goes on from less than the peak, and Hugging Face's from the peak.

`mini` knows nothing without days of pretraining, so the starting weights were fine-tuned on the
same questions before: F1 on those tells how alike the two learn, and other questions are
answered too. Speeds are measured in turns, compilation and warm-up before.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.benchmarks.measuring.other_work import OtherWork
from tests.benchmarks.measuring.report import Report, Table, make_parser
from tests.benchmarks.measuring.workers import Worker, take_turns
from tests.huggingface.questions import write_sample

_REPOSITORY = Path(__file__).resolve().parent.parent.parent
_FINETUNE = _REPOSITORY / "images" / "finetune" / ".venv" / "bin" / "python"
_EVALUATE = _REPOSITORY / "images" / "evaluate" / ".venv" / "bin" / "python"
_TORCH = _REPOSITORY / "tests" / "huggingface" / ".venv" / "bin" / "python"
_TORCH_MODULE = "tests.benchmarks.finetuning.huggingface_trainer"
# Enough to time: all windows are of one length there.
_NUM_TIMED = 96


class Bench:
    """Files in a folder, and the runs over them."""

    def __init__(self, arguments, folder: Path) -> None:
        self._arguments, self._folder = arguments, folder
        self._train, self._others = folder / "squad" / "train.json", folder / "others.json"
        self._timed, self._asked = folder / "timed.json", folder / "squad" / "dev.json"
        write_sample(arguments.data / "squad-v1.1-train.json", self._train, arguments.questions)
        write_sample(arguments.data / "squad-v1.1-dev.json", self._others, arguments.questions // 4)
        write_sample(arguments.data / "squad-v1.1-dev.json", self._timed, _NUM_TIMED)
        _merge((self._train, self._others), self._asked)

    def compare_scores(self, report: Report) -> None:
        """F1 of both after the same training, with several seeds."""
        start, seeds = self._prepare(), range(1, self._arguments.repeats + 1)
        theirs = [self._folder / f"theirs-{seed}.json" for seed in seeds]
        flags = {"num-epochs": self._arguments.epochs, "learning-rate": self._arguments.rate}
        _run(
            *(_TORCH, "-m", _TORCH_MODULE, "fine-tune", "--model", self._export(start)),
            *("--train", self._train, "--answer", self._asked, *_flags(flags)),
            *("--seeds", *seeds, "--predictions", *theirs),
        )
        ours = []
        for seed in seeds:
            checkpoint = self._folder / f"ours-{seed}"
            self._fine_tune(
                start,
                checkpoint,
                num_epochs=self._arguments.epochs,
                warmup_rate=0,
                seed=seed,
            )
            ours.append(self._answer(checkpoint))
        before = self._answer(start)
        rows = []
        for name, file in (("trained on", self._train), ("others", self._others)):
            own, other = ([_find_f1(one, file) for one in some] for some in (ours, theirs))
            report.add_median(f"F1, questions {name}", own)
            report.add_median(f"F1, questions {name}: Hugging Face", other)
            distance = abs(median(own) - median(other))
            report.add(f"F1, questions {name}: distance", distance, "points", goal="<= 1")
            rows.append((name, _find_f1(before, file), *map(_join, (own, other))))
        header = ("questions", "starting weights", "this project", "Hugging Face")
        report.tables.append(Table("F1, one by seed", header, rows))

    def compare_speeds(self, report: Report, precision: str) -> None:
        """Examples and questions a second of both, in turns."""
        start = self._prepare()
        exported = self._export(start)
        ours = Worker(
            *(_FINETUNE, "tests.benchmarks.finetuning.this_project", "--checkpoint", start),
            *("--train", self._train, "--answer", self._others, "--precision", precision),
        )
        theirs = Worker(
            *(_TORCH, _TORCH_MODULE, "speed", "--model", exported, "--train", self._train),
            *("--answer", self._timed, "--precision", precision),
        )
        others = OtherWork()
        with ours, theirs:
            turns = [(one, what) for what in ("train", "predict") for one in (ours, theirs)]
            seconds = take_turns(turns, self._arguments.repeats)
        report.add("cores that other work took meanwhile", others.cores(), goal="< 0.1")
        what_to_key = {"train": "num_trained", "predict": "num_questions"}
        speeds = [
            [worker.facts[what_to_key[what]] / one for one in samples]
            for (worker, what), samples in zip(turns, seconds, strict=True)
        ]
        names = ("training examples", "questions answered")
        goals = (">= 1.8", ">= 2")
        for name, goal, own, other in zip(names, goals, speeds[::2], speeds[1::2], strict=True):
            report.add_median(f"{precision}, {name}", own, "a second")
            report.add_median(f"{precision}, {name}: Hugging Face", other, "a second")
            report.add(
                f"{precision}, {name}: ratio", median(own) / median(other), "times", goal=goal
            )
        facts = ours.facts
        share = 1 - facts["num_tokens"] / facts["num_positions"]
        report.add(f"{precision}, padding in training", 100 * share, "%")
        report.add(f"{precision}, lengths compiled", len(facts["lengths"]))

    def _prepare(self) -> Path:
        """The checkpoint that both start from, made once."""
        if self._arguments.initial_checkpoint:
            return self._arguments.initial_checkpoint
        folder = self._folder / "start"
        if not folder.exists():
            random = self._folder / "random"
            vocabulary = self._arguments.data / "uncased-vocab.txt"
            _run(_FINETUNE, "-m", "tests.benchmarks.finetuning.random_weights", vocabulary, random)
            self._fine_tune(
                random,
                folder,
                num_epochs=self._arguments.first_epochs,
                learning_rate=self._arguments.first_rate,
                precision="mixed_bfloat16",
            )
        return folder

    def _fine_tune(self, initial: Path, output: Path, **settings) -> None:
        """By the stage's command."""
        given = {
            "squad": self._train.parent,
            "initial-checkpoint": initial,
            "checkpoint": output,
            "history": self._folder / "history.jsonl",
            "finetune-metrics": self._folder / "metrics.json",
            "global-batch-size": 16,
            "learning-rate": self._arguments.rate,
        }
        given |= {name.replace("_", "-"): value for name, value in settings.items()}
        _run(_FINETUNE, "-m", "components.finetune", *_flags(given))

    def _export(self, checkpoint: Path) -> Path:
        output = self._folder / "exported"
        if not output.exists():
            given = {"checkpoint": checkpoint, "output": output}
            _run(_FINETUNE, "-m", "components.finetune", "export", *_flags(given))
        return output

    def _answer(self, checkpoint: Path) -> Path:
        """By the stage's command; the file of the predictions."""
        folder = self._folder / f"{checkpoint.name}-answers"
        given = {
            "squad": self._asked.parent,
            "checkpoint": checkpoint,
            "evaluate-metrics": folder / "metrics.json",
            "report": folder / "report.html",
            "summary": folder / "summary.md",
            "predictions": folder / "predictions",
        }
        _run(_EVALUATE, "-m", "components.evaluate", *_flags(given))
        return folder / "predictions" / "predictions.json"


def _merge(files: Sequence[Path], target: Path) -> None:
    """Write one SQuAD file of several."""
    documents = [json.loads(file.read_text("utf-8")) for file in files]
    articles = [article for document in documents for article in document["data"]]
    target.write_text(json.dumps(documents[0] | {"data": articles}), encoding="utf-8")


def _find_f1(predictions: Path, data: Path) -> float:
    given = {"predictions": predictions, "data": data}
    printed = _run(_EVALUATE, "-m", "components.evaluate", "score", *_flags(given))
    return float(json.loads(printed)["f1"])


def _join(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in values)


def _flags(settings) -> list[object]:
    return [part for name, value in settings.items() for part in (f"--{name}", value)]


def _run(*command: object) -> str:
    """What a command prints; its errors, if it fails."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=_REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(_REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def main() -> None:
    """Measure, print a table, write it as JSON."""
    parser = make_parser("finetune", __doc__)
    data = os.environ.get("REAL_DATA")
    parser.add_argument("--data", type=Path, default=data, required=data is None)
    parser.add_argument(
        "--initial-checkpoint", type=Path, help="a pretrained mini, say, in place of made weights"
    )
    parser.add_argument("--questions", type=int, default=1000, help="to train on")
    parser.add_argument("--first-epochs", type=float, default=5, help="to the starting weights")
    parser.add_argument("--first-rate", type=float, default=1e-3, help="to the starting weights")
    parser.add_argument("--epochs", type=float, default=1, help="of both, that are compared")
    parser.add_argument("--rate", type=float, default=2e-4, help="of both, that are compared")
    parser.add_argument("--precisions", nargs="*", default=["float32"], help="of the speeds")
    parser.add_argument("--without-scores", action="store_true", help="speeds alone")
    parser.add_argument("--without-speeds", action="store_true", help="scores alone")
    parser.set_defaults(repeats=5)
    arguments = parser.parse_args()
    report = Report(f"Fine-tuning mini on {arguments.questions:,} questions of SQuAD 1.1")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(arguments, Path(folder))
        if not arguments.without_scores:
            bench.compare_scores(report)
        for precision in [] if arguments.without_speeds else arguments.precisions:
            bench.compare_speeds(report, precision)
    report.finish(arguments.output)


if __name__ == "__main__":
    main()
