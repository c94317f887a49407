"""A year of monthly retrainings, in which everything happens that a team meets.

Each month says what is different, and which messages its runs send. The steps, the files, the
model store and the commands are real; the server is the fake one.
"""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from components.shared.model_store.store import open_store
from components.shared.run_claim import claim_of
from tests.drill.data import damage, write_dump, write_questions, write_text
from tests.drill.scheduler import Run, Scheduler
from tests.pipelines.cli import run_command
from tests.pipelines.fakes.fake_kfp import FakeKfp
from tests.servers import Webhook

_KEEP_RUNS, _KEEP_VERSIONS = 3, 3


class Year:
    """The state of the team's storage, and what was seen of its runs."""

    def __init__(self, folder: Path, kfp: FakeKfp, hook: Webhook) -> None:
        self.folder, self.kfp, self.hook = folder, kfp, hook
        self.scheduler = Scheduler(kfp, folder, hook)
        self.data, self.checkpoints = folder / "data", folder / "checkpoints"
        self.record, self.models = folder / "last.json", folder / "models"
        self.data.mkdir(parents=True)
        self.num_pages = 24
        self.published: list[str] = []
        """The versions that messages named."""
        self.parameters: dict[str, Any] = {
            "dump": str(self.data / "dump.xml.bz2"),
            "squad_train": str(self.data / "train.json"),
            "squad_dev": str(self.data / "dev.json"),
            "record": str(self.record),
            "retrain_on": ["data", "settings"],
            "initial_checkpoint": "current",
            "model_store": str(self.models),
            "keep_versions": _KEEP_VERSIONS,
            "max_drop": 30.0,
            "checkpoint_directory": str(self.checkpoints),
            "checkpoint_every_steps": 2,
            "vocabulary_size": 3000,
            "num_duplicates": 1,
            "num_workers": 1,
            "num_shards": 1,
            "num_validation_batches": 1,
            "pretrain_128_num_steps": 8,
            "pretrain_128_global_batch_size": 16,
            "pretrain_128_micro_batch_size": 16,
            "pretrain_512_num_steps": 0,
            "finetune_num_epochs": 6.0,
            "finetune_global_batch_size": 16,
            "finetune_learning_rates": [1e-3],
            "max_length_tokens": 96,
            "stride_tokens": 32,
            "num_speed_batches": 2,
        }
        write_questions(self.data / "dev.json", num_articles=15, seed=1)
        self.write_training_set()
        write_dump(self.data / "dump.xml.bz2", num_pages=self.num_pages)
        self.register("2.17")
        self.schedule()

    def register(self, kfp_version: str) -> None:
        """Compile the package, and make it the newest version of the pipeline."""
        package = self.folder / "package.yaml"
        flags = ("--kfp-version", kfp_version, "--output", package)
        self._do("compile", "retraining", *flags)
        self._do("register", package, "--host", self.kfp.address)

    def schedule(self, **changed: Any) -> None:
        """Change parameters of the schedule, and apply it."""
        self.parameters |= changed
        path = self.scheduler.write_schedules(self.parameters)
        self._do("schedule", "apply", "--file", path, "--host", self.kfp.address)

    def write_training_set(self, *, swapped: bool = False) -> None:
        """Write the questions to train on."""
        write_questions(self.data / "train.json", num_articles=60, seed=2, swapped=swapped)

    def write_newer_dump(self) -> None:
        """Write a dump of more pages than the last one."""
        self.num_pages += 4
        write_dump(self.data / "dump.xml.bz2", num_pages=self.num_pages)

    def run(self, status: str, *, failed_step: str = "") -> None:
        """Start the scheduled run, wait for its end, and compare its message."""
        self.finish(self.scheduler.start(), status, failed_step=failed_step)

    def finish(self, run: Run, status: str, *, failed_step: str = "") -> None:
        """Wait for a run's end, and compare its message: one, and the expected one."""
        exit_status = run.finish()
        log = run.log.read_text("utf-8", errors="replace")
        assert bool(exit_status) == bool(failed_step), log
        assert len(self.hook.messages) == 1, f"{self.hook.messages}\n{log}"
        message = self.hook.messages.pop()
        assert (message["status"], message["failed_step"]) == (status, failed_step), (
            f"{message}\n{log}"
        )
        print(f"    {status}: {message['summary']}", flush=True)
        if status == "published":
            self.published.append(message["version"])
        assert not Path(claim_of(str(self.record))).exists()

    def check_end(self) -> None:
        """Compare the models and the storage with what the messages said."""
        store = open_store(str(self.models))
        in_use = [store.find_current(), *store.list_previous()]
        kept = self.published[: -_KEEP_VERSIONS - 1 : -1]
        assert in_use[: len(kept)] == kept
        assert store.list_versions() == sorted(kept)
        for version in kept:
            place = ("--model-store", self.models, "--version", version)
            print(self._do("models", "verify", *place), flush=True)
        runs = self.scheduler.runs
        largest = max(_count_bytes(run) for run in runs.iterdir())
        self._do("clean", "--root", runs, "--keep-runs", _KEEP_RUNS, "--older-than", "0h",
                 "--model-store", self.models, "--scratch", self.checkpoints)  # fmt: skip
        assert _count_bytes(runs) <= _KEEP_RUNS * largest
        assert not [path for path in self.checkpoints.rglob("*") if path.is_file()]
        assert self.kfp.objects["recurringruns"]

    @staticmethod
    def _do(*command: object) -> str:
        done = run_command(*command)
        assert done.returncode == 0, done.stderr
        return done.stdout


