"""Scores are the official scripts', to the last digit."""

import collections
import itertools
import random
import re
import string
from fractions import Fraction

import pytest

from components.evaluate.squad.scores import normalize_answer, score_answers
from components.shared.errors import InputError
from components.shared.squad.data import Answer, Question, SquadData, read_squad


def _question(id_: str, *golds: str) -> Question:
    answers = tuple(Answer(gold, 0) for gold in golds)
    return Question(id_, "", "?", " ".join(golds), answers, is_impossible=not golds)


def _version_1(*questions: Question) -> SquadData:
    return SquadData("1.1", questions)


def _version_2(*questions: Question) -> SquadData:
    return SquadData("2.0", questions)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Cat's\tHat!", "cats hat"),
        ("an apple a day", "apple day"),
        ("Athens", "athens"),
        ("a.b.", "ab"),
        ("“naïve”", "“naïve”"),
        ("The", ""),
    ],
)
def test_normalizes_as_the_official_scripts_do(text, normal):
    """Lower case, no ASCII punctuation, no articles, single spaces."""
    assert normalize_answer(text) == normal


def test_version_1_takes_the_best_gold_answer():
    """Of "cat hat" the gold "cat" is half and the gold "cat hat mat" two thirds."""
    data = _version_1(_question("q", "cat", "cat hat mat"))

    scores = score_answers(data, {"q": "The cat hat"})

    # Precision 2/2 and recall 2/3 of the second: 2 · 1 · 2/3 / (1 + 2/3) = 0.8
    assert scores == {"exact_match": 0.0, "f1": pytest.approx(80.0)}


def test_version_1_counts_a_missing_prediction_as_wrong():
    """One right, one missing: half."""
    data = _version_1(_question("q1", "cat"), _question("q2", "hat"))

    assert score_answers(data, {"q1": "cat"}) == {"exact_match": 50.0, "f1": 50.0}


def test_version_1_counts_repeated_words_as_often_as_both_have_them():
    """ "cat cat hat" against "cat hat hat" has two words in common."""
    scores = score_answers(_version_1(_question("q", "cat hat hat")), {"q": "cat cat hat"})

    assert scores["f1"] == pytest.approx(200 / 3)


def test_version_2_scores_silence():
    """No answer is right for the impossible question, wrong for the other."""
    data = _version_2(_question("q1", "cat"), _question("q2"))

    scores = score_answers(data, {"q1": "", "q2": ""})

    assert scores == {
        "exact": 50.0,
        "f1": 50.0,
        "total": 2,
        "HasAns_exact": 0.0,
        "HasAns_f1": 0.0,
        "HasAns_total": 1,
        "NoAns_exact": 100.0,
        "NoAns_f1": 100.0,
        "NoAns_total": 1,
    }


def test_version_2_leaves_a_missing_prediction_out():
    """The total is that of the predictions."""
    data = _version_2(_question("q1", "cat"), _question("q2"), _question("q3"))

    scores = score_answers(data, {"q1": "cat"})

    assert (scores["exact"], scores["total"]) == (100.0, 1)
    assert "NoAns_exact" not in scores


def test_version_2_finds_the_best_threshold():
    """Answering the two surest questions is right, a third is not."""
    data = _version_2(_question("q1", "cat"), _question("q2", "hat"), _question("q3"))
    predictions = {"q1": "cat", "q2": "hat", "q3": "mat"}

    scores = score_answers(data, predictions, {"q1": -3.0, "q2": 0.5, "q3": 0.75})

    assert (scores["exact"], scores["best_exact"]) == (pytest.approx(200 / 3), 100.0)
    assert (scores["best_exact_thresh"], scores["best_f1_thresh"]) == (0.5, 0.5)


def test_version_2_takes_the_lowest_of_equally_good_thresholds():
    """Answering the second question is wrong, the third right: no better than the first."""
    data = _version_2(_question("q1", "cat"), _question("q2"), _question("q3", "hat"))
    predictions = {"q1": "cat", "q2": "mat", "q3": "hat"}

    scores = score_answers(data, predictions, {"q1": -3.0, "q2": 0.5, "q3": 0.75})

    assert (scores["best_exact"], scores["best_exact_thresh"]) == (pytest.approx(200 / 3), -3.0)


@pytest.mark.parametrize(("threshold", "exact"), [(1.0, 50.0), (1.5, 100.0)])
def test_version_2_takes_answers_with_higher_null_odds_for_none(threshold, exact):
    """Above the threshold alone: the first's odds are 1, the second's 1.5."""
    data = _version_2(_question("q1", "cat"), _question("q2", "hat"))
    predictions, null_odds = {"q1": "cat", "q2": "hat"}, {"q1": 1.0, "q2": 1.5}

    scores = score_answers(data, predictions, null_odds, null_odds_threshold=threshold)

    assert scores["exact"] == exact


