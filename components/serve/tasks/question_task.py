"""Answers questions about texts, as `python -m components.evaluate ask` does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.serve.config import ServeConfig
from components.serve.request_errors import RequestError
from components.serve.tasks.instances import expect_count, expect_known, expect_object, expect_text
from components.serve.tasks.task_protocol import Prediction, Scores
from components.shared.checkpoints.description import Description
from components.shared.files.documents import describe
from components.shared.squad.best_answers import QuestionAnswer, choose_answers
from components.shared.squad.data import Question, Version
from components.shared.squad.windows import Window, make_windows
from components.shared.tokens.tokenizer import WordPieceTokenizer


class QuestionTask:
    """Finds the answers to questions in the texts that come with them.

    An instance is `{"context": …, "question": …}`; parameters are `top_k` and `no_answer`.
    """

    name = "questions"
    fields: tuple[str, ...] = ("context", "question")
    _PARAMETERS = ("top_k", "no_answer")

    def __init__(self, described: Description, config: ServeConfig) -> None:
        """Make the tokenizer.

        Raises:
            InputError: if the model's positions are too few for the windows.
        """
        config.expect_room(described.config.max_position_embeddings)
        self.config, self.vocabulary = config, described.vocabulary
        self.tokenizer: WordPieceTokenizer = described.make_tokenizer()

    def start(self, instances: Sequence[Any], parameters: Mapping[str, Any]) -> "QuestionJob":
        """Cut the texts into windows.

        Raises:
            RequestError: if an instance or a parameter is invalid.
        """
        expect_known(parameters, self._PARAMETERS, "parameters")
        top_k = parameters.get("top_k", self.config.num_answers)
        expect_count(top_k, "parameters.top_k", most=self.config.n_best_size)
        may_be_none = parameters.get("no_answer", self.config.no_answer)
        if type(may_be_none) is not bool:
            raise RequestError(
                f"parameters.no_answer: expected true or false, got {describe(may_be_none)}"
            )
        questions = [self._read(value, number) for number, value in enumerate(instances)]
        windows = make_windows(
            questions,
            self.tokenizer,
            self.vocabulary,
            max_length_tokens=self.config.max_length_tokens,
            stride_tokens=self.config.stride_tokens,
            max_query_tokens=self.config.max_query_tokens,
            training=False,
        )
        with_windows = {window.question_index for window in windows}
        for number in range(len(questions)):
            if number not in with_windows:
                raise RequestError(f"instances[{number}].context: no words in it")
        return QuestionJob(self, questions, windows, top_k, "2.0" if may_be_none else "1.1")

    def _read(self, value: Any, number: int) -> Question:
        place = f"instances[{number}]"
        fields = expect_object(value, place)
        expect_known(fields, self.fields, place)
        context, question = (expect_text(fields, name, place) for name in self.fields)
        return Question(str(number), "", question, context, (), is_impossible=False)


@dataclass(frozen=True)
class QuestionJob:
    """Questions, and the windows of their texts."""

    task: QuestionTask
    questions: Sequence[Question]
    sequences: Sequence[Window]
    top_k: int
    version: Version
    """2.0 lets a question have no answer."""

    def finish(self, scores: Scores) -> list[Prediction]:
        """The answers, best first, with their places in the texts."""
        config = self.task.config
        start_logits, end_logits = scores
        answers = choose_answers(
            self.questions,
            self.sequences,
            start_logits,
            end_logits,
            tokenizer=self.task.tokenizer,
            vocabulary=self.task.vocabulary,
            version=self.version,
            n_best_size=config.n_best_size,
            max_answer_length_tokens=config.max_answer_length_tokens,
            null_score_diff_threshold=config.null_score_diff_threshold,
        )
        return [self._describe(answer) for answer in answers]

    def _describe(self, answer: QuestionAnswer) -> Prediction:
        candidates = [
            {
                "answer": candidate["text"],
                "start": place and place[0],
                "end": place and place[1],
                "probability": candidate["probability"],
                "score": candidate["start_logit"] + candidate["end_logit"],
            }
            for candidate, place in zip(answer.nbest, answer.places, strict=True)
        ]
        # The threshold may put no answer before what scores higher: it is the first then.
        candidates.sort(key=lambda candidate: candidate["answer"] != answer.text)
        described: Prediction = {**candidates[0], "answers": candidates[: self.top_k]}
        if self.version == "2.0":
            nothing = next(one for one in candidates if not one["answer"])
            described["no_answer_probability"] = nothing["probability"]
        return described
