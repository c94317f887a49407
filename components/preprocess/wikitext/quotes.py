"""Apostrophes: two and more mark italics and bold, but not every one of them is a mark."""

import re

_QUOTES = re.compile(r"'{2,}")
_ITALICS, _BOLD, _BOTH = 2, 3, 5


def drop_quotes(text: str) -> str:
    """Take the marks of italics and bold away, and leave the apostrophes that a reader sees."""
    if "''" not in text:
        return text
    return "\n".join(_drop_from_line(line) if "''" in line else line for line in text.split("\n"))


def _drop_from_line(line: str) -> str:
    """MediaWiki reads marks line by line.

    Four apostrophes are one and bold; of more than five, five are marks. Where a line has both
    an odd number of italics and of bold, one bold mark is an apostrophe and italics: the
    first after a word of one letter, else after a longer word, else after a space.
    """
    runs = list(_QUOTES.finditer(line))
    marks = [_BOLD if len(run[0]) == 4 else min(len(run[0]), _BOTH) for run in runs]
    kept = [len(run[0]) - mark for run, mark in zip(runs, marks, strict=True)]
    if sum(mark != _BOLD for mark in marks) % 2 and sum(mark != _ITALICS for mark in marks) % 2:
        before = [
            line[max(0, run.start() - 2) : run.start()] + "'" * extra
            for run, extra in zip(runs, kept, strict=True)
        ]
        if (index := _find_apostrophe(marks, before)) is not None:
            kept[index] += 1
    pieces = []
    position = 0
    for run, extra in zip(runs, kept, strict=True):
        pieces += [line[position : run.start()], "'" * extra]
        position = run.end()
    return "".join([*pieces, line[position:]])


def _find_apostrophe(marks: list[int], before: list[str]) -> int | None:
    """Which bold mark is an apostrophe and italics, by the two characters before each mark."""
    kind_to_index: dict[str, int] = {}
    for index, (mark, text) in enumerate(zip(marks, before, strict=True)):
        if mark != _BOLD:
            continue
        if text[-1:] == " ":
            kind = "space"
        elif text[-2:-1] == " " and len(text) > 1:
            return index
        else:
            kind = "word"
        kind_to_index.setdefault(kind, index)
    return kind_to_index.get("word", kind_to_index.get("space"))
