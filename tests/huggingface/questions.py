"""SQuAD's questions for the tests and benchmarks, of the standard library alone."""

import json
from pathlib import Path
from typing import NamedTuple


class Question(NamedTuple):
    """A question with its first answer."""

    id: str
    question: str
    context: str
    answer: str
    answer_start: int


def read_questions(path: Path) -> list[Question]:
    """The questions of a SQuAD 1.1 file, in its order."""
    return [
        Question(
            qa["id"],
            qa["question"],
            paragraph["context"],
            qa["answers"][0]["text"],
            qa["answers"][0]["answer_start"],
        )
        for article in json.loads(Path(path).read_text("utf-8"))["data"]
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ]


def write_sample(source: Path, target: Path, count: int) -> None:
    """Write a SQuAD file of so many of another's questions, taken from all over it."""
    document = json.loads(source.read_text("utf-8"))
    paragraphs = [paragraph for article in document["data"] for paragraph in article["paragraphs"]]
    total = sum(len(paragraph["qas"]) for paragraph in paragraphs)
    place = 0
    for paragraph in paragraphs:
        kept = []
        for qa in paragraph["qas"]:
            place += 1
            if place * count // total != (place - 1) * count // total:
                kept.append(qa)
        paragraph["qas"] = kept
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document), encoding="utf-8")
