"""Answers are chosen as google-research/bert's run_squad chooses them."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from components.shared.errors import InputError
from components.shared.squad.best_answers import choose_answers
from components.shared.squad.data import Question, read_squad
from components.shared.squad.windows import make_windows
from components.shared.tokens.tokenizer import WordPieceTokenizer
from components.shared.tokens.vocabulary import Vocabulary

_PIECES = "[PAD] [UNK] [CLS] [SEP] [MASK] who steve ##n smith ' s met anna in a b c d 😀 שלום ,"


@pytest.fixture
def vocabulary(tmp_path) -> Vocabulary:
    path = tmp_path / "vocab.txt"
    path.write_text(_PIECES.replace(" ", "\n") + "\n", encoding="utf-8")
    return Vocabulary.read(path)


def _choose(vocabulary, context, starts, ends, *, version="1.1", settings=None, **window_settings):
    """The answer to "who" when the tokens at given places score what is given, all others 0."""
    tokenizer = WordPieceTokenizer(vocabulary, lowercase=True)
    question = Question("q", "", "who", context, (), is_impossible=True)
    windows = make_windows([question], tokenizer, vocabulary, training=False, **window_settings)
    logits = [
        [np.array([scores.get(place, 0.0) for place in range(32)], np.float32) for scores in both]
        for both in zip(_per_window(starts, windows), _per_window(ends, windows), strict=True)
    ]
    start_logits, end_logits = zip(*logits, strict=True) if logits else ((), ())
    (answer,) = choose_answers(
        [question],
        windows,
        start_logits,
        end_logits,
        tokenizer=tokenizer,
        vocabulary=vocabulary,
        version=version,
        **(settings or {}),
    )
    return answer


def _per_window(scores, windows):
    return scores if isinstance(scores, list) else [scores for _ in windows]


# The window of the context "Steven Smith's Anna" is
# 0 [CLS]  1 who  2 [SEP]  3 steve  4 ##n  5 smith  6 '  7 s  8 anna  9 [SEP]
_CONTEXT = "Steven Smith's Anna"


def test_the_answer_stands_as_in_the_context(vocabulary):
    """In the context's case, and without the "'s" of its last word."""
    answer = _choose(vocabulary, _CONTEXT, {3: 5}, {5: 5})

    assert answer.text == "Steven Smith"
    assert answer.null_odds is None


def test_the_best_answers_have_probabilities_that_sum_to_one(vocabulary):
    """Of the scores 9 and 8, e to 1 is the ratio."""
    answer = _choose(vocabulary, _CONTEXT, {3: 5, 5: 4}, {5: 4}, settings={"n_best_size": 2})

    first, second = answer.nbest
    assert (first["text"], second["text"]) == ("Steven Smith", "Smith")
    assert (first["start_logit"], first["end_logit"]) == (5.0, 4.0)
    assert first["probability"] + second["probability"] == pytest.approx(1)
    assert first["probability"] / second["probability"] == pytest.approx(math.e)


def test_each_of_the_best_answers_has_its_place_in_the_context(vocabulary):
    """In characters, over any white space; the text has one space for it."""
    context = "\n Steven \t Smith's Anna"
    answer = _choose(vocabulary, context, {3: 5, 8: 4}, {5: 5, 8: 4})

    assert answer.text == "Steven Smith"
    assert answer.places[0] == (2, 16)
    for candidate, (start, end) in zip(answer.nbest, answer.places, strict=True):
        assert candidate["text"] == " ".join(context[start:end].split())


def test_no_answer_has_no_place(vocabulary):
    """Nor has the word that stands for a missing one."""
    nothing = _choose(vocabulary, _CONTEXT, {0: 6, 8: 5}, {0: 6, 8: 5}, version="2.0")
    empty = _choose(vocabulary, " ", {}, {})

    assert nothing.places[:2] == [None, (15, 19)]
    assert empty.places == [None]


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ({1: 9, 8: 5}, {8: 5}),  # begins in the question
        ({8: 5}, {9: 9, 8: 5}),  # ends at [SEP]
        ({8: 5}, {20: 9, 8: 5}),  # ends in the padding
        ({8: 5}, {3: 9, 8: 5}),  # ends before it begins
    ],
)
def test_a_span_that_is_not_of_the_context_is_no_answer(vocabulary, starts, ends):
    """The best valid one is."""
    assert _choose(vocabulary, _CONTEXT, starts, ends).text == "Anna"


