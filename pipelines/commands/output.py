"""How commands print what they list: as a table, or as JSON."""

from collections.abc import Sequence
from typing import Literal

Output = Literal["text", "json"]
"""The type of a command's setting `output`."""


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows, the titles first, in columns as wide as their widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
