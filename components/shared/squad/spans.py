"""The spans of a question's windows that may be its answer, best first."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from components.shared.errors import InputError
from components.shared.squad.windows import Window


class Span(NamedTuple):
    """A candidate: tokens of one of the question's windows; in window -1 it is no answer."""

    window: int
    start: int
    end: int
    start_logit: float
    end_logit: float

    @property
    def score(self) -> float:
        """What run_squad sorts by."""
        return self.start_logit + self.end_logit


class ScoredWindow(NamedTuple):
    """A window with the scores of its tokens."""

    window: Window
    start_logits: np.ndarray
    end_logits: np.ndarray

    @classmethod
    def of(cls, window: Window, start_logits: np.ndarray, end_logits: np.ndarray) -> "ScoredWindow":
        """Return a window with the scores of its own tokens alone.

        Raises:
            InputError: if a score is not a number: the model is broken.
        """
        # In double precision, as run_squad adds: ties in single precision aren't ties there.
        logits = np.stack([start_logits, end_logits])[:, : len(window.token_ids)]
        if not np.isfinite(logits).all():
            raise InputError(
                "the model's scores are not numbers (NaN or infinite): its training diverged; "
                "fine-tune with a lower learning_rate, or evaluate with precision float32"
            )
        return cls(window, *logits.astype(np.float64))


NOTHING = Span(-1, 0, 0, 0.0, 0.0)


def group_by_question(windows: Sequence[Window]) -> dict[int, list[int]]:
    """Return which of the windows are each question's, in their order."""
    groups: dict[int, list[int]] = {}
    for number, window in enumerate(windows):
        groups.setdefault(window.question_index, []).append(number)
    for numbers in groups.values():
        numbers.sort(key=lambda number: windows[number].window_index)
    return groups


def find_null(scored: Sequence[ScoredWindow]) -> Span:
    """No answer, as the window where it scores lowest has it: its scores at [CLS]."""
    nulls = [Span(-1, 0, 0, float(s.start_logits[0]), float(s.end_logits[0])) for s in scored]
    return min(nulls, key=lambda null: null.score, default=NOTHING)


def best_spans(
    scored: Sequence[ScoredWindow], n_best_size: int, longest: int, null: Span | None
) -> Iterator[Span]:
    """The valid spans of a question's windows, best first; of equal ones the first."""
    columns = [_window_spans(n, item, n_best_size, longest) for n, item in enumerate(scored)]
    if null is not None:
        columns.append(np.array(null)[:, None])
    if not columns:
        return
    spans = np.concatenate(columns, axis=1)
    for index in np.argsort(-(spans[3] + spans[4]), kind="stable"):
        window, start, end, start_logit, end_logit = spans[:, index].tolist()
        yield Span(int(window), int(start), int(end), start_logit, end_logit)


def _window_spans(number: int, scored: ScoredWindow, n_best_size: int, longest: int) -> np.ndarray:
    """The valid spans between a window's best starts and ends, a column each as Span."""
    window, start, end = scored
    first, last = window.first_segment_length, len(window.token_ids) - 2
    starts, ends = _best(start, n_best_size), _best(end, n_best_size)
    starts = starts[(starts >= first) & (starts <= last)]
    starts = starts[window.is_max_context[starts - first]]
    ends = ends[(ends >= first) & (ends <= last)]
    lengths = ends[None, :] - starts[:, None] + 1
    rows, columns = np.nonzero((lengths >= 1) & (lengths <= longest))
    starts, ends = starts[rows], ends[columns]
    return np.stack([np.full(len(rows), number), starts, ends, start[starts], end[ends]])


def _best(logits: np.ndarray, count: int) -> np.ndarray:
    """Positions of the highest scores, highest first; of equal ones the first."""
    return np.argsort(-logits, kind="stable")[:count]