def test_an_answer_is_not_longer_than_allowed(vocabulary):
    """Three pieces are too long for two: the best shorter span wins."""
    settings = {"max_answer_length_tokens": 2}

    answer = _choose(vocabulary, _CONTEXT, {3: 5}, {5: 5, 4: 1}, settings=settings)

    assert answer.text == "Steven"


def test_an_answer_begins_where_the_window_shows_most_of_its_surroundings(vocabulary):
    """Token d is the first window's last, so its high score as a start there is not used."""
    sizes = {"max_length_tokens": 8, "stride_tokens": 2, "max_query_tokens": 1}

    # Windows: who | a b c d, and who | c d. "d" has more context in the second.
    answer = _choose(vocabulary, "a b c d a b", [{6: 9}, {3: 0.5}], [{6: 9}, {3: 0.5}], **sizes)

    assert answer.text == "a b c d"


def test_version_2_answers_nothing_if_that_scores_more(vocabulary):
    """[CLS] scores 12, the best answer 10: the odds are 2."""
    answer = _choose(vocabulary, _CONTEXT, {0: 6, 8: 5}, {0: 6, 8: 5}, version="2.0")

    assert answer.text == ""
    assert answer.null_odds == 2.0
    assert [candidate["text"] for candidate in answer.nbest[:2]] == ["", "Anna"]


def test_version_2_answers_up_to_the_threshold(vocabulary):
    """Odds of 2 are not above a threshold of 2."""
    settings = {"null_score_diff_threshold": 2.0}

    answer = _choose(
        vocabulary, _CONTEXT, {0: 6, 8: 5}, {0: 6, 8: 5}, version="2.0", settings=settings
    )

    assert answer.text == "Anna"


def test_version_2_takes_the_lowest_null_score_of_all_windows(vocabulary):
    """One window sure of an answer is enough."""
    sizes = {"max_length_tokens": 8, "stride_tokens": 2, "max_query_tokens": 1}

    answer = _choose(
        vocabulary, "a b c d a b", [{0: 9}, {0: 1}], [{0: 9}, {0: 1}], version="2.0", **sizes
    )

    assert answer.null_odds == 2.0


def test_scores_are_added_in_double_precision(vocabulary):
    """In single precision 2^24 + 1 is 2^24."""
    answer = _choose(vocabulary, _CONTEXT, {0: 2.0**24}, {0: 1}, version="2.0")

    assert answer.null_odds == 2.0**24 + 1


def test_no_valid_span_gives_an_answer_all_the_same(vocabulary):
    """run_squad crashes here; Hugging Face's word for it is "empty"."""
    starts = dict.fromkeys(range(3), 9)
    settings = {"n_best_size": 3}

    version_1 = _choose(vocabulary, _CONTEXT, starts, starts, settings=settings)
    version_2 = _choose(vocabulary, _CONTEXT, starts, starts, version="2.0", settings=settings)

    assert version_1.text == "empty"
    assert version_2.text == ""
    assert version_2.null_odds == 18.0


@pytest.mark.parametrize("version", ["1.1", "2.0"])
def test_a_context_without_tokens_gives_an_answer_all_the_same(vocabulary, version):
    """It has no window at all."""
    answer = _choose(vocabulary, " ", {}, {}, version=version)

    assert answer.text == ("empty" if version == "1.1" else "")


def test_emoji_and_right_to_left_answers_stand_as_in_the_context(vocabulary):
    """0 [CLS]  1 who  2 [SEP]  3 a  4 😀  5 ,  6 שלום"""
    emoji = _choose(vocabulary, "a 😀, שלום", {4: 5}, {4: 5})
    hebrew = _choose(vocabulary, "a 😀, שלום", {6: 5}, {6: 5})

    assert (emoji.text, hebrew.text) == ("😀", "שלום")
    assert (emoji.places[0], hebrew.places[0]) == ((2, 3), (5, 9))


def test_scores_that_are_not_numbers_are_rejected(vocabulary):
    """A model whose training diverged gives NaN."""
    with pytest.raises(InputError, match="training diverged"):
        _choose(vocabulary, _CONTEXT, {3: math.nan}, {})


