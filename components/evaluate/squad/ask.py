"""Answers questions about a text: python -m components.evaluate ask --help."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.evaluate.squad.config import AskConfig
from components.shared.errors import InputError
from components.shared.squad.data import Question, Version

if TYPE_CHECKING:
    from components.evaluate.squad.question_answerer import Answerer
    from components.shared.squad.best_answers import Candidate

_PROMPT = "Question (Ctrl-D ends): "
_ID = "asked"


def ask(config: AskConfig) -> None:
    """Print the best answers to the question, or to each one that is typed.

    Raises:
        InputError: if the text, the question or the checkpoint can't be used.
    """
    context = _read_context(config)
    if config.question and not config.question.strip():
        raise InputError("question: only space; ask something, or leave it out to be asked")
    from components.evaluate.squad.question_answerer import (
        Answerer,  # after it: TensorFlow takes seconds
    )
    from components.shared.bert.fusion import without_fusion

    with without_fusion():  # compiling would take longer than a few answers
        answerer = Answerer(config)
    for question in _read_questions(config):
        for line in _describe(_find_answers(answerer, config, context, question)):
            print(line, flush=True)


def _find_answers(
    answerer: "Answerer", config: AskConfig, context: str, text: str
) -> list["Candidate"]:
    """The best answers, best first; "" is no answer."""
    questions = [Question(_ID, "", text, context, (), is_impossible=False)]
    windows = answerer.cut(questions)
    if not windows:
        raise InputError(f"{config.context}: no words in it, so nothing to answer from")
    start_logits, end_logits = answerer.predictor.score(windows, batch_size=config.batch_size)
    version: Version = "2.0" if config.no_answer else "1.1"
    (answer,) = answerer.choose(questions, windows, start_logits, end_logits, version=version)
    # The threshold may put no answer before what scores higher: it is the first then.
    ordered = sorted(answer.nbest, key=lambda candidate: candidate["text"] != answer.text)
    return ordered[: config.num_answers]


def _describe(candidates: list["Candidate"]) -> Iterator[str]:
    for candidate in candidates:
        score = candidate["start_logit"] + candidate["end_logit"]
        yield (
            f"{candidate['probability']:7.1%}  score {score:8.2f}  "
            f"{candidate['text'] or '(no answer)'}"
        )


def _read_context(config: AskConfig) -> str:
    try:
        # Windows's editors put a mark before the text.
        context = config.context.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(
            f"{config.context}: {str(error.strerror).lower()}; give a text file with --context"
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{config.context}: not UTF-8 at byte {error.start}; convert it, with iconv say"
        ) from None
    if not context.strip():
        raise InputError(f"{config.context}: no text in it, so nothing to answer from")
    return context


def _read_questions(config: AskConfig) -> Iterator[str]:
    if config.question:
        yield config.question
        return
    while True:
        if sys.stdin.isatty():
            print(_PROMPT, end="", file=sys.stderr, flush=True)
        # Bytes that are not UTF-8 must not end the session.
        line = sys.stdin.buffer.readline().decode("utf-8", "replace")
        if not line:
            return
        if line.strip():
            yield line.strip()
