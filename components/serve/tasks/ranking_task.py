"""Ranks the rows of a group, such as candidates for a query, as the evaluation does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.serve.tasks.instances import expect_count, expect_known, expect_object, expect_text
from components.serve.tasks.label_task import LabelTask
from components.serve.tasks.task_protocol import Prediction, Scores
from components.shared.classification.features import Features
from components.shared.classification.ranks import rank_rows


class RankingTask(LabelTask):
    """Gives each row a score, and its rank among those of its group.

    An instance is `{"sentence": …}`, with `second_sentence` and `group` if there are some;
    without `group`, all of a request are ranked together. The parameter `top_k` asks for the best
    of each group, best first.
    """

    name = "ranking"
    fields = (*LabelTask.fields, "group")

    def start(self, instances: Sequence[Any], parameters: Mapping[str, Any]) -> "RankingJob":
        """Make word pieces of the sentences.

        Raises:
            RequestError: if an instance or a parameter is invalid.
        """
        expect_known(parameters, ("top_k",), "parameters")
        top_k = parameters.get("top_k")
        if top_k is not None:
            expect_count(top_k, "parameters.top_k")
        features = self.make_features(instances)
        groups = [_read_group(value, number) for number, value in enumerate(instances)]
        return RankingJob(groups, features, top_k)


@dataclass(frozen=True)
class RankingJob:
    """Rows as word pieces."""

    groups: Sequence[str]
    """Of each row."""
    sequences: Sequence[Features]
    top_k: int | None
    """How many of each group are asked for; None for all, in the order of the request."""

    def finish(self, scores: Scores) -> list[Prediction]:
        """The rows' scores and ranks, with their places in the request."""
        (logits,) = scores
        values = [float(logits_1[0]) for logits_1 in logits]
        group_to_places: dict[str, list[int]] = {}
        for place, group in enumerate(self.groups):
            group_to_places.setdefault(group, []).append(place)
        predictions: list[Prediction] = [
            {"index": places[one], "rank": rank, "score": values[places[one]]}
            for places in group_to_places.values()
            for rank, one in enumerate(_rank([values[place] for place in places]), start=1)
        ]
        if self.top_k is None:
            return sorted(predictions, key=lambda one: one["index"])
        return [one for one in predictions if one["rank"] <= self.top_k]


def _read_group(value: Any, number: int) -> str:
    place = f"instances[{number}]"
    fields = expect_object(value, place)
    return expect_text(fields, "group", place) if fields.get("group") is not None else ""


def _rank(scores: Sequence[float]) -> list[int]:
    """Places, the best first; of equal scores the first comes first, for want of relevances."""
    return rank_rows([0.0] * len(scores), scores).tolist()
