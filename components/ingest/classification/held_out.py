"""A development set taken from the training set."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence

from components.ingest.classification.tables import Line
from components.shared.classification.tasks import TaskKind
from components.shared.errors import InputError

_HELD_OUT_EVERY = 10


def hold_out(
    lines: Sequence[Line], *, seed: int, source: str, task: TaskKind = "classification"
) -> tuple[list[Line], list[Line]]:
    """Hold a tenth of the rows out for evaluation, chosen by the seed; of classes, within each.

    Of a ranking it is a tenth of the groups. One row of each class stays in the training set.
    Both sets keep the file's order.

    Args:
        lines: the training set.
        seed: equal seeds and files give equal sets.
        source: how messages call the file.
        task: what is learned of the labels.

    Raises:
        InputError: if there are too few rows.
    """
    units = _list_units(lines, task)
    label_to_units: dict[str, list[list[int]]] = defaultdict(list)
    for label, places in units:
        label_to_units[label].append(places)
    generator = random.Random(seed)
    chosen: set[int] = set()
    for label, count in _share(label_to_units, len(units) // _HELD_OUT_EVERY).items():
        for places in generator.sample(label_to_units[label], count):
            chosen.update(places)
    if not chosen:
        noun = "groups" if task == "ranking" else "rows"
        raise InputError(
            f"{source}: {len(units)} {noun}, too few to hold a tenth out for evaluation; give "
            "more, or another file as dev"
        )
    kept = [line for place, line in enumerate(lines) if place not in chosen]
    return kept, [lines[place] for place in sorted(chosen)]


def _list_units(lines: Sequence[Line], task: TaskKind) -> list[tuple[str, list[int]]]:
    """The places of the rows that stay together, and the label that both sets have their share of.

    Of a ranking these are whole groups, and whether one has a relevant row.
    """
    if task == "classification":
        return [(line.row.label, [place]) for place, line in enumerate(lines)]
    if task == "regression":
        return [("", [place]) for place in range(len(lines))]
    group_to_places: dict[str | None, list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        group_to_places[line.row.group].append(place)
    return [
        ("relevant" if any(lines[place].row.value > 0 for place in places) else "", places)
        for places in group_to_places.values()
    ]


def _share(label_to_units: Mapping[str, Sequence[object]], total: int) -> dict[str, int]:
    """How many of each label are held out: in proportion, by the largest remainders."""
    num_units = sum(map(len, label_to_units.values()))
    label_to_count = {
        label: total * len(units) // num_units for label, units in label_to_units.items()
    }
    by_remainder = sorted(
        label_to_units,
        # Of equal remainders the rarer label first: it has fewer to be seen in.
        key=lambda label: (
            -(total * len(label_to_units[label]) % num_units),
            len(label_to_units[label]),
        ),
    )
    for label in by_remainder:
        if sum(label_to_count.values()) < total and label_to_count[label] + 1 < len(
            label_to_units[label]
        ):
            label_to_count[label] += 1
    return label_to_count
