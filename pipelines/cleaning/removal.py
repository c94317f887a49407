"""Removes what finished runs left in a root: chooses, says so, and then does it."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from components.shared.errors import InputError
from components.shared.model_store.store import open_store
from components.shared.storage.locations import SCHEMES
from pipelines.cleaning.clean_settings import Cleaning, find_limit
from pipelines.cleaning.rules import (
    Choice,
    Known,
    Rule,
    choose_entries,
    choose_runs,
    find_reference,
    match_name,
)
from pipelines.cleaning.run_folders import Folder, Root, open_root
from pipelines.kubeflow.server import Cluster, server_errors

if TYPE_CHECKING:
    from pipelines.cleaning.cluster_runs import ClusterRuns

Say = Callable[[str], None]
_UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class _Work:
    rule: Rule
    dry_run: bool
    scratch: Sequence[str]
    versions: dict[str, str]
    """Model versions, and what each says of itself."""
    say: Say


def clean(settings: Cleaning, connect: Callable[[], Cluster], say: Say) -> None:
    """Say what goes, what stays and why; then remove it.

    Args:
        settings: what goes.
        connect: reaches the cluster of the runs, where the root is in a bucket.
        say: takes a line of what is done.

    Raises:
        InputError: if the root, the cluster or a model store can't be read.
    """
    work = _Work(
        Rule(settings.keep_runs, find_limit(settings)),
        settings.dry_run,
        settings.scratch,
        dict(_read_versions(settings.model_store)),
        say,
    )
    place = open_root(settings.root, "root")
    if not settings.root.startswith(SCHEMES):
        if settings.versions:
            raise InputError(
                f"--versions needs the --root of a cluster's runs (gs://, s3:// or minio://), "
                f"got {settings.root}; runs on this machine have no versions"
            )
        from pipelines.local.run_lock import no_run_under_way

        with no_run_under_way(Path(settings.root)):
            _clean_disk(place, work)
        return
    cluster = connect()
    with server_errors(cluster, "check the namespace and your rights"):
        from pipelines.cleaning.cluster_runs import ClusterRuns

        removed = _clean_bucket(place, ClusterRuns(cluster), work)
        if settings.versions:
            from pipelines.cleaning.versions import clean_versions

            clean_versions(
                cluster,
                work.rule.before,
                removed_runs=removed,
                dry_run=work.dry_run,
                say=say,
            )


def _clean_disk(place: Root, work: _Work) -> None:
    known = Known({}, frozenset(), work.versions)
    choices = choose_runs(_list_ours(place), work.rule, known)
    going = _show(place, choices, work)
    for one in () if work.dry_run else going:
        place.remove(one)
    _clean_scratch(known, work)


def _clean_bucket(place: Root, runs: "ClusterRuns", work: _Work) -> frozenset[str]:
    """Clean a cluster's root; return the ids of the runs that went or would go."""
    known = runs.find_out(work.versions)
    choices = choose_runs(_list_ours(place), work.rule, known)
    while True:
        staying = {one.folder.run for one in choices if one.kept_for} & known.run_to_start.keys()
        artifacts = runs.list_artifacts(sorted(staying | known.unfinished))
        known = replace(known, references={**known.references, **artifacts})
        again = choose_runs([one.folder for one in choices], work.rule, known)
        if again == choices:
            break
        choices = again
    going = _show(place, choices, work)
    if not work.dry_run:
        going = [one for one in going if runs.delete(one.run)]
        # A run that has started meanwhile may have taken steps from the cache until now.
        now = runs.find_out(work.versions)
        references = {**now.references, **runs.list_artifacts(sorted(now.unfinished))}
        for one in going:
            if who := find_reference(references, match_name(one.run)):
                work.say(f"left after all: {place.address}/{one.name}: {who}")
            else:
                place.remove(one)
    # Once more: a run that has started meanwhile may use them.
    _clean_scratch(runs.find_out(work.versions) if work.scratch else known, work)
    return frozenset(one.run for one in going)


def _list_ours(place: Root) -> list[Folder]:
    """A root may hold the runs of other pipelines too."""
    from pipelines.catalog import find_steps

    return [one for one in place.list_runs() if not one.pipeline or find_steps(one.pipeline)]


def _clean_scratch(known: Known, work: _Work) -> None:
    for address in work.scratch:
        place = open_root(address, "scratch")
        choices = choose_entries(place.list_entries(), place.address, work.rule, known)
        going = _show(place, choices, work)
        for one in () if work.dry_run else going:
            place.remove(one)


def _show(place: Root, choices: Sequence[Choice], work: _Work) -> list[Folder]:
    """Say what goes and what stays; return what goes."""
    going = [one.folder for one in choices if not one.kept_for]
    for choice in sorted(choices, key=lambda one: (bool(one.kept_for), one.folder.name)):
        one = choice.folder
        about = f"{one.name}: {_describe(one.num_bytes)}, changed {one.changed:%Y-%m-%d}"
        work.say(
            f"keep    {one.name}: {choice.kept_for}" if choice.kept_for else f"remove  {about}"
        )
    total = _describe(sum(one.num_bytes for one in going))
    verb = "would remove" if work.dry_run else "removing"
    work.say(f"{place.address}: {verb} {len(going)} of {len(choices)}, {total}")
    return going


def _describe(num_bytes: int) -> str:
    size, unit = float(num_bytes), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.3g} {_UNITS[unit]}"


def _read_versions(addresses: Sequence[str]) -> Iterator[tuple[str, str]]:
    for address in addresses:
        store = open_store(address)
        for version in store.list_versions():
            yield f"version {version} of {store}", json.dumps(store.describe(version))
