"""Where a model comes from, as its version's model.json says."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from components.release.candidate import Candidate
from components.release.gate import Decision
from components.shared.images import VERSION


def describe_model(candidate: Candidate, decision: Decision, in_use: str | None) -> dict[str, Any]:
    """Return what model.json says beside the checksums of the version's files.

    Args:
        candidate: the model.
        decision: why it is released.
        in_use: the version that it was compared with.
    """
    return {
        "task": candidate.task,
        "released": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "code": f"kubeflow-bert {VERSION}",
        "fingerprint": candidate.fingerprint,
        "scores": dict(candidate.metrics),
        "data": dict(candidate.data),
        "num_questions": len(candidate.scores),
        "evaluation": dict(candidate.settings),
        "decision": {
            "compared_with": in_use,
            "minimums": dict(candidate.limits.minimums),
            "max_drop": candidate.limits.max_drop,
            "reasons": list(decision.reasons),
            "differences": [asdict(item) for item in decision.differences],
        },
    }
