"""Which runs' folders go, and why the others stay."""

from datetime import UTC, datetime, timedelta

import pytest

from components.shared.errors import InputError
from pipelines.cleaning.rules import Known, Rule, choose_entries, choose_runs, parse_age
from pipelines.cleaning.run_folders import Folder

NOW = datetime(2026, 11, 30, tzinfo=UTC)
RULE = Rule(keep_runs=1, before=NOW - timedelta(days=30))


def folder(run, days, pipeline="bert"):
    """A run's, last written so many days ago."""
    return Folder(f"{pipeline}/{run}", pipeline, run, 1, 10, NOW - timedelta(days=days))


def know(runs, *, unfinished=(), **references):
    started = {one.run: one.changed for one in runs}
    return Known(started, frozenset(unfinished), references)


def kept(folders, known, rule=RULE):
    return {one.folder.run: one.kept_for for one in choose_runs(folders, rule, known)}


def test_the_newest_of_each_pipeline_and_what_is_young_stay():
    """The others go, whatever the order in which they are listed."""
    folders = [folder("a", 90), folder("b", 40), folder("c", 60), folder("s", 80, "squad")]

    assert kept(folders, know(folders)) == {
        "a": "",
        "b": "one of the newest 1 of bert",
        "c": "",
        "s": "one of the newest 1 of squad",
    }
    assert kept([folder("a", 29), folder("b", 0)], know([]))["a"] == "changed 2026-11-01"


def test_what_is_not_finished_or_referred_to_stays():
    """A run's id counts, but not as a part of a longer one."""
    folders = [folder(run, days) for days, run in enumerate(["z", "a", "a1", "1", "c"], start=50)]
    texts = {"recurring run monthly": '{"baseline": "s3://b/root/bert/a1/evaluate/x/metrics"}'}

    found = kept(folders, know(folders, unfinished=["c"], **texts))

    assert found["a1"] == "used by recurring run monthly"
    assert found["c"] == "not finished"
    assert (found["a"], found["1"]) == ("", "")


def test_a_run_that_nobody_knows_any_more_is_none_of_the_newest():
    """Its record was deleted; only its age counts."""
    folders = [folder("orphan", 31), folder("a", 90), folder("young", 3)]

    found = kept(folders, know([folders[1]]))

    assert found["orphan"] == ""
    assert found["a"] == "one of the newest 1 of bert"
    assert found["young"] == "changed 2026-11-27"


def test_an_old_place_for_checkpoints_stays_while_a_run_names_it():
    """By its own address, or by that of the place that it lies in."""
    entries = [folder("run1", 50, ""), folder("run2", 50, ""), folder("run3", 2, "")]
    one = know([], weekly='{"checkpoint_directory": "s3://b/checkpoints/run2/"}')
    all_of_them = know([], weekly='{"checkpoint_directory": "s3://b/checkpoints"}')
    entries = [Folder(one.run, *list(vars(one).values())[1:]) for one in entries]

    def choose(known):
        choices = choose_entries(entries, "s3://b/checkpoints", RULE, known)
        return [choice.kept_for for choice in choices]

    assert choose(one) == ["", "used by weekly", "changed 2026-11-28"]
    assert choose(all_of_them) == ["used by weekly", "used by weekly", "changed 2026-11-28"]


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1w", "1.5d", "9" * 30 + "d"])
def test_an_age_is_days_or_hours(text):
    """Anything else is named."""
    assert parse_age("36h", "--older-than") == timedelta(days=1.5)

    with pytest.raises(InputError, match="--older-than"):
        parse_age(text, "--older-than")
