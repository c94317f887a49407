"""A development set taken from the training set."""

import random
from collections import defaultdict
from collections.abc import Sequence

from components.ingest.classification.tables import Line
from components.shared.classification.tasks import TaskKind
from components.shared.errors import InputError

_HELD_OUT_EVERY = 10


def hold_out(
    lines: Sequence[Line], *, seed: int, source: str, task: TaskKind = "classification"
) -> tuple[list[Line], list[Line]]:
    """Hold a tenth of the rows out for evaluation, chosen by the seed; of classes, within each.

    At least one row of each class stays in the training set. Both sets keep the file's order.

    Args:
        lines: the training set.
        seed: equal seeds and files give equal sets.
        source: how messages call the file.
        task: what is learnt of the labels.

    Raises:
        InputError: if there are too few rows.
    """
    label_to_places: dict[str, list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        label_to_places[line.row.label if task == "classification" else ""].append(place)
    generator = random.Random(seed)
    chosen: set[int] = set()
    for label, count in _share(label_to_places, len(lines) // _HELD_OUT_EVERY).items():
        chosen.update(generator.sample(label_to_places[label], count))
    if not chosen:
        raise InputError(
            f"{source}: {len(lines)} rows, too few to hold a tenth out for evaluation; give "
            "more, or another file as dev"
        )
    kept = [line for place, line in enumerate(lines) if place not in chosen]
    return kept, [lines[place] for place in sorted(chosen)]


def _share(label_to_places: dict[str, list[int]], total: int) -> dict[str, int]:
    """How many rows of each label are held out: in proportion, by the largest remainders."""
    num_rows = sum(map(len, label_to_places.values()))
    label_to_count = {
        label: total * len(places) // num_rows for label, places in label_to_places.items()
    }
    by_remainder = sorted(
        label_to_places,
        # Of equal remainders the rarer label first: it has fewer rows to be seen in.
        key=lambda label: (
            -(total * len(label_to_places[label]) % num_rows),
            len(label_to_places[label]),
        ),
    )
    for label in by_remainder:
        if sum(label_to_count.values()) < total and label_to_count[label] + 1 < len(
            label_to_places[label]
        ):
            label_to_count[label] += 1
    return label_to_count
