"""The releasing stage."""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.release.comparison.candidate import Candidate, read_candidate
from components.release.comparison.classifier import read_classifier
from components.release.comparison.gate import Decision, decide
from components.release.comparison.in_use import SCORES_FILE, describe_scores, find_scores
from components.release.config import ReleaseClassificationConfig, ReleaseConfig, StoreConfig
from components.release.descriptions.model_card import write_model_card
from components.release.descriptions.provenance import describe_model
from components.release.descriptions.release_report import write_report
from components.release.model_registry import Registration, register
from components.release.quantization import add_int8_graph
from components.shared.errors import InputError
from components.shared.files.atomic import expect_place, write_text
from components.shared.model_store.layout import NotedDecision
from components.shared.model_store.store import ModelStore, SwitchedError, open_store
from components.shared.model_store.verification import MODEL
from components.shared.stage.start import Metadata

# How often another release may come first before this one gives up.
_NUM_TRIES = 5


@dataclass(frozen=True)
class Outcome:
    """What became of a model."""

    decision: Decision
    """Why."""
    version: str = ""
    """The version that it was released as; "" if it was not."""
    compared_with: str = ""
    """The version that was in use; "" if there was none."""
    registration: Registration | None = None
    """None where it was not to be registered."""

    @property
    def summary(self) -> str:
        """A sentence on it."""
        state = f"released as {self.version}" if self.version else "held back"
        reasons = [*self.decision.reasons]
        if self.registration:
            reasons.append(self.registration.summary)
        return f"{state}: {'; '.join(reasons)}"


def run(config: ReleaseConfig) -> Metadata:
    """Release a model that answers questions, or hold it back."""
    if not config.quantize:
        return _run(config, lambda: read_candidate(config))
    with tempfile.TemporaryDirectory(prefix="quantized-", ignore_cleanup_errors=True) as scratch:
        return _run(config, lambda: add_int8_graph(config, read_candidate(config), Path(scratch)))


def run_classification(config: ReleaseClassificationConfig) -> Metadata:
    """Release a classifier, or hold it back."""
    return _run(config, lambda: read_classifier(config))


def _run(config: StoreConfig, read: Callable[[], Candidate]) -> Metadata:
    """Compare a model with the one in use, and put it in its place if it is no worse."""
    for path in (config.release_metrics, config.release_report):
        expect_place(path)
    decisions: list[NotedDecision] = []
    if config.model_store:
        candidate = read()
        store = open_store(config.model_store)
        outcome = _release(store, candidate, config.keep_versions)
        decisions = _note(store, outcome, candidate)
        if outcome.version and config.model_registry:
            outcome = replace(outcome, registration=register(config, store, outcome.version))
    else:
        candidate = None
        outcome = Outcome(Decision(False, ("no model_store is given",)))
    print(f"release: {outcome.summary}", flush=True)
    metrics = _list_metrics(outcome)
    if candidate:
        metrics |= candidate.quantization
    content = {**metrics, **_describe(outcome)}
    write_text(config.release_metrics, json.dumps(content, indent=2) + "\n")
    write_report(
        config.release_report,
        version=outcome.version,
        model_store=config.model_store,
        compared_with=outcome.compared_with,
        candidate=candidate,
        decision=outcome.decision,
        registration=outcome.registration,
        decisions=decisions,
    )
    return {
        "release_metrics": metrics,
        "release_report": {"decision": outcome.summary, "version": outcome.version},
    }


def _release(store: ModelStore, candidate: Candidate, keep_versions: int) -> Outcome:
    """Publish the model as a version and switch to it, unless it is to be held back.

    Who switches to another version meanwhile makes it be compared with that one.
    """
    version = ""
    for tries_left in reversed(range(_NUM_TRIES)):
        current = store.find_current()
        if current and _is_same(store, current, candidate):
            return Outcome(Decision(True, ("this model is in use already",)), current, current)
        other = find_scores(store, current, candidate) if current else None
        decision = decide(candidate.scores, other, candidate.limits)
        if not decision.is_released:
            if version:
                store.remove(version)
            return Outcome(decision, compared_with=current or "")
        try:
            version = version or _publish(store, candidate, decision, current)
            store.switch(version, expected=current)
        except SwitchedError:
            if not tries_left:
                store.remove(version)
                raise
            continue
        for removed in store.prune(keep_versions):
            print(f"release: removed the old version {removed}", flush=True)
        return Outcome(decision, version, current or "")
    raise AssertionError("the last try returns or raises")


def _note(store: ModelStore, outcome: Outcome, candidate: Candidate) -> list[NotedDecision]:
    """Keep the outcome in the store, and return the decisions so far.

    The release itself is done: a store that fails now costs a warning.
    """
    try:
        decisions = store.list_decisions()
        if any(one.fingerprint == candidate.fingerprint for one in decisions):
            return decisions  # the step was cut off after its release, and started again
        own = NotedDecision(
            decided=datetime.now(UTC).isoformat(timespec="milliseconds"),
            fingerprint=candidate.fingerprint,
            version=outcome.version,
            scores=dict(outcome.decision.scores),
            summary=outcome.summary,
        )
        store.note(own)
    except InputError as error:
        print(f"release: warning: not noted: {error}", file=sys.stderr, flush=True)
        return []
    return [*decisions, own]


def _is_same(store: ModelStore, version: str, candidate: Candidate) -> bool:
    """Whether a version is this model: a step that was cut off after its release starts again."""
    return store.describe(version).get("fingerprint") == candidate.fingerprint


def _publish(
    store: ModelStore, candidate: Candidate, decision: Decision, current: str | None
) -> str:
    with tempfile.TemporaryDirectory(prefix="release-") as scratch:
        content = Path(scratch, "version")
        shutil.copytree(candidate.checkpoint, content / MODEL)
        (content / SCORES_FILE).write_text(describe_scores(candidate), encoding="utf-8")
        description = describe_model(candidate, decision, current)
        write_model_card(content / "README.md", description)
        return store.publish(content, description)


def _describe(outcome: Outcome) -> dict[str, Any]:
    """Return what the file says beside the numbers: why, and both models' scores in percent."""
    return {
        "decision": outcome.summary,
        "version": outcome.version,
        "scores": dict(outcome.decision.scores),
        "scores_in_use": {item.name: item.baseline for item in outcome.decision.differences},
    }


def _list_metrics(outcome: Outcome) -> dict[str, float]:
    """Return what Kubeflow shows as numbers."""
    metrics: dict[str, float] = {"released": int(bool(outcome.version))}
    for item in outcome.decision.differences:
        metrics |= {
            f"in_use_{item.name}": item.baseline,
            f"{item.name}_difference": item.difference,
            f"{item.name}_difference_low": item.low,
            f"{item.name}_difference_high": item.high,
        }
    return metrics
