"""The training and development set, the latter held out where none is given."""

import json
from itertools import chain
from pathlib import Path
from typing import Any

from components.shared.errors import InputError
from components.shared.files.atomic import write_text
from components.shared.files.text import parse_json
from components.shared.squad.data import articles_of

_HELD_OUT_EVERY = 5


def hold_out_articles(path: Path, train: Path, dev: Path, label: str) -> None:
    """Split a SQuAD file: every fifth article to the development set, the others to train.

    By article, so that no context of the development set was trained on; of fewer than
    five articles, the last is held out.

    Args:
        path: a file that read_squad accepts.
        train: where the training set is written.
        dev: where the development set is written.
        label: how messages call the file.

    Raises:
        InputError: if the articles don't suffice for both.
    """
    document = parse_json(path.read_bytes())
    articles = articles_of(document)
    held_out = articles[_HELD_OUT_EVERY - 1 :: _HELD_OUT_EVERY] or articles[-1:]
    kept = [article for article in articles if not any(article is other for other in held_out)]
    if not count_questions(kept) or not count_questions(held_out):
        raise InputError(
            f"{label}: {len(articles)} articles, too few with questions to hold some out for "
            "evaluation; give a file with two or more, or a SQuAD file as squad_dev"
        )
    for target, part in ((train, kept), (dev, held_out)):
        split = part if isinstance(document, list) else {**document, "data": part}
        write_text(target, json.dumps(split, ensure_ascii=False))


def count_questions(articles: list[dict[str, Any]]) -> int:
    """How many questions articles hold."""
    paragraphs = chain.from_iterable(one.get("paragraphs", [one]) for one in articles)
    return sum(len(paragraph["qas"]) for paragraph in paragraphs)
