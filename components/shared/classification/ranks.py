"""How well rows are ranked within their groups: MRR, NDCG@10 and recall@k, averaged over groups.

A row is relevant if its relevance is above 0. Of rows with equal scores those of less relevance
come first, so that a model gains nothing by scores that tell no rows apart. Groups without a
relevant row have no order that is right or wrong, and are in no average.
"""

from collections.abc import Sequence

import numpy as np

NDCG_DEPTH = 10


def rank_rows(relevances: Sequence[float], scores: Sequence[float]) -> np.ndarray:
    """The places of a group's rows, the best first: int64 [N]."""
    order_N: np.ndarray = np.lexsort((relevances, -np.asarray(scores, np.float64)))
    return order_N


def find_first_relevant(ranked: Sequence[float]) -> int | None:
    """The rank, from 1, of the first relevant row of a group; None of a group without one."""
    return next((rank for rank, value in enumerate(ranked, start=1) if value > 0), None)


def score_groups(groups: Sequence[Sequence[float]], *, recall_k: int) -> dict[str, float]:
    """mrr, ndcg_at_10, recall_at_<k>, and the numbers of groups.

    Args:
        groups: the relevances of each group's rows in the order of `rank_rows`.
        recall_k: how many first rows recall counts.

    Returns:
        mrr is the mean of 1 / rank of the first relevant row (Voorhees 1999); recall the share
        of the relevant rows among the first k; NDCG as in Burges et al. 2005, with a gain of
        2^relevance - 1 over log2(rank + 1), and the best order's for 1.
    """
    scored = [ranked for ranked in groups if find_first_relevant(ranked)]
    return {
        "mrr": _mean([1 / (find_first_relevant(ranked) or 1) for ranked in scored]),
        f"ndcg_at_{NDCG_DEPTH}": _mean([_find_ndcg(ranked) for ranked in scored]),
        f"recall_at_{recall_k}": _mean([_find_recall(ranked, recall_k) for ranked in scored]),
        "groups": len(groups),
        "groups_without_relevant_rows": len(groups) - len(scored),
    }


def _find_ndcg(ranked: Sequence[float]) -> float:
    return _find_dcg(ranked) / _find_dcg(sorted(ranked, reverse=True))


def _find_dcg(ranked: Sequence[float]) -> float:
    gains_N = np.exp2(np.asarray(ranked[:NDCG_DEPTH], np.float64)) - 1
    return float(np.sum(gains_N / np.log2(np.arange(len(gains_N)) + 2)))


def _find_recall(ranked: Sequence[float], k: int) -> float:
    relevant_N = np.asarray(ranked) > 0
    return float(relevant_N[:k].sum() / relevant_N.sum())


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
