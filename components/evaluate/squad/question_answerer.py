"""A fine-tuned model with all that it takes to answer questions."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from components.evaluate.devices import load_replicas
from components.evaluate.predict import Predictor
from components.evaluate.replicas import Replicas
from components.evaluate.squad.config import AnswerConfig
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.squad.best_answers import QuestionAnswer, choose_answers
from components.shared.squad.data import Question
from components.shared.squad.windows import Window, make_windows


class Answerer:
    """Cuts contexts into windows, and makes answers of what the model says of them."""

    def __init__(self, config: AnswerConfig, predictor: Predictor | None = None) -> None:
        """Load the model.

        Args:
            config: which model, and how it answers.
            predictor: the model, if it is loaded already.

        Raises:
            InputError: if the checkpoint is not whole or too small for the windows.
        """
        self._config = config
        self.checkpoint = Checkpoint.read(config.checkpoint)
        config.expect_room(self.checkpoint.config.max_position_embeddings)
        self._tokenizer = self.checkpoint.make_tokenizer()
        self.predictor = predictor or load_predictor(self.checkpoint, precision=config.precision)

    def replicas_of(self, precision: str) -> Replicas:
        """The model in a precision: its own, or loaded anew."""
        if precision == self._config.precision:
            return self.predictor.replicas
        return load_predictor(self.checkpoint, precision=precision).replicas

    def cut(
        self, questions: Sequence[Question], *, max_length_tokens: int | None = None
    ) -> list[Window]:
        """The windows of the questions' contexts, of the config's length or another."""
        return make_windows(
            questions,
            self._tokenizer,
            self.checkpoint.vocabulary,
            max_length_tokens=max_length_tokens or self._config.max_length_tokens,
            stride_tokens=self._config.stride_tokens,
            max_query_tokens=self._config.max_query_tokens,
            training=False,
        )

    def choose(
        self,
        questions: Sequence[Question],
        windows: Sequence[Window],
        start_logits: Sequence[np.ndarray],
        end_logits: Sequence[np.ndarray],
        *,
        version: Literal["1.1", "2.0"],
    ) -> Iterator[QuestionAnswer]:
        """The answers by the scores of the windows that `cut` gave."""
        return choose_answers(
            questions,
            windows,
            start_logits,
            end_logits,
            tokenizer=self._tokenizer,
            vocabulary=self.checkpoint.vocabulary,
            version=version,
            n_best_size=self._config.n_best_size,
            max_answer_length_tokens=self._config.max_answer_length_tokens,
            null_score_diff_threshold=self._config.null_score_diff_threshold,
        )


def load_predictor(checkpoint: Checkpoint, *, precision: str) -> Predictor:
    """Load the model that scores windows.

    Raises:
        InputError: if the checkpoint is of another architecture or task.
    """
    replicas = load_replicas(checkpoint, num_labels=None, precision=precision)
    return Predictor(replicas, per_token=True, noun="windows")
