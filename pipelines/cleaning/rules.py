"""Which runs' folders go, and why the others stay."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.cleaning.run_folders import Folder

# As the look for new data names the folder of the trainings on it.
_OF_DATA = re.compile(r"data-[0-9a-f]{16}")


@dataclass(frozen=True)
class Rule:
    """What a person wants to keep."""

    keep_runs: int
    """The newest of each pipeline."""
    before: datetime
    """What was changed later stays."""


@dataclass(frozen=True)
class Known:
    """What is known of the runs, beside their folders."""

    run_to_start: Mapping[str, datetime]
    """Of the runs that the server knows."""
    unfinished: frozenset[str]
    references: Mapping[str, str]
    """Who refers to something, and what it says, in which a run's id may be."""
    recurring: frozenset[str] = frozenset()
    """Those of them that are recurring runs."""


@dataclass(frozen=True)
class Choice:
    """A folder, and why it stays; "" where it goes."""

    folder: Folder
    kept_for: str = ""


def choose_runs(folders: Sequence[Folder], rule: Rule, known: Known) -> list[Choice]:
    """Decide on the folders of runs.

    A run that nobody knows any more counts as finished: its record is deleted before its files.
    """
    newest = _find_newest(folders, rule.keep_runs, known)
    return [Choice(one, _why_kept(one, newest, rule, known)) for one in folders]


def choose_entries(
    folders: Sequence[Folder], address: str, rule: Rule, known: Known
) -> list[Choice]:
    """Decide on what lies in a place for checkpoints or downloads, by age and references.

    A retraining gives the trainings on each set of data a folder of their own. One that was cut
    off is resumed while the data is the same, and otherwise never: only a run under way keeps it.

    Args:
        folders: the entries of the place.
        address: the place's, as the runs' parameters name it.
        rule: how old they must be.
        known: who may name the place.
    """
    under_way = {who: one for who, one in known.references.items() if who not in known.recurring}

    def why_kept(one: Folder) -> str:
        if one.changed >= rule.before:
            return f"changed on {one.changed:%Y-%m-%d}, too recently"
        users = under_way if _OF_DATA.fullmatch(one.name) else known.references
        own = find_reference(known.references, match_name(f"{address}/{one.name}"))
        return own or find_reference(users, _match_alone(address))

    return [Choice(one, why_kept(one)) for one in folders]


def find_reference(references: Mapping[str, str], *patterns: str) -> str:
    """Return who refers to what one of the patterns matches; "" for nobody."""
    pattern = re.compile("|".join(patterns))
    return next((f"used by {who}" for who, text in references.items() if pattern.search(text)), "")


def match_name(name: str) -> str:
    """Return the pattern of a name that is not part of a longer one."""
    return rf"(?<![\w.-]){re.escape(name)}(?![\w.-])"


def _match_alone(address: str) -> str:
    """Return the pattern of an address in JSON that nothing follows."""
    return rf"{re.escape(address)}/?\""


def _find_newest(folders: Iterable[Folder], keep_runs: int, known: Known) -> frozenset[str]:
    pipeline_to_runs: dict[str, list[tuple[datetime, str]]] = {}
    for one in folders:
        # Orphans are no longer runs.
        if one.pipeline and (not known.run_to_start or one.run in known.run_to_start):
            started = known.run_to_start.get(one.run, one.changed)
            pipeline_to_runs.setdefault(one.pipeline, []).append((started, one.run))
    return frozenset(
        run
        for runs in pipeline_to_runs.values()
        for _, run in sorted(runs, reverse=True)[:keep_runs]
    )


def _why_kept(folder: Folder, newest: frozenset[str], rule: Rule, known: Known) -> str:
    if not folder.pipeline:  # what a removal that was killed has left
        return ""
    if folder.run in known.unfinished:
        return "not finished"
    if folder.run in newest:
        return f"one of the newest {rule.keep_runs} of {folder.pipeline}"
    if max(folder.changed, known.run_to_start.get(folder.run, folder.changed)) >= rule.before:
        return f"changed on {folder.changed:%Y-%m-%d}, too recently"
    return find_reference(known.references, match_name(folder.run))