def start(year: Year) -> None:
    """No model is in use: training starts from random weights."""
    year.run("published")


def nothing_new(year: Year) -> None:
    """Nothing changed, though a model was released since."""
    year.run("nothing_new")


def newer_dump(year: Year) -> None:
    """The dump has more pages; training starts from the model in use."""
    year.write_newer_dump()
    year.run("published")


def new_corpus(year: Year) -> None:
    """The schedule names text beside the dump."""
    write_text(year.data / "text.txt")
    year.schedule(text=str(year.data / "text.txt"))
    year.run("published")


def other_settings(year: Year) -> None:
    """The data is the same."""
    year.schedule(seed=7)
    year.run("published")


def wrong_labels(year: Year) -> None:
    """The model learns wrong answers: users keep the one in use."""
    year.write_training_set(swapped=True)
    year.run("held_back")


def damaged_dump(year: Year) -> None:
    """A download broke; the labels are right again."""
    year.write_training_set()
    year.write_newer_dump()
    damage(year.data / "dump.xml.bz2")
    year.run("failed", failed_step="ingest")


def lost_pod(year: Year) -> None:
    """The training's pod is lost, and a new one resumes it."""
    year.write_newer_dump()
    run = year.scheduler.start()
    run.lose_pod("pretrain", year.checkpoints)
    year.finish(run, "published")
    assert "resuming from step" in run.log.read_text("utf-8")


def upgrade(year: Year) -> None:
    """The package is another one; the record has the form of its first version."""
    record = json.loads(year.record.read_text("utf-8"))
    first = {name: record[name] for name in ("dump", "fingerprint", "recorded")}
    year.record.write_text(json.dumps(first), encoding="utf-8")
    year.register("2.16")
    year.run("nothing_new")


def overlapping_run(year: Year) -> None:
    """Somebody starts a run while the scheduled one is under way."""
    year.write_newer_dump()
    first = year.scheduler.start()
    first.wait_for(Path(claim_of(str(year.record))))
    second = year.scheduler.start()
    assert second.finish() == 0
    message = year.hook.messages.pop()
    assert message["status"] == "already_running", message
    assert Path(claim_of(str(year.record))).exists()
    year.finish(first, "published")


Month = Callable[[Year], None]
MONTHS: Sequence[Month] = (
    start, nothing_new, newer_dump, new_corpus, other_settings, wrong_labels, damaged_dump,
    newer_dump, lost_pod, upgrade, overlapping_run, nothing_new,
)  # fmt: skip


def live_through(year: Year, months: Sequence[Month]) -> None:
    """Let one month follow another, and look at what is left."""
    for number, month in enumerate(months, 1):
        print(f"month {number}: {month.__name__.replace('_', ' ')}", flush=True)
        begun = time.monotonic()
        month(year)
        print(f"    {time.monotonic() - begun:.0f} s", flush=True)
    year.check_end()


def _count_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
