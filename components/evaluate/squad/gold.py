"""The questions to score answers of, with their gold answers."""

import sys
from dataclasses import replace
from pathlib import Path

from components.shared.errors import InputError
from components.shared.squad.data import SquadData, expect_distinct_ids, read_squad


def read_gold(path: Path, *, version: str) -> SquadData:
    """Read a SQuAD file to score answers by; only the texts of its gold answers matter.

    In version 1.1 the questions without a gold answer are left out, and counted on stderr.

    Raises:
        InputError: if the file is not of SQuAD's form, two questions have the same id, or no
            question has an answer.
    """
    data = read_squad(path, version=version)
    expect_distinct_ids(data.questions, str(path))
    for line in data.describe():
        print(f"evaluate: {line}", file=sys.stderr)
    if data.version == "2.0":
        return data
    questions = tuple(question for question in data.questions if question.answers)
    if not questions:
        raise InputError(
            f"{path}: no question has an answer to score by; give a file with gold answers, or "
            "set squad_version to 2.0 if every question is impossible"
        )
    num_left_out = len(data.questions) - len(questions)
    if num_left_out:
        print(
            f"evaluate: questions left out because they have no gold answer: {num_left_out}",
            file=sys.stderr,
        )
    return replace(data, questions=questions)
