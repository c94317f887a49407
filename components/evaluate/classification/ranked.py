"""The outcome of a ranking: the order of each group's rows, its scores, and what shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.evaluate.classification.outcome import DevSet, Outcome, Prediction
from components.shared.classification.ranks import (
    NDCG_DEPTH,
    find_first_relevant,
    rank_rows,
    score_groups,
)
from components.shared.classification.sentences import Row
from components.shared.reports.score_names import TASK_TO_SCORES

_NUM_ROWS_SHOWN = 5


@dataclass(frozen=True)
class _RankedRow:
    """A row with the model's score and its rank, from 1, in its group."""

    index: int
    row: Row
    score: float
    rank: int


_Groups = Mapping[str, Sequence[_RankedRow]]
"""Each group's rows, the best first."""


def evaluate_ranking(
    name_to_rows: Mapping[str, Sequence[Row]],
    name_to_logits: Mapping[str, Sequence[np.ndarray]],
    *,
    recall_k: int,
    num_examples: int,
) -> Outcome:
    """Score the order of the rows of each group.

    Args:
        name_to_rows: the rows of each development set.
        name_to_logits: for each row float32 [1].
        recall_k: how many first rows of a group recall counts.
        num_examples: rows to show.
    """
    name_to_groups = {
        name: _rank(rows, [float(logits_1[0]) for logits_1 in name_to_logits[name]])
        for name, rows in name_to_rows.items()
    }
    dev_sets = [
        DevSet(name, _score(groups, recall_k), _list_predictions(groups))
        for name, groups in name_to_groups.items()
    ]
    num_groups = sum(map(len, name_to_groups.values()))
    first = dev_sets[0].name
    labels = TASK_TO_SCORES["ranking"].labels
    return Outcome(
        dev_sets=dev_sets,
        names={
            **{name: labels[name] for name in ("mrr", f"ndcg_at_{NDCG_DEPTH}")},
            f"recall_at_{recall_k}": f"recall@{recall_k}",
        },
        title=f"Ranking: {num_groups:,} groups",
        subtitle="How well the model orders the rows of a group, how fast it is, and how it was "
        "trained.",
        template="ranked.html.jinja",
        contents={
            "set_to_firsts": {name: _count_firsts(all_) for name, all_ in name_to_groups.items()},
            "groups": _choose(name_to_groups[first], max(1, num_examples // _NUM_ROWS_SHOWN)),
            "num_rows_shown": _NUM_ROWS_SHOWN,
        },
    )


def _rank(rows: Sequence[Row], scores: Sequence[float]) -> _Groups:
    group_to_places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        group_to_places.setdefault(row.group or "", []).append(place)
    groups = {}
    for group, places in group_to_places.items():
        order = rank_rows([rows[one].value for one in places], [scores[one] for one in places])
        ranked = [places[one] for one in order]
        groups[group] = [
            _RankedRow(place, rows[place], scores[place], rank)
            for rank, place in enumerate(ranked, start=1)
        ]
    return groups


def _list_relevances(ranked: Sequence[_RankedRow]) -> list[float]:
    return [item.row.value for item in ranked]


def _score(groups: _Groups, recall_k: int) -> dict[str, float]:
    return score_groups([_list_relevances(ranked) for ranked in groups.values()], recall_k=recall_k)


def _list_predictions(groups: _Groups) -> list[Prediction]:
    """List the predictions in the order of the file."""
    items = [(group, item) for group, ranked in groups.items() for item in ranked]
    return [
        Prediction(
            repr(item.score),
            {"group": group, "label": item.row.value, "prediction": item.score, "rank": item.rank},
        )
        for group, item in sorted(items, key=lambda pair: pair[1].index)
    ]


def _count_firsts(groups: _Groups) -> dict[str, int]:
    """How many groups have their first relevant row at which rank."""
    counts = dict.fromkeys(("1", "2", "3", "4 to 10", "below", "no relevant row"), 0)
    for ranked in groups.values():
        rank = find_first_relevant(_list_relevances(ranked))
        if rank is None:
            counts["no relevant row"] += 1
        elif rank > NDCG_DEPTH:
            counts["below"] += 1
        else:
            counts[str(rank) if rank < 4 else "4 to 10"] += 1
    return counts


def _choose(groups: _Groups, count: int) -> dict[str, Sequence[_RankedRow]]:
    """Some groups from all over the set."""
    names = list(groups)
    step = max(1, len(names) // count)
    return {name: groups[name] for name in names[::step][:count]}
