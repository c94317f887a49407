"""The whole evaluation of a small classifier: labels, scores, speed and report."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from components.evaluate.classification.config import EvaluateClassificationConfig
from components.evaluate.classification.labeled_rows import choose_labeled, label_rows
from components.evaluate.classification.run import run as evaluate
from components.evaluate.export import ExportConfig, export
from components.shared.bert.config import BertConfig
from components.shared.bert.heads import ClassifierModel
from components.shared.checkpoints.checkpoint import (
    Checkpoint,
    named_variables,
    restore,
    write_checkpoint,
)
from components.shared.classification.features import make_features
from components.shared.classification.sentences import Row, write_sentences
from components.shared.errors import InputError
from components.shared.reports.score_names import RUNS_MARK
from components.shared.tokens.tokenization import Tokenization
from components.shared.tokens.tokenizer import WordPieceTokenizer
from tests.components.evaluate.test_saved_model import CLIENT
from tests.waiting import LONGEST_SECONDS

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "<", "script", ">"]
LABELS = ("bad", "good")
ROWS = [
    Row("good " * (1 + index % 9), "bad", LABELS[index % 2]) for index in range(14)
] + [Row("<script>attack()</script>", "שלום 🙂", "good")]  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("model"), LABELS)


def make_checkpoint(folder: Path, labels: Sequence[str]) -> Path:
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    config = BertConfig(
        vocab_size=len(PIECES),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    model = ClassifierModel(config, num_labels=len(labels), seed=1)
    model.build()
    model.output_weights.assign(np.random.default_rng(1).normal(size=(len(labels), 16)))
    write_checkpoint(
        folder / "checkpoint",
        model=model,
        vocabulary=folder / "vocab.txt",
        tokenization=Tokenization(lowercase=True),
        labels=labels,
    )
    return folder / "checkpoint"


def make_settings(sentences: Path, checkpoint: Path, output: Path) -> dict:
    return {
        "sentences": sentences,
        "checkpoint": checkpoint,
        "evaluate_metrics": output / "metrics.json",
        "confusion_matrix": output / "matrix.json",
        "report": output / "report.html",
        "summary": output / "summary.md",
        "predictions": output / "predictions",
        "max_length_tokens": 32,
        "batch_size": 4,
    }


def run(sentences: Path, checkpoint: Path, output: Path, **flags) -> subprocess.CompletedProcess:
    settings = make_settings(sentences, checkpoint, output) | flags
    pairs = [(f"--{name.replace('_', '-')}", str(value)) for name, value in settings.items()]
    return subprocess.run(
        [sys.executable, "-m", "components.evaluate", "classification", *sum(pairs, ())],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )


@pytest.mark.slow
def test_a_classifier_is_scored_timed_and_reported(checkpoint, tmp_path):
    """All files are there and agree with one another, set by set."""
    sets = {"train": ROWS, "dev_matched": ROWS, "dev_mismatched": ROWS[:5]}
    write_sentences(tmp_path / "sentences", LABELS, "good", sets)

    done = run(tmp_path / "sentences", checkpoint, tmp_path / "out")

    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    lines = (tmp_path / "out/predictions/dev_matched.jsonl").read_text("utf-8").split("\n")[:-1]
    rows = [json.loads(line) for line in lines]
    right = [row["label"] == row["prediction"] for row in rows]
    assert metrics["accuracy"] == pytest.approx(sum(right) / 15)
    assert metrics["dev_mismatched_accuracy"] == pytest.approx(sum(right[:5]) / 5)
    assert set(metrics) >= {"f1", "macro_f1", "matthews_correlation", "sentences_per_second"}
    assert metrics["latency_ms_p50"] <= metrics["latency_ms_p100"]
    table = (tmp_path / "out/predictions/dev_matched.tsv").read_text("utf-8").splitlines()
    assert table[:2] == ["index\tprediction", f"0\t{rows[0]['prediction']}"]
    assert sum(rows[0]["probabilities"].values()) == pytest.approx(1)
    matrix = json.loads((tmp_path / "out" / "matrix.json").read_text("utf-8"))["dev_matched"]
    cells = np.array([row["row"] for row in matrix["rows"]])
    assert cells.sum() == 15
    assert np.trace(cells) == sum(right)
    report = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "<script>" not in report
    assert "&lt;script&gt;attack()" in report
    text = " ".join(re.sub(r"<[^>]*>", " ", report).split())
    for shown in (
        "Matthews correlation",
        "Confusion matrix, dev matched right ↓ predicted → bad good",
        "sentences per second",
        "Batch latency",
        "שלום 🙂",
    ):
        assert shown in text


def test_numbers_are_scored_written_and_reported(tmp_path):
    """The predictions are numbers, and their correlation with the labels is the metric."""
    checkpoint = make_checkpoint(tmp_path, ["score"])
    rows = [row._replace(label=str(index % 4 / 3)) for index, row in enumerate(ROWS)]
    sets = {"train": rows, "dev": rows, "other": rows[:5]}
    write_sentences(tmp_path / "sentences", ["score"], "", sets, task="regression")

    settings = make_settings(tmp_path / "sentences", checkpoint, tmp_path / "out")
    metadata = evaluate(EvaluateClassificationConfig(**settings))

    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    lines = (tmp_path / "out/predictions/dev.jsonl").read_text("utf-8").split("\n")[:-1]
    predicted = [json.loads(line)["prediction"] for line in lines]
    right = [row.value for row in rows]
    assert len(set(predicted)) > 5
    assert metrics.pop("metric") == "pearson"
    assert (metadata["evaluate_metrics"], metadata["confusion_matrix"]) == (metrics, {})
    assert metrics["pearson"] == pytest.approx(np.corrcoef(right, predicted)[0, 1])
    assert "accuracy" not in metrics
    assert set(metrics) >= {"spearman", "root_mean_squared_error", "other_pearson"}
    table = (tmp_path / "out/predictions/dev.tsv").read_text("utf-8").splitlines()
    assert [float(line.split("\t")[1]) for line in table[1:]] == predicted
    report = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert RUNS_MARK in report
    summary = (tmp_path / "out" / "summary.md").read_text("utf-8").splitlines()
    assert summary[2].startswith("| | Pearson correlation | Spearman correlation |")
    assert summary[4].startswith(f"| dev | {metrics['pearson']:.4f} |")
    assert summary[5].startswith("| other |")
    text = " ".join(re.sub(r"<[^>]*>", " ", report).split())
    for shown in ("Pearson correlation", "Predicted and right numbers", "שלום 🙂", "off)"):
        assert shown in text


def test_groups_are_ranked_scored_and_reported(tmp_path):
    """The predictions are in the file's order, with each row's rank in its group."""
    checkpoint = make_checkpoint(tmp_path, ["relevance"])
    rows = [
        row._replace(label=str(index % 5 // 3 if index % 3 else 0), group=f"g{index % 3}")
        for index, row in enumerate(ROWS)
    ]
    sets = {"train": rows, "dev": rows}
    write_sentences(tmp_path / "sentences", ["relevance"], "", sets, task="ranking")

    settings = make_settings(tmp_path / "sentences", checkpoint, tmp_path / "out")
    metadata = evaluate(EvaluateClassificationConfig(**settings, recall_k=2))

    metrics = metadata["evaluate_metrics"]
    lines = (tmp_path / "out/predictions/dev.jsonl").read_text("utf-8").split("\n")[:-1]
    predicted = [json.loads(line) for line in lines]
    assert [one["index"] for one in predicted] == list(range(15))
    group = sorted((one for one in predicted if one["group"] == "g1"), key=lambda one: one["rank"])
    scores = [one["prediction"] for one in group]
    assert scores == sorted(scores, reverse=True)
    assert [one["rank"] for one in group] == [1, 2, 3, 4, 5]
    ranks = [
        min(one["rank"] for one in predicted if one["group"] == name and one["label"] > 0)
        for name in ("g1", "g2")
    ]
    assert metrics["mrr"] == pytest.approx((1 / ranks[0] + 1 / ranks[1]) / 2)
    assert (metrics["groups"], metrics["groups_without_relevant_rows"]) == (3, 1)
    assert {"ndcg_at_10", "recall_at_2"} < metrics.keys()
    report = (tmp_path / "out" / "report.html").read_text("utf-8")
    text = " ".join(re.sub(r"<[^>]*>", " ", report).split())
    for shown in ("NDCG@10", "recall@2", "no relevant row 1", "group g0 : 5 rows"):
        assert shown in text


def test_a_classifier_is_not_scored_by_numbers(checkpoint, tmp_path):
    """Its labels are named as what they are."""
    rows = [row._replace(label=str(index)) for index, row in enumerate(ROWS)]
    write_sentences(tmp_path / "sentences", ["score"], "", {"dev": rows}, task="regression")

    settings = make_settings(tmp_path / "sentences", checkpoint, tmp_path / "out")
    with pytest.raises(InputError) as error:
        evaluate(EvaluateClassificationConfig(**settings))

    assert str(error.value) == (
        f"{checkpoint}: has 2 labels, so it is a classifier; evaluate a model that was trained "
        f"for regression on {tmp_path / 'sentences'}"
    )


def test_a_folder_that_holds_something_else_is_not_replaced(tmp_path):
    """Not even the sentences' own, whose sets have the same names."""
    write_sentences(tmp_path / "sentences", LABELS, "good", {"dev": ROWS})

    done = run(tmp_path / "sentences", tmp_path, tmp_path, predictions=tmp_path / "sentences")

    assert done.returncode == 2
    assert "sentences: holds dev.jsonl and no dev.tsv: " in done.stderr
    assert (tmp_path / "sentences" / "dev.jsonl").exists()


