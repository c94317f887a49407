"""Windows are what google-research/bert's run_squad makes of a question and its context."""

import time

import pytest

from components.shared.squad.contexts import split_context
from components.shared.squad.data import Answer, Question, read_squad
from components.shared.squad.windows import Window, count_left_out, make_windows
from components.shared.tokens.tokenizer import WordPieceTokenizer
from components.shared.tokens.vocabulary import Vocabulary

_PIECES = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] a b c d e f g h ##x ##y ( ) - 1895 1943 who ? 😀 שלום עולם"
)


@pytest.fixture
def vocabulary(tmp_path) -> Vocabulary:
    path = tmp_path / "vocab.txt"
    path.write_text(_PIECES.replace(" ", "\n") + "\n", encoding="utf-8")
    return Vocabulary.read(path)


def _question(
    context: str, answer: str = "", start: int | None = None, question: str = "who?"
) -> Question:
    at = context.find(answer) if start is None else start
    answers = (Answer(answer, at),) if answer else ()
    return Question("q", "", question, context, answers, is_impossible=not answer)


def _make(vocabulary: Vocabulary, *questions: Question, training=True, **settings) -> list[Window]:
    tokenizer = WordPieceTokenizer(vocabulary, lowercase=True)
    return make_windows(questions, tokenizer, vocabulary, training=training, **settings)


def _text(vocabulary: Vocabulary, window: Window) -> str:
    return " ".join(vocabulary.pieces[id_] for id_ in window.token_ids)


def _answer(vocabulary: Vocabulary, window: Window) -> str:
    ids = window.token_ids[window.start_position : window.end_position + 1]
    return " ".join(vocabulary.pieces[id_] for id_ in ids)


def test_a_short_context_is_one_window(vocabulary):
    """[CLS] question [SEP] context [SEP], with the answer's tokens marked."""
    windows = _make(vocabulary, _question("a bx cy", "bx cy"))

    assert [_text(vocabulary, w) for w in windows] == ["[CLS] who ? [SEP] a b ##x c ##y [SEP]"]
    assert windows[0].first_segment_length == 4
    assert _answer(vocabulary, windows[0]) == "b ##x c ##y"
    assert windows[0].token_to_word.tolist() == [0, 1, 1, 2, 2]
    assert windows[0].is_max_context.tolist() == [True] * 5
    assert windows[0].unique_id == 1_000_000_000


def test_a_long_context_is_cut_into_windows_that_overlap(vocabulary):
    """Each starts a stride after the one before, and the last ends with the context."""
    settings = {"max_length_tokens": 9, "stride_tokens": 2, "max_query_tokens": 2}

    windows = _make(vocabulary, _question("a b c d e f g h"), **settings)

    assert [_text(vocabulary, w) for w in windows] == [
        "[CLS] who ? [SEP] a b c d [SEP]",
        "[CLS] who ? [SEP] c d e f [SEP]",
        "[CLS] who ? [SEP] e f g h [SEP]",
    ]
    # c: 1 token on its right in the first, 0 on its left in the second; of d it is the
    # other way round.
    assert [w.is_max_context.tolist() for w in windows] == [
        [True, True, True, False],
        [False, True, True, False],
        [False, True, True, True],
    ]


def test_of_equal_windows_the_first_has_most_context(vocabulary):
    """Token c is the last of the first window and the first of the second."""
    settings = {"max_length_tokens": 8, "stride_tokens": 2, "max_query_tokens": 2}

    windows = _make(vocabulary, _question("a b c d e"), **settings)

    assert [_text(vocabulary, w) for w in windows] == [
        "[CLS] who ? [SEP] a b c [SEP]",
        "[CLS] who ? [SEP] c d e [SEP]",
    ]
    assert [w.is_max_context.tolist() for w in windows] == [
        [True, True, True],
        [False, True, True],
    ]