def test_version_2_ignores_gold_answers_without_a_word():
    """The gold "The" is nothing once normalized, so silence does not match it."""
    data = _version_2(_question("q", "The", "cat"))

    assert score_answers(data, {"q": ""})["exact"] == 0


def test_null_odds_of_another_run_are_rejected():
    """They lack a question that the predictions have."""
    data = _version_2(_question("q1", "cat"))

    with pytest.raises(InputError, match="null_odds lacks 1 of the questions .* 'q1'"):
        score_answers(data, {"q1": "cat"}, {"q2": 1.0})


def test_predictions_of_other_questions_are_rejected():
    """There would be nothing to average."""
    with pytest.raises(InputError, match="none of the data's questions"):
        score_answers(_version_2(_question("q1", "cat")), {"q9": "cat"})


def _make_up_prediction(question: Question, generator: random.Random) -> str:
    """Right, a part of the answer, any part of the context, or none."""
    words = question.context.split()
    start = generator.randrange(len(words))
    choices = ["", " ".join(words[start : start + generator.randint(1, 6)])]
    for answer in question.answers:
        choices += [answer.text, answer.text.upper() + "!", " ".join(answer.text.split()[:-1])]
    return generator.choice(choices)


def _score_as_transformers(data: SquadData, predictions, null_odds) -> dict[str, float]:
    """By its copy of the official script of SQuAD 2.0."""
    metrics = pytest.importorskip("transformers.data.metrics.squad_metrics")
    squad = pytest.importorskip("transformers.data.processors.squad")
    examples = [
        squad.SquadExample(
            qas_id=question.id,
            question_text=question.question,
            context_text=question.context,
            answer_text=None,
            start_position_character=None,
            title="",
            answers=[{"text": answer.text} for answer in question.answers],
            is_impossible=question.is_impossible,
        )
        for question in data.questions
    ]
    return metrics.squad_evaluate(examples, predictions, null_odds)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_version_2_equals_the_official_script_on_the_development_set(real_data, seed):
    """Every field, exactly, with predictions of all sorts and some missing."""
    data = read_squad(real_data / "squad-v2.0-dev.json")
    generator = random.Random(seed)
    predictions = {q.id: _make_up_prediction(q, generator) for q in data.questions}
    null_odds = {q.id: generator.gauss(0, 3) for q in data.questions}

    scores = score_answers(data, predictions, null_odds)

    assert scores == _score_as_transformers(data, predictions, null_odds)
    assert 0 < scores["exact"] < scores["f1"] < scores["best_f1"] < 100


# What normalization has to do with: case, articles, punctuation of ASCII and of none, words
# joined by it, marks that are no letters, capitals of two small letters, other scripts.
_WORDS = (
    "the", "The", "AN", "a", "A.", "a\u0301", "an–the", "the_", "cat", "Cat's", "cat,", "(hat)",
    "hat", "hat-mat", "mat", "1,000", "1000", "$5", "5", "“cat”", "naïve", "İstanbul", "ﬁsh",
    "fish", "ß", "猫", "בית", "🏠", "...", "—", "a/b", "x", "X",
)  # fmt: skip
_SPACES = (" ", " ", " ", "  ", "\t", "\n", "\u00a0", "\u2009", "")
_NUM_ODD = 2000


def _make_up_odd_text(generator: random.Random) -> str:
    """None to six words with spaces of all sorts, or none, between."""
    words = generator.choices(_WORDS, k=generator.randrange(7))
    return "".join(word + generator.choice(_SPACES) for word in words)


def _make_up_odd_data(generator: random.Random, *, with_impossible: bool) -> tuple:
    """Questions with one to four gold answers, and predictions, often near them.

    Of SQuAD 1.1's some are missing; the official script of 2.0 ends with an error then.
    """
    questions, predictions = [], {}
    for number in range(_NUM_ODD):
        golds = [_make_up_odd_text(generator) for _ in range(generator.randint(1, 4))]
        if with_impossible and generator.random() < 0.4:
            golds = []
        questions.append(_question(f"q{number}", *golds))
        near = generator.choice(golds).upper() if golds else ""
        chosen = generator.choice([near, near + "cat", _make_up_odd_text(generator)])
        if with_impossible or generator.random() < 0.9:
            predictions[f"q{number}"] = chosen
    return tuple(questions), predictions


