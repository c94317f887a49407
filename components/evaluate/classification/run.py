"""The evaluation of a model that was fine-tuned on labeled sentences."""

import json
from collections.abc import Sequence

from components.evaluate.classification.config import EvaluateClassificationConfig
from components.evaluate.classification.label_scores import evaluate_labels
from components.evaluate.classification.number_scores import evaluate_numbers
from components.evaluate.classification.outcome import DevSet, name_files, write_predictions
from components.evaluate.classification.ranked import evaluate_ranking
from components.evaluate.classification.report import write_report, write_summary
from components.evaluate.squad.run import list_versions, read_histories
from components.shared.classification.features import make_features
from components.shared.classification.matrices import show_matrix
from components.shared.classification.sentences import Sentences, read_rows
from components.shared.errors import InputError
from components.shared.files.atomic import expect_place, expect_replaceable, write_text
from components.shared.stage.start import Metadata, settings


def run(config: EvaluateClassificationConfig) -> Metadata:
    """Predict for the development sets, score that, time the model, report."""
    # Here: TensorFlow takes seconds to import.
    from components.evaluate.devices import describe_devices, load_replicas
    from components.evaluate.predict import Predictor
    from components.shared.checkpoints.checkpoint import Checkpoint

    for path in (config.evaluate_metrics, config.confusion_matrix, config.report, config.summary):
        expect_place(path)
    expect_place(config.predictions, is_folder=True)
    sentences = Sentences.read(config.sentences)
    expect_replaceable(config.predictions, *name_files(sentences.dev_names[0]))
    histories = read_histories(config.finetune_history)
    checkpoint = Checkpoint.read(config.checkpoint)
    labels = _expect_labels(checkpoint.labels, sentences, config)
    config.expect_room(checkpoint.config.max_position_embeddings)
    replicas = load_replicas(checkpoint, num_labels=len(labels), precision=config.precision)
    predictor = Predictor(replicas, per_token=False, noun="sentences")
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

    name_to_logits, start = {}, 0
    for name, rows in name_to_rows.items():
        name_to_logits[name] = logits[start : start + len(rows)]
        start += len(rows)
    if sentences.task == "regression":
        outcome = evaluate_numbers(
            name_to_rows, name_to_logits, num_examples=config.num_report_sentences
        )
    elif sentences.task == "ranking":
        outcome = evaluate_ranking(
            name_to_rows,
            name_to_logits,
            recall_k=config.recall_k,
            num_examples=config.num_report_sentences,
        )
    else:
        outcome = evaluate_labels(
            name_to_rows,
            name_to_logits,
            labels,
            positive_label=sentences.positive_label,
            num_examples=config.num_report_sentences,
        )

    write_predictions(config.predictions, outcome.dev_sets)
    write_report(
        config.report,
        outcome,
        speed={
            **predicted.speed,
            "batch_size": config.batch_size,
            **describe_devices(config.precision),
        },
        histories=histories,
        settings={
            "Model": checkpoint.config.fields(),
            "Evaluation": settings(config),
            "Versions": list_versions(),
        },
    )
    write_summary(config.summary, outcome, speed=predicted.speed)
    text = json.dumps(outcome.matrices, ensure_ascii=False, indent=2) + "\n"
    write_text(config.confusion_matrix, text)
    metrics = _name_scores(outcome.dev_sets) | predicted.speed
    text = json.dumps({"metric": sentences.metric, **metrics}, indent=2) + "\n"
    write_text(config.evaluate_metrics, text)
    return {
        "evaluate_metrics": metrics,
        "confusion_matrix": show_matrix(outcome.matrices),
        "predictions": {one.name: len(one.predictions) for one in outcome.dev_sets},
    }


def _expect_labels(
    labels: Sequence[str] | None, sentences: Sentences, config: EvaluateClassificationConfig
) -> Sequence[str]:
    if labels is None:
        raise InputError(
            f"{config.checkpoint}: no labels.json in it, so it is not a classifier; fine-tune one "
            "with `python -m components.finetune classification`"
        )
    if sentences.task != "classification":
        if len(labels) > 1:
            raise InputError(
                f"{config.checkpoint}: has {len(labels)} labels, so it is a classifier; evaluate "
                f"a model that was trained for {sentences.task} on {config.sentences}"
            )
        return labels
    unknown = [label for label in sentences.labels if label not in labels]
    if unknown:
        raise InputError(
            f"{config.sentences}: the label {unknown[0]!r} is not one of the model's "
            f"({', '.join(labels)}); evaluate it on sentences of the task it was trained for"
        )
    return labels


def _name_scores(dev_sets: Sequence[DevSet]) -> dict[str, float]:
    """The first set's under their own names, the others' after the set's."""
    first, *others = dev_sets
    more = {f"{one.name}_{name}": value for one in others for name, value in one.scores.items()}
    return {**first.scores, **more}