def test_a_much_longer_window_has_a_little_more_context(vocabulary):
    """At token 164 of 220 it has 35 + 0.01 · 200, the shorter one 36 + 0.01 · 92."""
    settings = {"max_length_tokens": 205, "stride_tokens": 128, "max_query_tokens": 2}

    first, second = _make(vocabulary, _question("a " * 220), **settings)

    assert (len(first.token_to_word), len(second.token_to_word)) == (200, 92)
    assert first.is_max_context[[164, 165]].tolist() == [True, False]
    assert second.is_max_context[[164 - 128, 165 - 128]].tolist() == [False, True]


def test_a_stride_longer_than_the_room_leaves_no_token_out(vocabulary):
    """The next window then starts where the one before ended."""
    settings = {"max_length_tokens": 7, "stride_tokens": 5, "max_query_tokens": 2}

    windows = _make(vocabulary, _question("a b c"), **settings)

    assert [_text(vocabulary, w) for w in windows] == [
        "[CLS] who ? [SEP] a b [SEP]",
        "[CLS] who ? [SEP] c [SEP]",
    ]


def test_a_window_without_the_whole_answer_points_at_cls(vocabulary):
    """The answer "d e" is whole in the second window alone."""
    settings = {"max_length_tokens": 9, "stride_tokens": 2, "max_query_tokens": 2}

    windows = _make(vocabulary, _question("a b c d e f g h", "d e"), **settings)

    assert [(w.start_position, w.end_position) for w in windows] == [(0, 0), (5, 6), (0, 0)]
    assert [w.is_impossible for w in windows] == [False] * 3


def test_an_impossible_question_points_at_cls(vocabulary):
    """SQuAD 2.0's questions without an answer are kept, as run_squad keeps them."""
    (window,) = _make(vocabulary, _question("a b"))

    assert (window.start_position, window.end_position, window.is_impossible) == (0, 0, True)


def test_a_question_is_cut_at_its_most_tokens(vocabulary):
    """The rest of it is dropped."""
    (window,) = _make(vocabulary, _question("a", question="b c d e"), max_query_tokens=2)

    assert _text(vocabulary, window) == "[CLS] b c [SEP] a [SEP]"


@pytest.mark.parametrize("context", ["a (1895-1943) b", "a 1895-1943 b", "a 1943-1895 b"])
def test_an_answer_inside_a_word_becomes_its_own_tokens(vocabulary, context):
    """Of "(1895-1943)" the answer 1943 is one token, not the whole word."""
    (window,) = _make(vocabulary, _question(context, "1943"))

    assert _answer(vocabulary, window) == "1943"


def test_an_answer_that_no_tokens_are_of_becomes_the_whole_word(vocabulary):
    """ "x" is only a part of the piece sequence b ##x, where it is ##x."""
    (window,) = _make(vocabulary, _question("a bx c", "x"))

    assert _answer(vocabulary, window) == "b ##x"


def test_an_answer_at_the_very_end_is_found(vocabulary):
    """Nothing follows its last word."""
    (window,) = _make(vocabulary, _question("a b c", "c"))

    assert _answer(vocabulary, window) == "c"
    assert window.end_position == len(window.token_ids) - 2


def test_white_space_of_unicode_parts_words(vocabulary):
    """Control characters do not: BERT's tokenizer drops them."""
    words = split_context(" a\tb\r\nc\u202fd\u00a0e\u2003f\u3000g\u2028h\x0bi\x85j ")

    assert words == ["a", "b", "c", "d", "e", "f", "g", "h\x0bi\x85j"]


def test_an_answer_with_a_no_break_space_is_found(vocabulary):
    """run_squad leaves it out of training: the space is a part of its word there."""
    (window,) = _make(vocabulary, _question("a b\u00a0c d", "b\u00a0c"))

    assert _answer(vocabulary, window) == "b c"


def test_evaluation_windows_hold_no_positions(vocabulary):
    """The gold answer plays no part in them."""
    (window,) = _make(vocabulary, _question("a b", "b"), training=False)

    assert (window.start_position, window.end_position) == (0, 0)


@pytest.mark.parametrize("context", ["", " \n ", "\u200b \x07"])
def test_a_context_without_tokens_has_no_window(vocabulary, context):
    """Empty, of white space, or of control characters."""
    questions = [_question(context)]

    windows = _make(vocabulary, *questions, training=False)

    assert windows == []
    assert count_left_out(questions, windows) == 1


