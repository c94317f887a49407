"""Which runs' folders go, and why the others stay."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pipelines.cleaning.rules import Known, Rule, choose_entries, choose_runs
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
    young = kept([folder("a", 29), folder("b", 0)], know([]))
    assert young["a"] == "changed on 2026-11-01, too recently"


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
    assert found["young"] == "changed on 2026-11-27, too recently"


def test_an_old_place_for_checkpoints_stays_while_a_run_names_it():
    """By its own address, or by that of the place that it lies in."""
    entries = [
        replace(folder(run, days, ""), name=run)
        for run, days in (("run1", 50), ("run2", 50), ("run3", 2))
    ]
    one = know([], weekly='{"checkpoint_directory": "s3://b/checkpoints/run2/"}')
    all_of_them = know([], weekly='{"checkpoint_directory": "s3://b/checkpoints"}')

    def choose(known):
        choices = choose_entries(entries, "s3://b/checkpoints", RULE, known)
        return [choice.kept_for for choice in choices]

    young = "changed on 2026-11-28, too recently"
    assert choose(one) == ["", "used by weekly", young]
    assert choose(all_of_them) == ["used by weekly", "used by weekly", young]
