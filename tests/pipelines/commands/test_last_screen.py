"""What a run prints at its end."""

import json
from types import SimpleNamespace

from pipelines.commands.run import _print_end
from tests.pipelines.commands.test_run import read_end


def test_scores_stand_with_their_means_over_the_seeds(tmp_path, capsys):
    """Whatever the task's metric; lists and settings are left to the files."""
    metrics = {
        "metric": "ndcg_at_10",
        "ndcg_at_10": 0.75,
        "ndcg_at_10_mean": 0.5,
        "ndcg_at_10_standard_deviation": 0.25,
        "groups": 7,
        "learning_rate": 2e-5,
        "runs": [],
    }
    artifacts = {
        name: SimpleNamespace(path=str(tmp_path / name), metadata={"decision": "held back"})
        for name in ("metrics", "report", "release_report", "checkpoint")
    }
    for name in ("report", "release_report"):
        (tmp_path / name).write_text("<p>", encoding="utf-8")
    (tmp_path / "metrics").write_text(json.dumps(metrics), encoding="utf-8")

    _print_end(SimpleNamespace(seconds=[("Evaluate", 2.0)], path=tmp_path / "log"), 3.0, artifacts)

    printed = read_end(capsys.readouterr().out)
    shown = {name: float(value) for name, value in printed.items() if name in metrics}
    assert shown == {
        "ndcg_at_10": 0.75,
        "ndcg_at_10_mean": 0.5,
        "ndcg_at_10_standard_deviation": 0.25,
        "learning_rate": 2e-5,
    }