def test_a_question_of_spaces_has_no_tokens(vocabulary):
    """Its windows are the context alone."""
    (window,) = _make(vocabulary, _question("a b", "b", question="  "))

    assert _text(vocabulary, window) == "[CLS] [SEP] a b [SEP]"
    assert _answer(vocabulary, window) == "b"


@pytest.mark.parametrize(
    ("context", "answer"), [("a 😀 b", "😀"), ("שלום עולם a", "עולם"), ("a 👩‍🚀 b", "b")]
)
def test_emoji_and_right_to_left_text_keep_their_places(vocabulary, context, answer):
    """Characters outside the basic plane, joined ones, and Hebrew."""
    (window,) = _make(vocabulary, _question(context, answer))

    assert _answer(vocabulary, window) == answer


def test_a_context_of_50000_words_is_cut_in_time(vocabulary):
    """All of its 391 windows, and the answer in its last word."""
    question = _question("a bx " * 25_000 + "h", "h")
    begin = time.process_time()

    windows = _make(vocabulary, question)

    assert time.process_time() - begin < 5
    assert len(windows) == 1 + -(-(75_001 - 379) // 128)
    assert [_answer(vocabulary, w) for w in windows if w.start_position] == ["h"]
    # Every token has most context in exactly one window.
    assert sum(int(w.is_max_context.sum()) for w in windows) == 75_001


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "training"),
    [
        ("v1.1-dev", False),
        pytest.param("v1.1-train", True, marks=pytest.mark.long),
        pytest.param("v2.0-train", True, marks=pytest.mark.long),
    ],
)
def test_windows_of_real_questions_equal_hugging_faces(real_data, name, training):
    """Its port of run_squad's features agrees in every field, for windows of 192 tokens."""
    squad = pytest.importorskip("transformers.data.processors.squad")
    legacy = pytest.importorskip("transformers.models.bert.tokenization_bert_legacy")
    vocabulary = Vocabulary.read(real_data / "uncased-vocab.txt")
    questions = read_squad(real_data / f"squad-{name}.json").questions[::5]
    tokenizer = legacy.BertTokenizerLegacy(str(real_data / "uncased-vocab.txt"))
    squad.squad_convert_example_to_features_init(tokenizer)
    settings = {"max_length_tokens": 192, "stride_tokens": 64}

    windows = _make(vocabulary, *questions, training=training, **settings)

    features = [
        (index, feature)
        for index, question in enumerate(questions)
        for feature in squad.squad_convert_example_to_features(
            _squad_example(squad, question, training), 192, 64, 64, "do_not_pad", training
        )
    ]
    assert len(windows) == len(features) > len(questions)
    for window, (index, feature) in zip(windows, features, strict=True):
        assert window.question_index == index
        assert window.token_ids == feature.input_ids
        assert (window.start_position, window.end_position) == (
            feature.start_position,
            feature.end_position,
        )
        places = range(window.first_segment_length, len(window.token_ids) - 1)
        assert dict(zip(places, window.token_to_word, strict=True)) == feature.token_to_orig_map
        max_context = dict(zip(places, window.is_max_context, strict=True))
        assert max_context == feature.token_is_max_context


def _squad_example(squad, question: Question, training: bool):
    labeled = training and not question.is_impossible
    return squad.SquadExample(
        qas_id=question.id,
        question_text=question.question,
        context_text=question.context,
        answer_text=question.answers[0].text if labeled else None,
        start_position_character=question.answers[0].start if labeled else None,
        title="",
        is_impossible=question.is_impossible,
    )


def test_an_answer_of_a_replaced_surrogate_alone_is_left_out(vocabulary):
    """The tokenizer drops U+FFFD, so no token of the context is the answer."""
    questions = [_question("a \ufffd b", "\ufffd"), _question("a b", "b")]

    windows = _make(vocabulary, *questions)

    assert [_answer(vocabulary, window) for window in windows] == ["b"]
