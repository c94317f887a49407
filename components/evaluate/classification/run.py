"""A classifier's evaluation."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from components.evaluate.classification.config import EvaluateClassificationConfig
from components.evaluate.classification.labelled import (
    choose_labelled,
    label_rows,
    name_files,
    write_predictions,
)
from components.evaluate.classification.report import DevSet, write_report
from components.evaluate.classification.scores import count_confusion, score
from components.evaluate.squad.run import list_versions, read_histories
from components.shared.classification.features import make_features
from components.shared.classification.sentences import Sentences, read_rows
from components.shared.errors import InputError
from components.shared.files import expect_place, expect_replaceable, write_text
from components.shared.stage import Metadata, settings

# A matrix of more labels is nothing that a person reads.
_MOST_LABELS_SHOWN = 50


def run(config: EvaluateClassificationConfig) -> Metadata:
    """Label the development sets' sentences, score the labels, time the model, report."""
    # Here: TensorFlow takes seconds to import.
    from components.evaluate.predict import Predictor, describe_devices
    from components.shared.bert.heads import ClassifierModel
    from components.shared.checkpoints.checkpoint import Checkpoint

    for path in (config.evaluate_metrics, config.confusion_matrix, config.report):
        expect_place(path)
    expect_place(config.predictions, is_folder=True)
    sentences = Sentences.read(config.sentences)
    expect_replaceable(config.predictions, *name_files(sentences.dev_names[0]))
    histories = read_histories(config.finetune_history)
    checkpoint = Checkpoint.read(config.checkpoint)
    labels = _expect_labels(checkpoint.labels, sentences, config)
    config.expect_room(checkpoint.config.max_position_embeddings)
    predictor = Predictor(
        checkpoint,
        partial(ClassifierModel, num_labels=len(labels), seed=0),
        precision=config.precision,
        noun="sentences",
    )
    name_to_rows = {name: read_rows(config.sentences, name) for name in sentences.dev_names}
    features = make_features(
        [row for rows in name_to_rows.values() for row in rows],
        checkpoint.make_tokenizer(),
        checkpoint.vocabulary,
        max_length_tokens=config.max_length_tokens,
    )
    predicted = predictor.predict(
        features, batch_size=config.batch_size, num_warmup_batches=config.num_warmup_batches
    )
    (logits,) = predicted.outputs

    dev_sets, start = [], 0
    for name, rows in name_to_rows.items():
        labelled = label_rows(rows, logits[start : start + len(rows)], labels)
        start += len(rows)
        matrix_CC = count_confusion(
            [labels.index(item.row.label) for item in labelled],
            [labels.index(item.prediction) for item in labelled],
            len(labels),
        )
        scores = score(matrix_CC, labels, sentences.positive_label)
        dev_sets.append(DevSet(name, labelled, matrix_CC, scores))

    write_predictions(config.predictions, {one.name: one.labelled for one in dev_sets}, labels)
    write_report(
        config.report,
        dev_sets,
        labels,
        speed={**predicted.speed, "batch_size": config.batch_size, **describe_devices()},
        histories=histories,
        examples=choose_labelled(dev_sets[0].labelled, config.num_report_sentences),
        has_matrix=len(labels) <= _MOST_LABELS_SHOWN,
        settings={
            "Model": checkpoint.config.fields(),
            "Evaluation": settings(config),
            "Versions": list_versions(),
        },
    )
    matrices = {one.name: _describe_matrix(one.matrix_CC, labels) for one in dev_sets}
    write_text(config.confusion_matrix, json.dumps(matrices, ensure_ascii=False, indent=2) + "\n")
    metrics = _name_scores(dev_sets) | predicted.speed
    write_text(config.evaluate_metrics, json.dumps(metrics, indent=2) + "\n")
    shown = {}
    if len(labels) <= _MOST_LABELS_SHOWN:
        shown = {"confusionMatrix": matrices[dev_sets[0].name]}
    return {
        "evaluate_metrics": metrics,
        "confusion_matrix": shown,
        "predictions": {one.name: len(one.labelled) for one in dev_sets},
    }


def _expect_labels(
    labels: Sequence[str] | None, sentences: Sentences, config: EvaluateClassificationConfig
) -> Sequence[str]:
    if labels is None:
        raise InputError(
            f"{config.checkpoint}: no labels.json in it, so it is no classifier; fine-tune one "
            "with `python -m components.finetune classification`"
        )
    unknown = [label for label in sentences.labels if label not in labels]
    if unknown:
        raise InputError(
            f"{config.sentences}: the label {unknown[0]!r} is none of the model's "
            f"({', '.join(labels)}); evaluate it on sentences of the task it was trained for"
        )
    return labels


def _name_scores(dev_sets: Sequence[DevSet]) -> dict[str, float]:
    """The first set's under their own names, the others' after the set's."""
    first, *others = dev_sets
    more = {f"{one.name}_{name}": value for one in others for name, value in one.scores.items()}
    return {**first.scores, **more}


def _describe_matrix(matrix_CC: np.ndarray, labels: Sequence[str]) -> Mapping[str, Any]:
    """As the Kubeflow UI draws it (what kfp.dsl.ClassificationMetrics logs)."""
    return {
        "annotationSpecs": [{"displayName": label} for label in labels],
        "rows": [{"row": row} for row in matrix_CC.tolist()],
    }
