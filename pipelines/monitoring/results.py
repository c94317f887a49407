"""What came of a run, in a few words: its model's scores, and whether it was published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.shared.reports.score_names import find_main_score
from pipelines.kubeflow.registry import find_package
from pipelines.kubeflow.server import Cluster
from pipelines.monitoring.progress import state_of
from pipelines.monitoring.run_artifacts import CHANGES, read_artifacts
from pipelines.retraining import SUFFIX

_RELEASE, _CHOSEN = "release_metrics", "chosen_metrics"


@dataclass(frozen=True)
class Result:
    """What came of a run."""

    outcome: str = ""
    """published, held_back, nothing_new or already_running; empty where the run has not come so
    far."""
    changed: str = ""
    """What a retraining found to be new, such as `dump changed, text was added`."""
    score: str = ""
    """The name of the score that its task is measured by."""
    scores: Mapping[str, float] = field(default_factory=dict)

    def in_words(self) -> str:
        """Return the result as a table shows it."""
        words = [self.outcome.replace("_", " ")]
        if self.score:
            words.append(f"{self.score} {self.scores[self.score]:.2f}")
        return ", ".join(filter(None, words))


def read_result(cluster: Cluster, run: Any) -> Result:
    """Return what came of a run.

    Raises:
        UnreadableError: if its metrics can't be read from here.
    """
    package = find_package(cluster, run)
    artifacts = {one.name: one for one in read_artifacts(cluster, run, package)}
    scores = artifacts[_CHOSEN].scalars if _CHOSEN in artifacts else {}
    score = find_main_score(scores)
    changes = artifacts[CHANGES].texts if CHANGES in artifacts else {}
    if release := artifacts.get(_RELEASE):
        outcome = "published" if release.scalars.get("released") else "held_back"
    elif state_of(run) == "SUCCEEDED" and package.name.endswith(SUFFIX):
        # Runs of the version before have no status there.
        outcome = changes.get("status", "nothing_new")
    else:
        outcome = ""
    return Result(outcome, changes.get("changed", ""), score, scores)
