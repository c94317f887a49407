"""The evaluation stage."""

import json
import math
from importlib.metadata import version

from components.evaluate.answered import choose_answered
from components.evaluate.answers import write_answers
from components.evaluate.config import EvaluateConfig
from components.evaluate.report import write_report
from components.evaluate.scores import score_answers
from components.shared.bert.history import History
from components.shared.files import write_text
from components.shared.images import VERSION
from components.shared.squad.data import read_squad
from components.shared.stage import Metadata, settings

_PACKAGES = ("tensorflow-cpu", "keras", "numpy", "tokenizers")


def run(config: EvaluateConfig) -> Metadata:
    """Answer the development set's questions, score the answers, time the model, report."""
    # Here: TensorFlow takes seconds to import, and `score` needs none.
    from components.evaluate.answerer import Answerer

    data = read_squad(config.squad / "dev.json")
    answerer = Answerer(config)
    windows = answerer.cut(data.questions)
    predicted = answerer.predictor.predict(
        windows, batch_size=config.batch_size, num_warmup_batches=config.num_warmup_batches
    )
    answers = answerer.choose(
        data.questions,
        windows,
        predicted.start_logits,
        predicted.end_logits,
        version=data.version,
    )
    scores = score_answers(
        data,
        answers.predictions,
        answers.null_odds or None,
        # The predictions have been held against null_score_diff_threshold already.
        null_odds_threshold=math.inf,
    )
    questions_per_second = len(data.questions) / max(predicted.seconds, 1e-9)
    speed = {"questions_per_second": questions_per_second, **predicted.speed}

    write_answers(config.predictions, answers)
    write_report(
        config.report,
        title=f"SQuAD {data.version}: {len(data.questions):,} questions",
        subtitle="How well the model answers, how fast, and how it was trained.",
        scores=scores,
        speed={**speed, "batch_size": config.batch_size, **answerer.predictor.conditions()},
        histories=_read_histories(config),
        answered=choose_answered(data.questions, answers, config.num_report_questions),
        settings={
            "Model": answerer.checkpoint.config.fields(),
            "Evaluation": settings(config),
            "Versions": {"kubeflow-bert": VERSION} | {name: version(name) for name in _PACKAGES},
        },
    )
    metrics = {**scores, **speed}
    write_text(config.metrics, json.dumps(metrics, indent=2) + "\n")
    return {"metrics": metrics, "predictions": {"questions": len(data.questions)}}


def _read_histories(config: EvaluateConfig) -> list[History]:
    paths = (config.pretrain_128_history, config.pretrain_512_history, config.finetune_history)
    return [History.read(path) for path in paths if path is not None]
