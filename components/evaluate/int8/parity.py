"""Compares the answers of a graph with those of TensorFlow, before it is given to servers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import onnx

from components.evaluate.predict import Predictor
from components.evaluate.replicas import Replicas
from components.evaluate.squad.question_answerer import Answerer
from components.evaluate.squad.scores import score_answers
from components.shared.checkpoints.onnx_file import Int8Figures
from components.shared.openvino_engine import Engine, Precision
from components.shared.squad.data import SquadData
from components.shared.squad.windows import Window


@dataclass(frozen=True)
class Answered:
    """How a model answered the development set."""

    engine: str
    """What computed it, in which precision."""
    f1: float
    """In percent."""
    windows_per_second: float
    answers: dict[str, str]
    """By question id."""


@dataclass(frozen=True)
class Parity:
    """A graph beside TensorFlow in float32."""

    reference: Answered
    graph: Answered

    @property
    def f1_loss(self) -> float:
        """In percent points; negative where the graph is better."""
        return self.reference.f1 - self.graph.f1

    @property
    def num_changed(self) -> int:
        """Questions with another answer."""
        return sum(self.graph.answers[key] != text for key, text in self.reference.answers.items())

    @property
    def figures(self) -> Int8Figures:
        """What an int8 graph keeps of the comparison."""
        return Int8Figures(
            int8_f1=self.graph.f1,
            float32_f1=self.reference.f1,
            num_questions=len(self.reference.answers),
            num_changed_answers=self.num_changed,
        )

    def describe(self) -> list[str]:
        """A line for each of the two, and one for the difference."""
        lines = [
            f"{item.engine}: F1 {item.f1:.2f}, {item.windows_per_second:.1f} windows per second"
            for item in (self.reference, self.graph)
        ]
        changed = f"{self.num_changed:,} of {len(self.reference.answers):,} answers differ"
        return [*lines, f"{changed}; F1 loss {self.f1_loss:.2f} points"]


def compare_answers(
    answerer: Answerer,
    data: SquadData,
    graph: onnx.ModelProto,
    precision: Precision,
    *,
    batch_size: int,
) -> Parity:
    """Answer questions with both.

    Args:
        answerer: with the model in TensorFlow, in float32.
        data: the questions with their gold answers.
        graph: the same model, for OpenVINO.
        precision: in which OpenVINO computes it.
        batch_size: windows at once.
    """
    windows = answerer.cut(data.questions)
    replicas = Replicas([Engine(graph, precision=precision, num_streams=1).run])
    candidate = Predictor(replicas, per_token=True, noun="windows")
    return Parity(
        _answer("TensorFlow in float32", answerer.predictor, answerer, data, windows, batch_size),
        _answer(f"OpenVINO in {precision}", candidate, answerer, data, windows, batch_size),
    )


def _answer(
    engine: str,
    predictor: Predictor,
    answerer: Answerer,
    data: SquadData,
    windows: Sequence[Window],
    batch_size: int,
) -> Answered:
    predicted = predictor.predict(windows, batch_size=batch_size, num_warmup_batches=1)
    answers = list(
        answerer.choose(data.questions, windows, *predicted.outputs, version=data.version)
    )
    texts = {answer.id: answer.text for answer in answers}
    null_odds = {answer.id: answer.null_odds for answer in answers if answer.null_odds is not None}
    scores = score_answers(data, texts, null_odds or None, null_odds_threshold=math.inf)
    return Answered(engine, scores["f1"], predicted.speed["windows_per_second"], texts)
