"""The evaluation stage."""

import json
import math
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from components.evaluate.curves import draw_precision_recall
from components.evaluate.report import write_report
from components.evaluate.speed import MeasuredSpeed, measure_speed, name_speeds
from components.evaluate.squad.baseline import read_baseline, score_questions
from components.evaluate.squad.breakdown import (
    group_by_answer_length,
    group_by_question_word,
    precision_recall,
)
from components.evaluate.squad.config import EvaluateConfig
from components.evaluate.squad.gold import read_gold
from components.evaluate.squad.prediction_files import PREDICTION_FILES, Answers, write_answers
from components.evaluate.squad.report_examples import choose_answered
from components.evaluate.squad.scores import score_answers
from components.evaluate.summary import write_summary
from components.shared.errors import InputError
from components.shared.files.atomic import expect_place, expect_replaceable, write_text
from components.shared.images import VERSION
from components.shared.reports.comparison import QUESTION_SCORES, SETTINGS, Difference, compare
from components.shared.reports.figures import Panel
from components.shared.squad.data import Question
from components.shared.stage.start import Metadata, settings
from components.shared.training.history import History
from components.shared.training.validation import HELD_OUT

_PACKAGES = ("keras", "numpy", "openvino", "tokenizers")


def run(config: EvaluateConfig) -> Metadata:
    """Answer the development set's questions, score the answers, time the model, report."""
    # Here: TensorFlow takes seconds to import, and `score` needs none.
    from components.evaluate.devices import describe_devices
    from components.evaluate.squad.question_answerer import Answerer

    for path in (config.evaluate_metrics, config.report, config.summary):
        expect_place(path)
    expect_place(config.predictions, is_folder=True)
    expect_replaceable(config.predictions, *PREDICTION_FILES)
    data = read_gold(config.squad / "dev.json", version=config.squad_version)
    if data.version == "1.1" and config.null_score_diff_threshold:
        print(
            "evaluate: null_score_diff_threshold has no effect on SQuAD 1.1, where every question "
            "has an answer; set squad_version to 2.0 if the model may give none",
            file=sys.stderr,
        )
    baseline = read_baseline(Path(config.baseline), data.questions) if config.baseline else None
    histories = read_histories(
        config.pretrain_128_history, config.pretrain_512_history, config.finetune_history
    )
    answerer = Answerer(config)
    windows = answerer.cut(data.questions)
    predicted = answerer.predictor.predict(
        windows, batch_size=config.batch_size, num_warmup_batches=config.num_warmup_batches
    )
    start_logits, end_logits = predicted.outputs
    answers = write_answers(
        config.predictions,
        answerer.choose(data.questions, windows, start_logits, end_logits, version=data.version),
    )
    scores = score_answers(
        data,
        answers.predictions,
        answers.null_odds or None,
        # The predictions have been held against null_score_diff_threshold already.
        null_odds_threshold=math.inf,
    )
    question_scores = score_questions(data.questions, answers.predictions)
    differences = compare(question_scores, baseline) if baseline else []
    questions_per_second = len(data.questions) / max(predicted.seconds, 1e-9)
    speed = {"questions_per_second": questions_per_second, **predicted.speed}

    def write(measured: Sequence[MeasuredSpeed]) -> dict[str, float]:
        """Write all but the predictions, and return the metrics."""
        title = f"SQuAD {data.version}: {len(data.questions):,} questions"
        write_report(
            config.report,
            title=title,
            subtitle="How well the model answers, how fast, and how it was trained.",
            scores=scores,
            speed={**speed, "batch_size": config.batch_size, **describe_devices(config.precision)},
            measured=measured,
            histories=histories,
            answered=choose_answered(data.questions, answers, config.num_report_questions),
            settings={
                "Model": answerer.checkpoint.config.fields(),
                "Evaluation": settings(config),
                "Versions": list_versions(),
            },
            differences=differences,
            groups={
                "F1 by question word": group_by_question_word(data.questions, question_scores),
                "F1 by length of the answer": group_by_answer_length(
                    data.questions, question_scores
                ),
            },
            precision_recall=_draw_precision_recall(data.questions, answers),
        )
        write_summary(
            config.summary,
            title=title,
            scores=scores,
            speed=speed,
            differences=differences,
            measured=measured,
        )
        metrics = {
            **scores,
            **speed,
            **name_speeds(measured),
            **_name_differences(differences),
            **_name_held_out(config),
        }
        content = {**metrics, SETTINGS: settings(config), QUESTION_SCORES: question_scores}
        write_text(config.evaluate_metrics, json.dumps(content, indent=2) + "\n")
        return metrics

    metrics = write([])
    if config.speed_grid():
        # Only now: it asks more of the machine than the evaluation, which it must not lose.
        metrics = write(measure_speed(config, answerer, data.questions))
    return {"evaluate_metrics": metrics, "predictions": {"questions": len(data.questions)}}


def list_versions() -> dict[str, str]:
    """List the versions that the evaluation ran with."""
    import tensorflow as tf  # its package has another name in the images for GPUs

    versions = {name: version(name) for name in _PACKAGES}
    return {"kubeflow-bert": VERSION, "tensorflow": tf.__version__, **versions}


def read_histories(*paths: Path | None) -> list[History]:
    """The histories of training stages; None is of a stage without one.

    Raises:
        InputError: if a file is missing, or no history.
    """
    return [_read_history(path) for path in paths if path is not None]


def _name_held_out(config: EvaluateConfig) -> dict[str, float]:
    """The last losses on text that pretraining never saw, by the length of the phase."""
    paths = {"128": config.pretrain_128_history, "512": config.pretrain_512_history}
    name = f"{HELD_OUT}masked_lm_loss"
    summaries = {
        length: _read_history(path).summary() for length, path in paths.items() if path is not None
    }
    return {
        f"{name}_{length}": summary[name]
        for length, summary in summaries.items()
        if name in summary
    }


def _read_history(path: Path) -> History:
    try:
        history = History.read(path)
        if all("step" in entry for entry in history.entries):
            return history
    except OSError as error:
        raise InputError(
            f"{path}: {str(error.strerror).lower()}; give the history that a training stage wrote"
        ) from None
    except (TypeError, ValueError):
        pass
    raise InputError(f"{path}: no history; give the one that a training stage wrote, JSON lines")


def _name_differences(differences: Sequence[Difference]) -> dict[str, float]:
    """As scalars: f1_difference with the ends of its interval, and the baseline's f1."""
    return {
        name: value
        for item in differences
        for name, value in (
            (f"baseline_{item.name}", item.baseline),
            (f"{item.name}_difference", item.difference),
            (f"{item.name}_difference_low", item.low),
            (f"{item.name}_difference_high", item.high),
        )
    }


def _draw_precision_recall(questions: Sequence[Question], answers: Answers) -> Panel | None:
    if not answers.null_odds:
        return None
    scores = score_questions(questions, answers.best_texts)
    label_to_points = {}
    for column, name in enumerate(("exact match", "F1")):
        points, average = precision_recall(questions, scores, answers.null_odds, column)
        label_to_points[f"{name}, average precision {average:.1f}%"] = points
    return draw_precision_recall(label_to_points)
