"""What a benchmark found: printed as tables, and written as JSON.

Of the standard library alone, so that each stage's environment can import it.
"""

import argparse
import json
import operator
import os
import platform
import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

DEFAULT_REPEATS = 5

_GOAL = re.compile(r"(>=|<=|<|>) ([\d.]+)")
_COMPARISONS = {">=": operator.ge, "<=": operator.le, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True)
class Figure:
    """One number that was found."""

    name: str
    value: float
    unit: str = ""
    goal: str = ""
    """What it should be, as `>= 10`; empty where there is no such thing."""
    samples: Sequence[float] = ()
    """What the value is the median of."""

    @property
    def is_met(self) -> bool | None:
        """Whether it reaches its goal; None without one."""
        if not self.goal:
            return None
        found = _GOAL.fullmatch(self.goal)
        assert found, f"a goal is a comparison and a number, as >= 10, got {self.goal!r}"
        return bool(_COMPARISONS[found[1]](self.value, float(found[2])))


@dataclass(frozen=True)
class Table:
    """Rows of words and numbers under a heading."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str | float]]
    note: str = ""


@dataclass
class Report:
    """The figures and tables of a benchmark, in order."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def add(
        self,
        name: str,
        value: float,
        unit: str = "",
        *,
        goal: str = "",
        samples: Sequence[float] = (),
    ) -> None:
        """Add a figure."""
        self.figures.append(Figure(name, value, unit, goal, tuple(samples)))

    def add_median(
        self, name: str, samples: Sequence[float], unit: str = "", *, goal: str = ""
    ) -> None:
        """Add the median of samples as a figure."""
        self.add(name, statistics.median(samples), unit, goal=goal, samples=samples)

    def finish(self, path: Path) -> None:
        """Print all, and write it as JSON."""
        print(self)
        path.parent.mkdir(parents=True, exist_ok=True)
        figures = [asdict(one) | {"is_met": one.is_met} for one in self.figures]
        content = {
            "title": self.title,
            "machine": describe_machine(),
            "figures": figures,
            "tables": [asdict(one) for one in self.tables],
        }
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        print(f"\nwritten to {path}")

    def __str__(self) -> str:
        rows = [
            (one.name, one.value, one.unit, one.goal, _IS_MET_TO_WORD[one.is_met])
            for one in self.figures
        ]
        tables = [Table(self.title, ("", "median", "unit", "asked", ""), rows), *self.tables]
        return "\n\n".join(["; ".join(describe_machine().values()), *map(_draw, tables)])


_IS_MET_TO_WORD = {None: "", True: "reached", False: "not reached"}


def repeat(run: Callable[[], float], times: int) -> list[float]:
    """What a run gives, several times."""
    return [run() for _ in range(times)]


def describe_machine() -> dict[str, str]:
    """The processor, how many of its cores this process may use, memory, Python."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": f"{len(os.sched_getaffinity(0))} cores",
        "memory": f"{memory / 2**30:.0f} GiB",
        "python": f"Python {platform.python_version()}",
    }


def make_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """A parser of what all benchmarks take: repeats, and the file to write."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--repeats", type=int, default=DEFAULT_REPEATS, help="of each run; medians are shown"
    )
    parser.add_argument("--output", type=Path, default=Path(f"runs/bench/{name}.json"))
    return parser


def _draw(table: Table) -> str:
    """A table as Markdown has it, its columns aligned."""
    cells = [list(table.header), *([_word(cell) for cell in row] for row in table.rows)]
    is_number = [
        all(isinstance(row[column], (int, float)) for row in table.rows)
        for column in range(len(table.header))
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(len(table.header))]

    def draw_row(row: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_number, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * (width - 1) + ":" if right else "-" * width
        for width, right in zip(widths, is_number, strict=True)
    ]
    lines = [table.title, "", draw_row(cells[0]), f"| {' | '.join(rule)} |"]
    lines += map(draw_row, cells[1:])
    if table.note:
        lines += ["", table.note]
    return "\n".join(lines)


def _word(cell: str | float) -> str:
    """A number with three digits that count, or as many as it has before the point."""
    if isinstance(cell, (str, int)):
        return str(cell)
    return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
