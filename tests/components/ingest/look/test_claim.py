"""Two runs never work on one record at once."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.ingest import look as look_module
from components.shared.errors import InputError
from components.shared.run_claim import claim_record, release_record
from components.shared.storage.guarded_file import open_guarded
from tests.components.ingest.look.looker import OUTPUTS, Looker


def look_in_run(folder: Path, record: str, run: str, dump: str, **settings) -> dict:
    """Look as a step of a run, and return the step's report."""
    step = folder / run / "look-for-dump"
    step.mkdir(parents=True, exist_ok=True)
    Looker(step, dump, record, **settings).look()
    return json.loads((step / "changes").read_text())


def test_a_second_run_ends_while_the_first_one_works(tmp_path, place, files):
    """A retried look finds its own run's claim; the end of that run frees the record."""
    first, again, second = (
        look_in_run(tmp_path, place, run, files["dump"]) for run in ("run-1", "run-1", "run-2")
    )
    release_record(place, "run-2")  # the second run's last step
    third = look_in_run(tmp_path, place, "run-3", files["dump"])
    release_record(place, "run-1")
    fourth = look_in_run(tmp_path, place, "run-4", files["dump"])

    statuses = [one["status"] for one in (first, again, second, third, fourth)]
    assert statuses == ["new", "new", "already_running", "already_running", "new"]
    assert second["summary"].startswith(f"already running: run run-1 works on {place} since 20")
    assert second["summary"].endswith(f"remove {place}.running")
    step = tmp_path / "run-2" / "look-for-dump"
    assert (step / "is_new").read_text() == "false"
    assert all((step / name).exists() for name in OUTPUTS)


def test_a_second_run_may_wait(tmp_path, place, files, monkeypatch, capsys):
    """It looks when the first one has ended, so that it sees what that one recorded."""
    monkeypatch.setattr(look_module, "_SECONDS_BETWEEN_TRIES", 0.05)
    look_in_run(tmp_path, place, "run-1", files["dump"])

    def end() -> None:
        Looker(tmp_path / "run-1" / "look-for-dump", files["dump"], place).note()
        release_record(place, "run-1")

    ending = threading.Timer(0.5, end)
    ending.start()
    second = look_in_run(tmp_path, place, "run-2", files["dump"], when_running="wait")
    ending.join()

    assert second["status"] == "nothing_new"
    assert capsys.readouterr().out.count("waiting: already running: run run-1") == 1


def test_a_run_without_a_word_of_its_end_is_ignored(tmp_path, place, files):
    """After some days: its cluster was lost."""
    claim_record(place, "run-1", max_hours=1)
    claim = open_guarded(f"{place}.running")
    found = claim.read()
    old = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    claim.replace(json.dumps({"run": "run-1", "since": old}), tag=found[1])

    running = look_in_run(tmp_path, place, "run-2", files["dump"], max_run_hours=4.0)
    with pytest.raises(InputError, match="max_run_hours must be above 0 and at most 8784"):
        look_in_run(tmp_path, place, "run-4", files["dump"], max_run_hours=float("inf"))
    passed = look_in_run(tmp_path, place, "run-3", files["dump"], max_run_hours=2.0)

    assert (running["status"], passed["status"]) == ("already_running", "new")


def test_a_look_that_fails_keeps_nobody_waiting(tmp_path, place):
    """Nor does one that finds nothing new."""
    with pytest.raises(InputError):
        look_in_run(tmp_path, place, "run-1", str(tmp_path / "none.xml"))

    assert open_guarded(f"{place}.running").read() is None


@pytest.mark.parametrize("text", ["{", "[]", '{"run": "run-1", "since": "yesterday"}'])
def test_a_damaged_claim_is_told(tmp_path, files, text):
    """With what to do."""
    (tmp_path / "last.json.running").write_text(text)

    with pytest.raises(InputError, match=r"last\.json\.running: .*; remove it if no run is under"):
        look_in_run(tmp_path, str(tmp_path / "last.json"), "run-1", files["dump"])
