"""Plots of a training and an evaluation."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from components.evaluate.speed import MeasuredSpeed
from components.shared.reports.figures import COLORS, HALF_OF_THE_PAGE, Panel, make_figure, render
from components.shared.training.history import History
from components.shared.training.validation import HELD_OUT

_LABELS_NOT_PLOTTED = {"step", "label", "best_step"}
# Beyond so many steps a marker at each would hide the line.
_MOST_MARKERS = 12
_MOST_POINTS = 2000


def draw_panels(history: History) -> list[Panel]:
    """Plots of a stage's numbers over its steps: losses together, then each other kind."""
    names = [
        name
        for name in dict.fromkeys(name for entry in history.entries for name in entry)
        if name not in _LABELS_NOT_PLOTTED and any(_is_number(e.get(name)) for e in history.entries)
    ]
    losses = [name for name in names if name.endswith("loss")]
    for prefix in ("", HELD_OUT):
        own = [name for name in losses if name.startswith(HELD_OUT) == bool(prefix)]
        if f"{prefix}loss" in own and len(own) == 2:
            losses.remove(f"{prefix}loss")  # the sum of one
    groups = {"Loss": losses}
    groups["Accuracy"] = [name for name in names if name.endswith("accuracy")]
    for name in names:
        if not name.endswith(("loss", "accuracy")):
            # tokens_per_second, and tokens_per_second_with_padding beside it
            title = _say(name.removesuffix("_with_padding")).capitalize()
            groups.setdefault(title, []).append(name)
    return [
        Panel(title, _draw(history.entries, title, group))
        for title, group in groups.items()
        if group
    ]


def draw_precision_recall(
    label_to_points: Mapping[str, Sequence[tuple[float, float]]],
) -> Panel:
    """Precision over recall, 0 to 1, a line for each score."""
    with make_figure() as (figure, axes):
        for (label, points), color in zip(label_to_points.items(), COLORS, strict=False):
            axes.plot(*zip(*points, strict=True), color=color, label=label, lw=1.8)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
        axes.grid()
        axes.legend(loc="best")
        return Panel("Precision and recall over the null threshold", render(figure))


def draw_scatter(right: Sequence[float], predicted: Sequence[float]) -> Markup:
    """Plot predicted numbers over the right ones, beside the line where they would be equal."""
    with make_figure(HALF_OF_THE_PAGE) as (figure, axes):
        ends = [min(right), max(right)]
        axes.plot(ends, ends, color=COLORS[1], lw=1.2)
        axes.scatter(*_thin_out(right, predicted), s=9, alpha=0.4, color=COLORS[0], linewidths=0)
        axes.set(xlabel="right", ylabel="predicted")
        axes.grid()
        return render(figure)


def _thin_out(*columns: Sequence[float]) -> list[Sequence[float]]:
    """Every so many rows only: a page with a million points opens in no browser."""
    step = max(1, -(-len(columns[0]) // _MOST_POINTS))
    return [column[::step] for column in columns]


def draw_speed(measured: Sequence[MeasuredSpeed]) -> list[Panel]:
    """Plot batch latency and windows per second for each precision.

    Over the batch size with a line for each length; of a single batch size over the length.
    """
    panels = []
    ran = [item for item in measured if item.speed]
    is_over_batches = len({item.setting.batch_size for item in ran}) != 1
    for precision in dict.fromkeys(item.setting.precision for item in ran):
        own = [item for item in ran if item.setting.precision == precision]
        panels.append(
            Panel(
                f"Latency in {precision}: median, whisker to 99%",
                _draw_grid(own, "latency_ms_p50", "latency_ms_p99", is_over_batches),
            )
        )
        panels.append(
            Panel(
                f"Windows per second in {precision}",
                _draw_grid(own, "windows_per_second", None, is_over_batches),
            )
        )
    return panels


def _draw_grid(
    measured: Sequence[MeasuredSpeed], name: str, upper: str | None, is_over_batches: bool
) -> Markup:
    lines: dict[int, list[tuple[int, float, float]]] = {}
    for setting, speed in measured:
        assert speed is not None
        x, line = setting.batch_size, setting.length_tokens
        if not is_over_batches:
            x, line = line, x
        lines.setdefault(line, []).append((x, speed[name], speed[upper or name]))
    with make_figure(HALF_OF_THE_PAGE) as (figure, axes):
        for (line, points), color in zip(sorted(lines.items()), cycle(COLORS), strict=False):
            xs, values, tops = zip(*sorted(points), strict=True)
            errors = [[0.0] * len(xs), list(np.subtract(tops, values))]
            label = f"length {line}" if is_over_batches else f"batch {line}"
            axes.errorbar(
                xs, values, yerr=errors if upper else None, color=color, label=label,
                lw=1.8, marker="o", markersize=4, elinewidth=1.2, capsize=3,
            )  # fmt: skip
        ticks = sorted({x for points in lines.values() for x, _, _ in points})
        axes.set_xscale("log", base=2)
        axes.set_xticks(ticks, map(str, ticks))
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_xlabel("batch size" if is_over_batches else "length in tokens")
        axes.set_ylabel("milliseconds" if upper else "")
        axes.grid(axis="y")
        axes.legend(loc="best")
        return render(figure)


def _draw(entries: Sequence[Mapping], title: str, names: Sequence[str]) -> Markup:
    with make_figure() as (figure, axes):
        kinds = dict.fromkeys(name.removeprefix(HELD_OUT) for name in names)
        kind_to_color = dict(zip(kinds, cycle(COLORS), strict=False))
        for name in names:
            points = [(e["step"], e[name]) for e in entries if _is_number(e.get(name))]
            marker = "o" if len(points) <= _MOST_MARKERS else None
            steps, values = zip(*points, strict=True)
            axes.plot(
                steps,
                values,
                color=kind_to_color[name.removeprefix(HELD_OUT)],
                linestyle="--" if name.startswith(HELD_OUT) else "-",
                label=_say(name),
                lw=1.8,
                marker=marker,
                markersize=3.5,
            )
        axes.grid(axis="y")
        axes.set_xlabel("step")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        if title == "Accuracy":
            axes.set_ylim(0, 1)
        if title.endswith("per second"):
            # From 0, or a change of a percent looks like a collapse.
            highest = max(max(line.get_ydata()) for line in axes.get_lines())
            axes.set_ylim(0, 1.08 * highest or 1)
        if len(names) > 1:
            axes.legend(loc="best")
        return render(figure)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _say(name: str) -> str:
    if name.startswith(HELD_OUT):
        return f"{_say(name.removeprefix(HELD_OUT))}, held out"
    return name.replace("_", " ").replace("lm ", "LM ")
