"""SQuAD's official scores, equal to the official scripts' to the last digit.

The order of every sum is the official one, since another rounds differently.
"""

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence

from components.shared.errors import InputError
from components.shared.squad.data import Question, SquadData

Scores = dict[str, float]

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(a|an|the)\b")


def score_answers(
    data: SquadData,
    predictions: Mapping[str, str],
    null_odds: Mapping[str, float] | None = None,
    *,
    null_odds_threshold: float = 1.0,
) -> Scores:
    """The official scores of answers by question id, in percent.

    Args:
        data: the questions with their gold answers.
        predictions: "" for no answer.
        null_odds: SQuAD 2.0: how likely each question has no answer, on any scale that
            grows with it.
        null_odds_threshold: SQuAD 2.0: an answer with null odds above it counts as none; the
            official script's default, which is meant for probabilities.

    Returns:
        For SQuAD 1.1 exact_match and f1; for 2.0 exact, f1, total, HasAns_* and NoAns_* of
        each, and with null odds best_exact, best_exact_thresh, best_f1 and best_f1_thresh.

    Raises:
        InputError: if 2.0's predictions and null_odds are not of the same questions, or none
            is of the data's.
    """
    if data.version == "1.1":
        return _score_version_1(data.questions, predictions)
    return _score_version_2(data.questions, predictions, null_odds, null_odds_threshold)


def score_answer(question: Question, prediction: str) -> tuple[float, float]:
    """Exact match and F1 of one answer, 0 to 1: the best over the gold answers."""
    golds = [answer.text for answer in question.answers if normalize_answer(answer.text)] or [""]
    exact = max(_exact(prediction, gold) for gold in golds)
    return exact, max(_f1_version_2(prediction, gold) for gold in golds)


def normalize_answer(text: str) -> str:
    """Lower case without ASCII punctuation, articles and superfluous space."""
    return " ".join(_ARTICLE.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def _exact(prediction: str, gold: str) -> int:
    return int(normalize_answer(prediction) == normalize_answer(gold))


def _f1(prediction: str, gold: str) -> float:
    """Version 1.1's: the harmonic mean of precision and recall of the words."""
    predicted, expected = normalize_answer(prediction).split(), normalize_answer(gold).split()
    num_same = sum((Counter(predicted) & Counter(expected)).values())
    if num_same == 0:
        return 0
    precision, recall = num_same / len(predicted), num_same / len(expected)
    return (2 * precision * recall) / (precision + recall)


def _f1_version_2(prediction: str, gold: str) -> float:
    """Version 2.0's: no words on one side are right only if there are none on the other."""
    if not (normalize_answer(prediction) and normalize_answer(gold)):
        return _exact(prediction, gold)
    return _f1(prediction, gold)


def _score_version_1(questions: Sequence[Question], predictions: Mapping[str, str]) -> Scores:
    """A question without a prediction counts as wrong."""
    exact = f1 = 0.0
    for question in questions:
        if question.id in predictions:
            golds = [answer.text for answer in question.answers]
            exact += max(_exact(predictions[question.id], gold) for gold in golds)
            f1 += max(_f1(predictions[question.id], gold) for gold in golds)
    total = len(questions)
    return {"exact_match": 100.0 * exact / total, "f1": 100.0 * f1 / total}


def _score_version_2(
    questions: Sequence[Question],
    predictions: Mapping[str, str],
    null_odds: Mapping[str, float] | None,
    threshold: float,
) -> Scores:
    """A question without a prediction is left out of the total."""
    answered = [question for question in questions if question.id in predictions]
    if not answered:
        raise InputError(
            "predictions answers none of the data's questions; give those made for this file"
        )
    odds = dict.fromkeys(predictions, 0.0) if null_odds is None else null_odds
    _expect_odds(odds, answered)
    pairs = {question.id: score_answer(question, predictions[question.id]) for question in answered}
    exact = {id_: pair[0] for id_, pair in pairs.items()}
    f1 = {id_: pair[1] for id_, pair in pairs.items()}
    has_answer = {question.id: bool(question.answers) for question in questions}
    silent = {id_: float(not has_answer[id_]) for id_ in exact if odds[id_] > threshold}
    scores = _average({**exact, **silent}, {**f1, **silent}, answered)
    for prefix, expected in (("HasAns", True), ("NoAns", False)):
        group = [question for question in answered if has_answer[question.id] is expected]
        if group:
            averages = _average({**exact, **silent}, {**f1, **silent}, group)
            scores |= {f"{prefix}_{name}": value for name, value in averages.items()}
    if null_odds is not None:
        for name, values in (("exact", exact), ("f1", f1)):
            best = _best_threshold(values, predictions, null_odds, has_answer)
            scores[f"best_{name}"], scores[f"best_{name}_thresh"] = best
    return scores


def _expect_odds(null_odds: Mapping[str, float], answered: Sequence[Question]) -> None:
    missing = [question.id for question in answered if question.id not in null_odds]
    if missing:
        raise InputError(
            f"null_odds lacks {len(missing)} of the questions that predictions has, such as "
            f"{missing[0]!r}; give the two files of one run"
        )


def _average(
    exact: Mapping[str, float], f1: Mapping[str, float], questions: Sequence[Question]
) -> Scores:
    total = len(questions)
    return {
        "exact": 100.0 * sum(exact[question.id] for question in questions) / total,
        "f1": 100.0 * sum(f1[question.id] for question in questions) / total,
        "total": total,
    }


def _best_threshold(
    scores: Mapping[str, float],
    predictions: Mapping[str, str],
    null_odds: Mapping[str, float],
    has_answer: Mapping[str, bool],
) -> tuple[float, float]:
    """The best score that a threshold on the null odds gives, and the threshold.

    Beginning with no question answered, they are answered by growing odds: one more with an
    answer adds its score, one without costs the point that silence had.
    """
    best_score = score = float(sum(not has for has in has_answer.values()))
    best_threshold = 0.0
    for id_ in sorted(null_odds, key=lambda id_: null_odds[id_]):
        if id_ not in scores:
            continue
        score += scores[id_] if has_answer[id_] else -bool(predictions[id_])
        if score > best_score:
            best_score, best_threshold = score, null_odds[id_]
    return 100.0 * best_score / len(scores), best_threshold