@pytest.mark.parametrize("version", ["1.1", "2.0"])
@pytest.mark.parametrize("scale", [0.5, 4.0])
def test_answers_to_real_questions_equal_hugging_faces(real_data, tmp_path, version, scale):
    """The same files for the same made-up scores, but for the last digits of probabilities."""
    metrics = pytest.importorskip("transformers.data.metrics.squad_metrics")
    vocabulary = Vocabulary.read(real_data / "uncased-vocab.txt")
    tokenizer = WordPieceTokenizer(vocabulary, lowercase=True)
    questions = read_squad(real_data / f"squad-v{version}-dev.json").questions[::4]
    windows = make_windows(
        questions, tokenizer, vocabulary, max_length_tokens=160, stride_tokens=48, training=False
    )
    generator = np.random.default_rng(7)
    start_logits, end_logits = (
        # Rounded: equal scores show whether ties are broken alike.
        [np.round(generator.normal(0, scale, len(w.token_ids)), 1) for w in windows]
        for _ in range(2)
    )

    answers = list(
        choose_answers(
            questions,
            windows,
            start_logits,
            end_logits,
            tokenizer=tokenizer,
            vocabulary=vocabulary,
            version=version,
        )
    )

    theirs = {name: tmp_path / f"{name}.json" for name in ("predictions", "nbest", "null_odds")}
    metrics.compute_predictions_logits(
        [SimpleNamespace(qas_id=q.id, doc_tokens=_split(q.context)) for q in questions],
        [_feature(window, vocabulary) for window in windows],
        [
            SimpleNamespace(
                unique_id=w.unique_id, start_logits=start.tolist(), end_logits=end.tolist()
            )
            for w, start, end in zip(windows, start_logits, end_logits, strict=True)
        ],
        20,
        30,
        True,
        *theirs.values(),
        False,
        version == "2.0",
        0.0,
        SimpleNamespace(convert_tokens_to_string=_join),
    )
    predictions = {answer.id: answer.text for answer in answers}
    assert predictions == json.loads(theirs["predictions"].read_text())
    nbest = json.loads(theirs["nbest"].read_text())
    for answer in answers:
        for ours, other in zip(answer.nbest, nbest[answer.id], strict=True):
            assert ours == {**other, "probability": pytest.approx(other["probability"])}
    if version == "2.0":
        odds = {answer.id: answer.null_odds for answer in answers}
        assert odds == json.loads(theirs["null_odds"].read_text())


def _split(context: str) -> list[str]:
    for space in "\t\r\n\u202f":
        context = context.replace(space, " ")
    return [word for word in context.split(" ") if word]


def _join(pieces: list[str]) -> str:
    return " ".join(pieces).replace(" ##", "").replace("##", "")


def _feature(window, vocabulary) -> SimpleNamespace:
    places = range(window.first_segment_length, len(window.token_ids) - 1)
    return SimpleNamespace(
        example_index=window.question_index,
        unique_id=window.unique_id,
        tokens=[vocabulary.pieces[id_] for id_ in window.token_ids],
        token_to_orig_map=dict(zip(places, window.token_to_word.tolist(), strict=True)),
        token_is_max_context=dict(zip(places, window.is_max_context.tolist(), strict=True)),
    )


@pytest.mark.long
def test_gold_spans_give_back_the_gold_answers(real_data):
    """Scores that point at a training window's label score all but a few answers as exact."""
    from components.evaluate.squad.scores import score_answers
    from components.shared.squad.data import SquadData

    vocabulary = Vocabulary.read(real_data / "uncased-vocab.txt")
    tokenizer = WordPieceTokenizer(vocabulary, lowercase=True)
    questions = read_squad(real_data / "squad-v1.1-train.json").questions
    windows = make_windows(questions, tokenizer, vocabulary, training=True)
    logits = np.zeros((2, len(windows), 384), np.float32)
    rows = np.arange(len(windows))
    # A window that does not hold the answer scores at [CLS], which is no span.
    logits[0, rows, [w.start_position for w in windows]] = 5
    logits[1, rows, [w.end_position for w in windows]] = 5

    answers = choose_answers(
        questions,
        windows,
        logits[0],
        logits[1],
        tokenizer=tokenizer,
        vocabulary=vocabulary,
        version="1.1",
        max_answer_length_tokens=100,
    )

    predictions = {answer.id: answer.text for answer in answers}
    scores = score_answers(SquadData("1.1", questions), predictions)
    assert scores["exact_match"] > 99
