"""Plots as SVG, for a page that loads nothing else."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

COLORS = ("#1f5fbf", "#c2571a", "#2e7d4f", "#7a4fb5")
_TEXT_COLOR = "#4a5464"
# Widths of plots in inches, so that their text has one size on the page.
_THIRD_OF_THE_PAGE, HALF_OF_THE_PAGE = 4.2, 6.6
_STYLE = {
    # Text stays text: small, sharp, and in the page's font.
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": _TEXT_COLOR,
    "axes.edgecolor": "#c9d0da",
    "axes.labelcolor": _TEXT_COLOR,
    "axes.formatter.limits": (-3, 5),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _TEXT_COLOR,
    "ytick.color": _TEXT_COLOR,
    "grid.color": "#e6eaf0",
    "legend.frameon": False,
}


class Panel(NamedTuple):
    """One plot."""

    title: str
    svg: Markup


@contextmanager
def make_figure(width: float = _THIRD_OF_THE_PAGE) -> Iterator[tuple[Figure, Axes]]:
    """Yield an empty plot in the report's style; `render` it within the block.

    Args:
        width: in inches.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, 2.6), layout="constrained")
        FigureCanvasSVG(figure)
        yield figure, figure.add_subplot()


def render(figure: Figure) -> Markup:
    """Return a plot as an element of a page."""
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return _inline(file.getvalue())


def _inline(svg: str) -> Markup:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Group ids repeat from plot to plot, and nothing refers to them.
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(
        r'<svg [^>]*viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" role="img">', svg, count=1
    )
    # matplotlib's own output, of our own column names: no user's text is in it.
    return Markup(svg)  # noqa: S704