@pytest.mark.slow
def test_labels_that_the_model_never_learned_are_rejected(checkpoint, tmp_path):
    """One line that names both."""
    rows = [Row("good", None, "perhaps")]
    write_sentences(tmp_path / "sentences", ("bad", "perhaps"), "bad", {"dev": rows})

    done = run(tmp_path / "sentences", checkpoint, tmp_path / "out")

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        f"evaluate classification: error: {tmp_path / 'sentences'}: the label 'perhaps' is not one "
        "of the model's (bad, good)"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_an_exported_classifier_answers_alike_where_the_project_is_not(checkpoint, tmp_path):
    """The same logits, padded beside another; the labels lie beside it."""
    opened = Checkpoint.read(checkpoint)
    tokenizer = WordPieceTokenizer(opened.vocabulary, lowercase=True)
    features = make_features(ROWS[:2], tokenizer, opened.vocabulary, max_length_tokens=32)
    length = max(len(one.token_ids) for one in features) + 2
    ids = {"token_ids": [], "segment_ids": []}
    for one in features:
        count, first = len(one.token_ids), one.first_segment_length
        ids["token_ids"].append([*one.token_ids, *[0] * (length - count)])
        ids["segment_ids"].append([0] * first + [1] * (count - first) + [0] * (length - count))
    model = ClassifierModel(opened.config, num_labels=2, seed=2)
    model.build()
    restore(checkpoint, named_variables(model))
    expected = model({name: np.array(values, np.int32) for name, values in ids.items()})

    export(ExportConfig(checkpoint=checkpoint, output=tmp_path / "model"))
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, str(tmp_path / "model"), json.dumps(ids)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    np.testing.assert_allclose(json.loads(done.stdout)["logits"], expected, atol=1e-5)
    labels = (tmp_path / "model" / "assets.extra" / "labels.json").read_text("utf-8")
    assert json.loads(labels) == list(LABELS)


def test_the_label_with_the_highest_score_is_the_models():
    """Its probability is the softmax's, also of scores that exp overflows at."""
    (row,) = label_rows(ROWS[:1], [np.array([1000.0, 1000.0 + np.log(3)])], LABELS)

    assert (row.prediction, row.is_right) == ("good", False)
    assert row.probability == pytest.approx(0.75)


def test_right_and_wrong_ones_are_shown():
    """Half of each, as there are."""
    rows = label_rows(ROWS[:10], [np.array([1.0, 0.0])] * 10, LABELS)

    assert [row.index for row in choose_labeled(rows, 4)] == sorted(
        row.index for row in choose_labeled(rows, 4)
    )
    assert [row.is_right for row in choose_labeled(rows, 4)].count(True) == 2
