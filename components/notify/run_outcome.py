"""Finds out how a run ended, from Kubeflow's word and the files that its steps left."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from components.notify.run_folder import RunFolder
from components.shared.files.documents import decode_json
from components.shared.stage.start import ERROR_FILE
from components.shared.stage.step_log import LOGS, find_own_error

_RELEASE, _CHANGES = "release_metrics", "changes"
_FAILED = "FAILED"
# A run that lost a pod or skipped a part stays RUNNING, as may one with a loop before KFP 2.17:
# then the files alone tell.
SUCCEEDED = frozenset({"SUCCEEDED", "COMPLETE"})
"""Kubeflow's words for it: kfp.local's and the backend's."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended."""

    status: str
    """failed, held_back, published, nothing_new or already_running; ended where that can't be found
    out."""
    summary: str
    failed_step: str = ""
    """Empty where it is not known."""
    error: str = ""
    """The failed step's own."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Of the new model, in percent."""
    scores_in_use: Mapping[str, float] = field(default_factory=dict)
    """Of the model that was in use."""
    version: str = ""
    """Published."""


@dataclass(frozen=True)
class _Release:
    """What the releasing stage writes of a model."""

    released: int
    decision: str = ""
    version: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    scores_in_use: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Changes:
    """What the look for new inputs writes."""

    status: Literal["new", "nothing_new", "already_running"]
    summary: str


def find_outcome(state: str, folder: RunFolder) -> Outcome:
    """Return how a run ended.

    Args:
        state: Kubeflow's word on the steps before this one.
        folder: the run's files.

    Raises:
        InputError: if the store of the files refuses or can't be reached.
    """
    release = _read_newest(folder, _RELEASE, _Release)
    changes = _read_newest(folder, _CHANGES, _Changes)
    ends_early = changes is not None and changes.status != "new"
    is_done = state in SUCCEEDED or release is not None or ends_early
    if state == _FAILED or not is_done:
        step, error = _find_failure(folder)
        return _describe(
            release,
            status="failed",
            summary=f"{step or 'a step'} failed{f': {error.splitlines()[0]}' if error else ''}",
            failed_step=step,
            error=error,
        )
    if release is not None:
        status = "published" if release.released else "held_back"
        return _describe(release, status=status, summary=release.decision)
    if changes is not None and ends_early:
        return Outcome(status=changes.status, summary=changes.summary)
    return Outcome(status="ended", summary="the run ended; it left no file that says how")


def _describe(release: _Release | None, **facts: str) -> Outcome:
    """Add what the release says to an outcome's own facts."""
    if release is None:
        return Outcome(**facts)  # type: ignore[arg-type]
    return Outcome(
        version=release.version,
        scores=release.scores,
        scores_in_use=release.scores_in_use,
        **facts,  # type: ignore[arg-type]
    )


def _read_newest(folder: RunFolder, name: str, shape: type) -> Any:
    """Return the content of a step's output; None if no step wrote it."""
    found = folder.find(name)
    return decode_json(folder.read(found[-1]), shape, source=found[-1]) if found else None


def _find_failure(folder: RunFolder) -> tuple[str, str]:
    """Return the step that failed and its error; empty where no file tells.

    On a machine of one's own the error is a file; on a cluster it is in the step's log, if the API
    server publishes logs. Of a step's tries only the last counts.
    """
    if found := folder.find(ERROR_FILE):
        return folder.step_of(found[-1]), folder.read(found[-1]).strip()
    logs = sorted(folder.find(LOGS), key=lambda name: (len(name), name))
    last_logs = {name.rpartition("/")[0]: name for name in logs}
    for name in last_logs.values():
        if error := find_own_error(folder.read(name)):
            return folder.step_of(name), error
    return "", ""
