"""A classifier is released by the metric of its task."""

import json
from pathlib import Path

import pytest

from components.release.config import ReleaseClassificationConfig
from components.release.run import run_classification
from components.shared.checkpoints.checkpoint_manifest import write_manifest
from components.shared.classification.sentences import Row, write_sentences
from components.shared.errors import InputError
from components.shared.model_store.store import open_store


def make_config(folder: Path, num_wrong: int, metric: str = "", **settings):
    """Write a classifier that labels so many of 200 sentences wrongly."""
    (folder / "checkpoint").mkdir(parents=True)
    (folder / "checkpoint" / "vocab.txt").write_text(f"{num_wrong}\n", encoding="utf-8")
    write_manifest(folder / "checkpoint", step=1)
    rows = [Row(f"sentence {n}", None, ("bad", "good")[n % 2]) for n in range(200)]
    write_sentences(folder / "sentences", ("bad", "good"), "good", {"train": rows, "dev": rows})
    (folder / "predictions").mkdir()
    lines = [
        json.dumps({"index": n, "label": row.label, "prediction": "good" if n < 2 * num_wrong
                    else row.label}) for n, row in enumerate(rows)
    ]  # fmt: skip
    (folder / "predictions" / "dev.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    metrics = {"accuracy": 1 - num_wrong / 200, **({"metric": metric} if metric else {})}
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    return ReleaseClassificationConfig(
        **{"model_store": str(folder.parent / "store"), **settings},
        checkpoint=folder / "checkpoint",
        sentences=folder / "sentences",
        candidate_metrics=folder / "metrics.json",
        predictions=folder / "predictions",
        release_metrics=folder / "release.json",
        release_report=folder / "release.html",
    )


@pytest.mark.parametrize("metric", ["", "f1", "matthews_correlation"])
def test_a_worse_one_is_held_back_and_a_better_one_replaces_it(tmp_path, metric):
    """By accuracy, where the evaluation names no other metric."""
    store = open_store(str(tmp_path / "store"))
    shown = []
    for number, num_wrong in enumerate((20, 50, 5)):
        config = make_config(tmp_path / str(number), num_wrong, metric, max_length_tokens=32)
        shown.append(run_classification(config)["release_report"])

    assert [bool(one["version"]) for one in shown] == [True, False, True]
    assert shown[2]["version"] == store.find_current()
    assert metric or "accuracy differs by -15.00 points from 90.00" in shown[1]["decision"]
    described = store.describe(shown[2]["version"])
    assert described["scores"] == {"accuracy": 0.975}
    assert described["evaluation"] == {"max_length_tokens": 32}
    assert sorted(described["data"]) == ["dev.jsonl", "train.jsonl"]


def test_the_minimum_is_that_of_the_metric(tmp_path):
    """In percent."""
    config = make_config(tmp_path / "one", 20, min_score=90.5)

    decision = run_classification(config)["release_report"]["decision"]

    assert decision == "held back: accuracy 90.00 is below the minimum 90.5"


def test_a_ranking_is_compared_by_its_groups(tmp_path):
    """Those without a relevant row have no part in it."""
    config = make_config(tmp_path / "one", 0, "mrr", min_score=75)
    rows = [Row("query", "text", "1", group=name) for name in "abc"]
    write_sentences(config.sentences, ("relevance",), "", {"train": rows, "dev": rows},
                    task="ranking")  # fmt: skip
    lines = [
        {"group": group, "label": float(label), "prediction": 0.5, "rank": rank}
        for group, labels in {"a": (1, 0), "b": (0, 2), "c": (0, 0)}.items()
        for rank, label in enumerate(labels, start=1)
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (config.predictions / "dev.jsonl").write_text(text, encoding="utf-8")

    decision = run_classification(config)["release_report"]

    assert "MRR 75.00 reaches the minimum 75" in decision["decision"]
    store = open_store(str(tmp_path / "store"))
    assert store.describe(decision["version"])["num_questions"] == 2


def test_predictions_that_are_missing_are_told(tmp_path):
    """With the file."""
    config = make_config(tmp_path / "one", 20)
    (config.predictions / "dev.jsonl").unlink()

    with pytest.raises(InputError, match=r"dev\.jsonl: no such file.*predictions of an evaluation"):
        run_classification(config)
