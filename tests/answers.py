"""Answers recorded from the API server of a real KFP 2.17."""

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "recorded"


def read_answer(name: str) -> Any:
    """Return a recorded answer by its file's name without the suffix."""
    return json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
