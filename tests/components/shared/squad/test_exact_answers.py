"""Answers are exact to the character in every script, if the model points at the right tokens."""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.evaluate.squad.scores import score_answers
from components.shared.squad.answers import place_answers
from components.shared.squad.best_answers import choose_answers
from components.shared.squad.contexts import is_in_latin_script
from components.shared.squad.data import Answer, Question, SquadData, read_squad
from components.shared.squad.windows import make_windows
from components.shared.tokens.tokenizer import WordPieceTokenizer
from components.shared.tokens.vocabulary import SPECIAL_PIECES, Vocabulary

_PASSAGES: list[dict[str, Any]] = [
    json.loads(line)
    for line in Path(__file__).with_name("passages.jsonl").read_text("utf-8").splitlines()
]
_LANGUAGES = [passage["language"] for passage in _PASSAGES]
_XQUAD_LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")
_ASCII = [chr(code) for code in range(0x21, 0x7F) if not chr(code).isupper()]


def _make_vocabulary(folder: Path, characters: Iterable[str]) -> Vocabulary:
    """Every character as the first of a word and as a later one."""
    pieces = dict.fromkeys(piece for c in characters for piece in (c, f"##{c}"))
    path = folder / "vocab.txt"
    path.write_text("\n".join([*SPECIAL_PIECES, *pieces]) + "\n", encoding="utf-8")
    return Vocabulary.read(path)


def _questions(passage: dict[str, Any]) -> list[Question]:
    context = passage["context"]
    return [
        Question(
            str(number), "", "?", context, (Answer(text, context.index(text)),), is_impossible=False
        )
        for number, text in enumerate(passage["answers"])
    ]


def _answer_perfectly(
    questions: Sequence[Question], vocabulary: Vocabulary, *, lowercase: bool
) -> dict[str, str]:
    """The answers of a model whose scores point at the labels that it is trained on."""
    tokenizer = WordPieceTokenizer(vocabulary, lowercase=lowercase)
    windows = make_windows(questions, tokenizer, vocabulary, max_length_tokens=512, training=True)
    logits = np.zeros((2, len(windows), 512), np.float32)
    rows = np.arange(len(windows))
    # A window that does not hold the answer scores at [CLS], which is no span.
    logits[0, rows, [window.start_position for window in windows]] = 5
    logits[1, rows, [window.end_position for window in windows]] = 5
    answers = choose_answers(
        questions,
        windows,
        logits[0],
        logits[1],
        tokenizer=tokenizer,
        vocabulary=vocabulary,
        version="1.1",
        max_answer_length_tokens=512,
    )
    return {answer.id: answer.text for answer in answers}


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("passage", _PASSAGES, ids=_LANGUAGES)
def test_answers_are_the_gold_answers(tmp_path, passage, lowercase):
    """The vocabulary has every character, lower-casing strips the marks of some."""
    context = passage["context"]
    characters = context + unicodedata.normalize("NFD", context.lower())
    vocabulary = _make_vocabulary(tmp_path, characters)

    answers = _answer_perfectly(_questions(passage), vocabulary, lowercase=lowercase)

    expected = passage["answers"]
    if is_in_latin_script(context):
        # run_squad joins words by a space, whatever parts them in the context.
        expected = [" ".join(text.split()) for text in expected]
    assert list(answers.values()) == expected


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize(
    "passage",
    [p for p in _PASSAGES if not is_in_latin_script(p["context"])],
    ids=lambda passage: passage["language"],
)
def test_answers_of_unknown_word_pieces_are_the_gold_answers(tmp_path, passage, lowercase):
    """The vocabulary has ASCII alone, so every word of the script is [UNK]."""
    vocabulary = _make_vocabulary(tmp_path, _ASCII)

    answers = _answer_perfectly(_questions(passage), vocabulary, lowercase=lowercase)

    assert list(answers.values()) == passage["answers"]


@pytest.mark.slow
@pytest.mark.parametrize("language", _XQUAD_LANGUAGES)
def test_at_least_199_in_200_answers_of_xquad_are_exact(real_data, language):
    """With an English vocabulary, to which three in five tokens of Chinese are [UNK]."""
    path = real_data / f"xquad.{language}.json"
    if not path.exists():
        pytest.skip(f"{path} is missing")
    placed = place_answers(read_squad(path).questions, max_bad_rate=0, source=str(path))

    vocabulary = Vocabulary.read(real_data / "uncased-vocab.txt")
    predictions = _answer_perfectly(placed.questions, vocabulary, lowercase=True)

    assert score_answers(SquadData("1.1", placed.questions), predictions)["exact_match"] >= 99.5