@pytest.mark.parametrize("seed", range(5))
def test_version_2_equals_the_official_script_on_odd_answers(seed):
    """Every field, to the last digit; equal null odds among them."""
    generator = random.Random(seed)
    questions, predictions = _make_up_odd_data(generator, with_impossible=True)
    null_odds = {question.id: generator.randrange(-9, 9) / 3 for question in questions}
    data = SquadData("2.0", questions)

    scores = score_answers(data, predictions, null_odds)

    assert scores == _score_as_transformers(data, predictions, null_odds)
    assert 0 < scores["exact"] < scores["f1"] < 100


@pytest.mark.parametrize("seed", range(5))
def test_version_1_equals_its_rules_on_odd_answers(seed):
    """To the last digit, so in the order of the official script's operations too."""
    questions, predictions = _make_up_odd_data(random.Random(seed), with_impossible=False)

    scores = score_answers(SquadData("1.1", questions), predictions)

    assert scores == _score_by_the_rules_of_version_1(questions, predictions)
    assert 0 < scores["exact_match"] < scores["f1"] < 100


def _score_by_the_rules_of_version_1(questions, predictions) -> dict[str, float]:
    """The rules of SQuAD 1.1's evaluate-v1.1.py, stated anew.

    Lower case first, then ASCII's punctuation goes, then each a, an or the that letters and
    digits don't continue becomes a space, and what spaces of any sort divide are the words.
    A question without a prediction has 0 of both and counts; each gold answer is compared,
    the best one counts. Sums go through the file's order; percent comes before the division.
    """

    def words(text: str) -> list[str]:
        bare = [one for one in text.lower() if one not in string.punctuation]
        runs = ["".join(run) for _, run in itertools.groupby(bare, str.isalnum)]
        return "".join(" " if run in ("a", "an", "the") else run for run in runs).split()

    def compare(predicted: list[str], gold: list[str]) -> tuple[bool, float]:
        rest = list(gold)
        for word in predicted:
            if word in rest:
                rest.remove(word)
        num_common = len(gold) - len(rest)
        if num_common == 0:
            return predicted == gold, 0.0
        precision, recall = num_common / len(predicted), num_common / len(gold)
        return predicted == gold, 2 * precision * recall / (precision + recall)

    num_exact, sum_f1 = 0, 0.0
    for question in questions:
        if question.id in predictions:
            predicted = words(predictions[question.id])
            pairs = [compare(predicted, words(answer.text)) for answer in question.answers]
            num_exact += max(exact for exact, _ in pairs)
            sum_f1 += max(f1 for _, f1 in pairs)
    total = len(questions)
    return {"exact_match": 100 * num_exact / total, "f1": 100 * sum_f1 / total}


@pytest.mark.parametrize("seed", [1, 2])
def test_version_1_equals_exact_arithmetic_on_the_development_set(real_data, seed):
    """An independent scorer in fractions agrees up to the rounding of the sum."""
    data = read_squad(real_data / "squad-v1.1-dev.json")
    generator = random.Random(seed)
    predictions = {
        q.id: _make_up_prediction(q, generator) for q in data.questions if generator.random() < 0.9
    }

    scores = score_answers(data, predictions)

    exact, f1 = _score_in_fractions(data, predictions)
    assert scores["exact_match"] == float(100 * exact)
    assert scores["f1"] == pytest.approx(float(100 * f1), rel=1e-12)
    assert 0 < scores["exact_match"] < scores["f1"] < 100


def _score_in_fractions(data, predictions) -> tuple[Fraction, Fraction]:
    def words(text: str) -> list[str]:
        kept = [character for character in text.lower() if character not in string.punctuation]
        return re.sub(r"\b(the|an|a)\b", " ", "".join(kept)).split()

    def f1(predicted: list[str], gold: list[str]) -> Fraction:
        rest = list(gold)
        for word in predicted:
            if word in rest:
                rest.remove(word)
        common = len(gold) - len(rest)
        return Fraction(2 * common, len(predicted) + len(gold)) if common else Fraction(0)

    totals: collections.Counter[str] = collections.Counter()
    for question in data.questions:
        predicted = words(predictions[question.id]) if question.id in predictions else None
        golds = [words(answer.text) for answer in question.answers]
        if predicted is not None:
            totals["exact"] += int(predicted in golds)
            totals["f1"] += max(f1(predicted, gold) for gold in golds)
    return Fraction(totals["exact"], len(data.questions)), totals["f1"] / len(data.questions)
