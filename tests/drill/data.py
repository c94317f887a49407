"""The data that a year of retraining is made of: dumps that grow, text, and questions.

The questions are of two kinds with one answer each, so that the smallest model learns them in
seconds, and one that learned swapped answers is worse beyond doubt.
"""

import bz2
import json
import random
from pathlib import Path
from typing import Any

from pipelines.local.environments import REPOSITORY

_SAMPLE = REPOSITORY / "pipelines" / "sample"
_PAGE = "  <page>"
_THINGS = ("bridge", "tower", "mill", "harbor", "school", "church", "market", "theater")
_PLACES = ("Aron", "Belmont", "Corvey", "Dunmore", "Elling", "Farnham", "Gorton", "Hollis")
_NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_DIRECTIONS = ("north", "south", "east", "west")


def write_dump(path: Path, *, num_pages: int) -> None:
    """Write a dump of the sample's first pages."""
    sample = bz2.decompress((_SAMPLE / "wiki-sample.xml.bz2").read_bytes()).decode()
    head, *pages = sample.split(_PAGE)
    assert num_pages < len(pages)
    text = _PAGE.join([head, *pages[:num_pages]]) + "</mediawiki>\n"
    path.write_bytes(bz2.compress(text.encode()))


def damage(path: Path) -> None:
    """Cut a file in the middle, as a download that broke."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def write_text(path: Path) -> None:
    """Write text of another kind than the dump."""
    path.write_bytes((_SAMPLE / "text-sample.txt").read_bytes())


def write_questions(path: Path, *, num_articles: int, seed: int, swapped: bool = False) -> None:
    """Write questions on how many doors a house has, and where it faces.

    Args:
        path: of a SQuAD 1.1 file.
        num_articles: each has two paragraphs with two questions.
        seed: of the answers.
        swapped: give each question the answer of the other kind.
    """
    chosen = random.Random(seed)
    data = []
    for number in range(num_articles):
        label = f"{seed}-{number}"
        paragraphs = [_make_paragraph(chosen, f"{label}-{part}", swapped) for part in range(2)]
        data.append({"title": label, "paragraphs": paragraphs})
    path.write_text(json.dumps({"version": "1.1", "data": data}), encoding="utf-8")


def _make_paragraph(chosen: random.Random, label: str, swapped: bool) -> dict[str, Any]:
    thing, place = chosen.choice(_THINGS), chosen.choice(_PLACES)
    answers = [chosen.choice(_NUMBERS), chosen.choice(_DIRECTIONS)]
    context = f"The {thing} of {place} has {answers[0]} doors and faces {answers[1]}."
    questions = (
        f"How many doors has the {thing} of {place}?",
        f"Where does the {thing} of {place} face?",
    )
    answered = zip(questions, reversed(answers) if swapped else answers, strict=True)
    return {
        "context": context,
        "qas": [
            {
                "id": f"{label}-{number}",
                "question": question,
                "answers": [{"text": answer, "answer_start": context.index(f" {answer}") + 1}],
            }
            for number, (question, answer) in enumerate(answered)
        ],
    }
