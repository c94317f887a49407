"""The best of several models is passed on whole."""

import json
from pathlib import Path

import pytest

from components.choose.config import ChooseClassificationConfig, ChooseConfig
from components.choose.run import run, run_classification
from components.shared.errors import InputError
from components.shared.reports.score_names import RUNS_MARK


def make_config(folder: Path, *metrics: dict, seeds: tuple[int, ...] = (7,)) -> ChooseConfig:
    """Candidates with these metrics, fine-tuned with 0.1, 0.2, … and each seed."""
    candidates: dict[str, list[Path]] = {"checkpoints": [], "metrics": []}
    candidates |= {"reports": [], "summaries": []}
    for place, content in enumerate(metrics):
        one = folder / str(place)
        (one / "checkpoint").mkdir(parents=True)
        (one / "checkpoint" / "vocab.txt").write_text(f"model {place}")
        (one / "metrics").write_text(json.dumps(content))
        (one / "report").write_text(f"<p>{place}</p>{RUNS_MARK}")
        (one / "summary").write_text(f"# Model {place}\n")
        for name, file in zip(
            candidates, ("checkpoint", "metrics", "report", "summary"), strict=True
        ):
            candidates[name].append(one / file)
    return ChooseConfig(
        **{f"candidate_{name}": tuple(paths) for name, paths in candidates.items()},
        learning_rates=tuple((place + 1) / 10 for place in range(len(metrics) // len(seeds))),
        seeds=seeds,
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
    runs = metrics.pop("runs")
    assert metrics == scores | {"f1": 4.5, "learning_rate": 0.2, "seed": 7}
    assert runs[2] == {"learning_rate": 0.3, "seed": 7, "exact": 1.0, "f1": 3.0}
    assert (config.checkpoint / "vocab.txt").read_text() == "model 1"
    report = config.report.read_text()
    assert report.startswith("<p>1</p><h2>Runs</h2>")
    assert (
        "<tr><td>0.2</td><td class=n>1.00</td><td class=n>4.50</td><td>chosen</td></tr>" in report
    )
    assert config.summary.read_text() == (
        "# Model 1\n\n## Runs\n\n| learning rate | exact match | F1 |  |\n|---|--:|--:|---|\n"
        "| 0.1 | 1.00 | 2.00 |  |\n| 0.2 | 1.00 | 4.50 | chosen |\n| 0.3 | 1.00 | 3.00 |  |\n"
    )
    assert metadata == {
        "checkpoint": {"learning_rate": 0.2, "seed": 7, "f1": 4.5},
        "chosen_metrics": {"exact_match": 1.0, "f1": 4.5, "learning_rate": 0.2, "seed": 7},
    }


def test_several_seeds_have_a_mean_and_a_deviation_per_learning_rate(tmp_path):
    """The sample's; the best run is chosen, though its learning rate's mean is not the best."""
    scores = [{"exact": f1 - 10, "f1": f1} for f1 in (60, 62, 64, 50, 60, 70)]
    config = make_config(tmp_path, *scores, seeds=(1, 2, 3))

    metadata = run(config)["chosen_metrics"]

    metrics = json.loads(config.chosen_metrics.read_text())
    assert (metrics["learning_rate"], metrics["seed"], metrics["f1"]) == (0.2, 3, 70)
    assert metrics["by_learning_rate"] == [
        {"learning_rate": 0.1, "exact_mean": 52, "exact_standard_deviation": 2.0,
         "f1_mean": 62, "f1_standard_deviation": 2.0},
        {"learning_rate": 0.2, "exact_mean": 50, "exact_standard_deviation": 10.0,
         "f1_mean": 60, "f1_standard_deviation": 10.0},
    ]  # fmt: skip
    assert (metadata["f1_mean"], metadata["f1_standard_deviation"]) == (60, 10.0)
    assert [(one["learning_rate"], one["seed"], one["f1"]) for one in metrics["runs"]] == [
        (0.1, 1, 60), (0.1, 2, 62), (0.1, 3, 64), (0.2, 1, 50), (0.2, 2, 60), (0.2, 3, 70),
    ]  # fmt: skip
    summary, report = config.summary.read_text(), config.report.read_text()
    assert "## Mean and standard deviation over 3 seeds\n" in summary
    assert "| 0.2 | 50.00 ± 10.00 | 60.00 ± 10.00 |\n" in summary
    assert "| 0.2 | 3 | 60.00 | 70.00 | chosen |\n" in summary
    assert "<td class=n>60.00 ± 10.00</td>" in report
    assert "<tr><td>0.1</td><td>2</td><td class=n>52.00</td>" in report


def test_a_task_is_chosen_for_by_the_metric_that_its_evaluation_names(tmp_path):
    """Whatever its F1 says; shares have four digits."""
    scores = [
        {"metric": "pearson", "pearson": value, "f1": -value, "spearman": 0.5}
        for value in (0.25, 0.75, 0.5, 0.125)
    ]
    config = make_config(tmp_path, *scores, seeds=(1, 2))

    metadata = run(config)

    metrics = json.loads(config.chosen_metrics.read_text())
    assert (metrics["metric"], metrics["pearson"], metrics["seed"]) == ("pearson", 0.75, 2)
    assert metrics["runs"][0] == {"learning_rate": 0.1, "seed": 1, "pearson": 0.25}
    assert (metrics["pearson_mean"], metrics["by_learning_rate"][1]["pearson_mean"]) == (
        0.5,
        0.3125,
    )
    assert metadata["checkpoint"] == {"learning_rate": 0.1, "seed": 2, "pearson": 0.75}
    columns = "| learning rate | seed | Pearson correlation |  |\n|---|---|--:|---|\n"
    assert columns in config.summary.read_text()
    assert (
        "<td>0.1</td><td>2</td><td class=n>0.7500</td><td>chosen</td>" in config.report.read_text()
    )


def test_the_best_classifier_comes_with_its_matrix_and_predictions(tmp_path):
    """Of several learning rates and seeds; Kubeflow is told of the matrix."""
    config = make_config(
        tmp_path,
        *({"metric": "accuracy", "accuracy": value} for value in (0.5, 0.625, 0.25, 0.75)),
        seeds=(1, 2),
    )
    matrices = [{"dev": {"annotationSpecs": [], "rows": [{"row": [n]}]}} for n in range(4)]
    for number, matrix in enumerate(matrices):
        (tmp_path / str(number) / "matrix").write_text(json.dumps(matrix))
        (tmp_path / str(number) / "predictions").mkdir()
        (tmp_path / str(number) / "predictions" / "dev.tsv").write_text(f"of {number}")
    more = {
        f"candidate_{name}": tuple(tmp_path / str(number) / name for number in range(4))
        for name in ("predictions", "matrix")
    }

    classification = ChooseClassificationConfig(
        **vars(config),
        candidate_predictions=more["candidate_predictions"],
        candidate_matrices=more["candidate_matrix"],
        confusion_matrix=tmp_path / "out" / "matrix.json",
        predictions=tmp_path / "out" / "predictions",
    )
    metadata = run_classification(classification)

    assert (tmp_path / "out" / "predictions" / "dev.tsv").read_text() == "of 3"
    assert json.loads(classification.confusion_matrix.read_text()) == matrices[3]
    assert metadata["confusion_matrix"] == {"confusionMatrix": matrices[3]["dev"]}
    assert metadata["chosen_metrics"] == {
        "accuracy": 0.75, "accuracy_mean": 0.5, "seed": 2, "learning_rate": 0.2,
        "accuracy_standard_deviation": pytest.approx(0.25 * 2**0.5),
    }  # fmt: skip


def test_models_of_different_tasks_are_rejected(tmp_path):
    """Their scores say nothing of one another."""
    config = make_config(
        tmp_path, {"exact": 1.0, "f1": 2.0}, {"metric": "accuracy", "accuracy": 0.5}
    )

    with pytest.raises(
        InputError, match=r"1/metrics: the metric is accuracy, that of .*0/metrics f1"
    ):
        run(config)


def test_of_equals_the_first_is_taken(tmp_path):
    """The same choice each time."""
    config = make_config(tmp_path, {"exact": 1.0, "f1": 2.0}, {"exact": 1.0, "f1": 2.0})

    assert run(config)["checkpoint"]["learning_rate"] == 0.1


def test_a_single_model_is_compared_with_none(tmp_path):
    """Its summary and its report stay as they are."""
    config = make_config(tmp_path, {"exact": 1.0, "f1": 2.0})

    run(config)

    assert config.summary.read_text() == "# Model 0\n"
    assert "<h2>" not in config.report.read_text()


def test_lists_of_different_lengths_are_rejected(tmp_path):
    """Which model has which scores would be a guess."""
    config = make_config(tmp_path, {"exact": 1.0, "f1": 2.0})
    values = vars(config) | {"learning_rates": (0.1, 0.2)}

    with pytest.raises(
        InputError, match="2 learning_rates times 1 seeds need 2 .* got 1 candidate_ch"
    ):
        ChooseConfig(**values)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"f1": 2.0}', '{"metric": "mrr", "f1": 2.0, "exact": 1.0}', '{"metric": []}'],
)
def test_a_file_without_scores_is_rejected(tmp_path, content):
    """Nothing is written then."""
    config = make_config(tmp_path, {"exact": 1.0, "f1": 2.0})
    config.candidate_metrics[0].write_text(content)

    with pytest.raises(InputError, match="holds no exact match and F1"):
        run(config)

    assert not (tmp_path / "out").exists()
