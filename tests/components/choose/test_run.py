"""The best of several models is passed on whole."""

import json
from pathlib import Path

import pytest

from components.choose.config import ChooseConfig
from components.choose.run import run
from components.shared.errors import InputError


def make_config(folder: Path, *metrics: dict) -> ChooseConfig:
    """Candidates with these metrics, fine-tuned with 0.1, 0.2, …"""
    candidates: dict[str, list[Path]] = {"checkpoints": [], "metrics": []}
    candidates |= {"reports": [], "summaries": []}
    for place, content in enumerate(metrics):
        one = folder / str(place)
        (one / "checkpoint").mkdir(parents=True)
        (one / "checkpoint" / "vocab.txt").write_text(f"model {place}")
        (one / "metrics").write_text(json.dumps(content))
        (one / "report").write_text(f"report {place}")
        (one / "summary").write_text(f"# Model {place}\n")
        for name, file in zip(
            candidates, ("checkpoint", "metrics", "report", "summary"), strict=True
        ):
            candidates[name].append(one / file)
    return ChooseConfig(
        **{f"candidate_{name}": tuple(paths) for name, paths in candidates.items()},
        learning_rates=tuple((place + 1) / 10 for place in range(len(metrics))),
        checkpoint=folder / "out" / "checkpoint",
        chosen_metrics=folder / "out" / "metrics.json",
        report=folder / "out" / "report.html",
        summary=folder / "out" / "summary.md",
    )


def test_the_model_with_the_best_f1_is_passed_on(tmp_path):
    """Checkpoint, metrics with the learning rate, report, and all scores in the summary."""
    scores = {"exact_match": 1.0, "question_scores": {"q": [1, 1]}}
    config = make_config(tmp_path, scores | {"f1": 2.0}, scores | {"f1": 4.5}, scores | {"f1": 3.0})

    metadata = run(config)

    metrics = json.loads(config.chosen_metrics.read_text())
    assert metrics == scores | {"f1": 4.5, "learning_rate": 0.2}
    assert (config.checkpoint / "vocab.txt").read_text() == "model 1"
    assert config.report.read_text() == "report 1"
    assert config.summary.read_text() == (
        "# Model 1\n\n## Learning rates\n\n| | exact match | F1 | |\n|---|--:|--:|---|\n"
        "| 0.1 | 1.00 | 2.00 |  |\n| 0.2 | 1.00 | 4.50 | chosen |\n| 0.3 | 1.00 | 3.00 |  |\n"
    )
    assert metadata == {
        "checkpoint": {"learning_rate": 0.2, "f1": 4.5},
        "chosen_metrics": {"exact_match": 1.0, "f1": 4.5, "learning_rate": 0.2},
    }


def test_of_equals_the_first_is_taken(tmp_path):
    """The same choice each time."""
    config = make_config(tmp_path, {"exact": 1.0, "f1": 2.0}, {"exact": 1.0, "f1": 2.0})

    assert run(config)["checkpoint"]["learning_rate"] == 0.1


def test_a_single_model_is_compared_with_none(tmp_path):
    """Its summary stays as it is."""
    config = make_config(tmp_path, {"exact": 1.0, "f1": 2.0})

    run(config)

    assert config.summary.read_text() == "# Model 0\n"


def test_lists_of_different_lengths_are_refused(tmp_path):
    """Which model has which scores would be a guess."""
    config = make_config(tmp_path, {"exact": 1.0, "f1": 2.0})
    values = vars(config) | {"learning_rates": (0.1, 0.2)}

    with pytest.raises(InputError, match="got 2 learning_rates, 1 candidate_checkpoints"):
        ChooseConfig(**values)


@pytest.mark.parametrize("content", ["", "[]", "{}"])
def test_a_file_without_scores_is_refused(tmp_path, content):
    """Nothing is written then."""
    config = make_config(tmp_path, {"exact": 1.0, "f1": 2.0})
    config.candidate_metrics[0].write_text(content)

    with pytest.raises(InputError, match="holds no f1"):
        run(config)

    assert not (tmp_path / "out").exists()
