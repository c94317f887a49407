"""schedules.yaml says when to clean; a command that runs often does it once each time."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from pipelines.cleaning.last_clean import note_clean, read_last_clean
from tests.pipelines.cli import run_command

ROOT = "s3://mlpipeline/v2/artifacts"
MARK = "v2/artifacts/bert-clean.json"


@pytest.fixture
def schedule_clean(kfp, bucket, tmp_path):
    """Run the command with a section `clean` of these fields; it is due on each day at 3:30."""

    def run(*flags, **fields):
        section = {"cron": "0 30 3 * * *", "root": ROOT, "keep_runs": 1, "older_than": "0h"}
        file = tmp_path / "schedules.yaml"
        document = {"format_version": 2, "schedules": [], "clean": {**section, **fields}}
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        return run_command("schedule", "clean", "--file", file, "--host", kfp.address, *flags)

    return run


@pytest.fixture
def old_run(bucket, add_run):
    """A finished run that is not the newest, as a function that tells whether it is there."""
    old = add_run()
    add_run()

    def is_there():
        listed = bucket.list_objects_v2(Bucket="mlpipeline", Prefix=f"v2/artifacts/bert/{old}/")
        return listed["KeyCount"] > 0

    return is_there


def clean_days_ago(days):
    note_clean(ROOT, datetime.now(UTC) - timedelta(days=days), ["remove  bert/before: 3 B"])


def test_the_first_clean_waits_for_its_time(schedule_clean, old_run, kfp):
    """What somebody has only just scheduled removes nothing; the server is not even asked."""
    done = schedule_clean()

    assert done.returncode == 0, done.stderr
    assert done.lines == ["not due: the first clean is the next at 0 30 3 * * * UTC"]
    assert old_run()
    assert read_last_clean(ROOT).time > datetime.now(UTC) - timedelta(minutes=5)


@pytest.mark.parametrize("days", [2, 300])
def test_a_clean_that_is_due_is_done_once(schedule_clean, old_run, kfp, days):
    """However many times were missed, as on a cluster that was suspended."""
    clean_days_ago(days)

    done = schedule_clean()
    gone = not old_run()
    kfp.writes.clear()
    again = schedule_clean()

    assert (done.returncode, again.returncode) == (0, 0), done.stderr
    assert gone
    assert done.lines[-1] == f"{ROOT}: removing 1 of 2, 100 B"
    assert again.lines[0].startswith("not due: 0 30 3 * * * UTC has not come since ")
    assert again.lines[1:] == [f"    {line}" for line in done.lines]
    assert not kfp.writes


def test_a_clean_that_failed_stays_due(schedule_clean, old_run, kfp):
    """The next job does it."""
    clean_days_ago(2)
    kfp.metadata_error = "unavailable"

    failed = schedule_clean()
    still_there = old_run()
    kfp.metadata_error = ""
    done = schedule_clean()

    assert (failed.returncode, done.returncode) == (2, 0)
    assert "can't be listed" in failed.last_error
    assert still_there
    assert not old_run()


def test_a_time_is_of_its_zone(schedule_clean, old_run):
    """A minute ago in Kiritimati, 14 hours ahead of UTC: not yet, or long ago, in UTC."""
    now = datetime.now(UTC)
    there = now + timedelta(hours=14, minutes=-1)
    note_clean(ROOT, now - timedelta(minutes=5), [])
    cron = f"0 {there.minute} {there.hour} * * *"

    utc = schedule_clean(cron=cron)
    still_there = old_run()
    done = schedule_clean(cron=cron, time_zone="Pacific/Kiritimati")

    assert utc.lines[0].startswith("not due: ")
    assert still_there
    assert done.returncode == 0, done.stderr
    assert not old_run()


def test_a_paused_clean_is_not_done(schedule_clean, old_run):
    """It stays due."""
    clean_days_ago(2)

    paused = schedule_clean(paused=True)
    still_there = old_run()
    schedule_clean()

    assert paused.lines == ["paused: the clean at 0 30 3 * * * UTC"]
    assert still_there
    assert not old_run()


def test_a_dry_run_of_the_file_removes_nothing(schedule_clean, old_run):
    """It is kept as the last clean, for its log."""
    clean_days_ago(2)

    done = schedule_clean(dry_run=True)

    assert done.lines[-1] == f"{ROOT}: would remove 1 of 2, 100 B"
    assert old_run()
    assert list(read_last_clean(ROOT).lines) == done.lines


def test_a_dry_run_of_the_command_shows_what_would_go_now(schedule_clean, old_run, bucket):
    """Due or not; nothing is noted."""
    done = schedule_clean("--dry-run")

    assert done.lines[-1] == f"{ROOT}: would remove 1 of 2, 100 B"
    assert old_run()
    assert read_last_clean(ROOT) is None


def test_a_file_without_the_section_cleans_nothing(kfp, bucket, tmp_path):
    """The component may be there before it."""
    file = tmp_path / "schedules.yaml"
    file.write_text("schedules: []\n", encoding="utf-8")

    done = run_command("schedule", "clean", "--file", file)

    assert done.returncode == 0
    assert done.lines == [f"nothing to do: {file} has no section `clean`"]


@pytest.mark.parametrize("content", ["{", "{}", json.dumps({"since": "yesterday"})])
def test_a_damaged_note_is_named(schedule_clean, old_run, bucket, content):
    """With what to do about it."""
    bucket.put_object(Bucket="mlpipeline", Key=MARK, Body=content.encode())

    done = schedule_clean()

    assert done.returncode == 2
    assert f"s3://mlpipeline/{MARK}: " in done.last_error
    assert done.last_error.endswith("remove it: cleaning then starts with the next time of `cron`")
    assert old_run()
