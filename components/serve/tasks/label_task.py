"""Labels sentences and pairs of them, or gives their number, as the evaluation does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.serve.config import ServeConfig
from components.serve.tasks.instances import expect_known, expect_object, expect_text
from components.serve.tasks.task_protocol import Job, Prediction, Scores
from components.shared.bert.config import expect_positions
from components.shared.checkpoints.description import Description
from components.shared.classification.features import Features, make_features
from components.shared.classification.sentences import Row


class LabelTask:
    """Labels sentences; a model with a single label gives a number, as for STS-B.

    An instance is `{"sentence": …}` or `{"sentence": …, "second_sentence": …}`.
    """

    name = "labels"
    fields: tuple[str, ...] = ("sentence", "second_sentence")

    def __init__(self, described: Description, labels: Sequence[str], config: ServeConfig) -> None:
        """Make the tokenizer.

        Raises:
            InputError: if the model's positions are too few for the sentences.
        """
        most = described.config.max_position_embeddings
        expect_positions("max_sentence_tokens", config.max_sentence_tokens, most)
        self.labels = labels
        self._tokenizer, self._vocabulary = described.make_tokenizer(), described.vocabulary
        self._max_length_tokens = config.max_sentence_tokens

    def start(self, instances: Sequence[Any], parameters: Mapping[str, Any]) -> Job:
        """Make word pieces of the sentences.

        Raises:
            RequestError: if an instance is invalid, or there are parameters.
        """
        expect_known(parameters, (), "parameters")
        return LabelJob(self.labels, self.make_features(instances))

    def make_features(self, instances: Sequence[Any]) -> list[Features]:
        """Make word pieces of the sentences.

        Raises:
            RequestError: if an instance is invalid.
        """
        return make_features(
            [self._read(value, number) for number, value in enumerate(instances)],
            self._tokenizer,
            self._vocabulary,
            max_length_tokens=self._max_length_tokens,
        )

    def _read(self, value: Any, number: int) -> Row:
        place = f"instances[{number}]"
        fields = expect_object(value, place)
        expect_known(fields, self.fields, place)
        first, second = LabelTask.fields
        is_pair = fields.get(second) is not None
        return Row(
            expect_text(fields, first, place),
            expect_text(fields, second, place) if is_pair else None,
            "",
        )


@dataclass(frozen=True)
class LabelJob:
    """Sentences as word pieces."""

    labels: Sequence[str]
    sequences: Sequence[Features]

    def finish(self, scores: Scores) -> list[Prediction]:
        """The labels, with the probability of each; or the numbers."""
        (logits,) = scores
        return [self._describe(logits_C) for logits_C in logits]

    def _describe(self, logits_C: np.ndarray) -> Prediction:
        if len(self.labels) == 1:
            return {"score": float(logits_C[0])}
        odds_C = np.exp(np.asarray(logits_C, np.float64) - np.max(logits_C))
        probabilities = (odds_C / odds_C.sum()).tolist()
        return {
            "label": self.labels[int(np.argmax(logits_C))],
            "probability": max(probabilities),
            "probabilities": dict(zip(self.labels, probabilities, strict=True)),
        }
