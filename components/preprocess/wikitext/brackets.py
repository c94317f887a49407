"""The brackets of wikitext: links `[[…]]`, templates `{{…}}` and tables `{|…|}`."""

import re

_BRACKET = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{\||\|\}(?!\})")
# A table's marks count at the start of a line only, after these; `|}}` there closes a template.
_BEFORE_TABLE_MARK = {"{|": " \t:*#", "|}": " \t"}
_ARGUMENT_MARK = re.compile(r"\{\{|\}\}|\[\[|\]\]|\|")
_CLOSING_TO_OPENING = {"}}": "{{", "]]": "[[", "|}": "{|"}


def find_outermost(text: str) -> list[tuple[int, int]]:
    """Start and end of each closed bracket that no other closed one holds, in order.

    An opening that nothing closes is passed over, as is a closing that nothing opened.
    """
    pairs: list[tuple[int, int]] = []
    stack: list[tuple[str, int]] = []
    num_open = {"{{": 0, "[[": 0, "{|": 0}
    position = 0
    for match in _BRACKET.finditer(text):
        bracket, last_end, position = match[0], position, match.end()
        # Not in the pattern: one that begins with a line's start is tried at each character.
        if "|" in bracket and not _opens_line(text, last_end, match):
            continue
        if bracket in num_open:
            stack.append((bracket, match.start()))
            num_open[bracket] += 1
            continue
        opening = _CLOSING_TO_OPENING[bracket]
        # A link is closed at once or not at all: its text holds no template left open.
        if not num_open[opening] or (opening == "[[" and stack[-1][0] != "[["):
            continue
        while True:
            found, start = stack.pop()
            num_open[found] -= 1
            if found == opening:
                break
        while pairs and pairs[-1][0] > start:
            pairs.pop()
        pairs.append((start, match.end()))
    return pairs


def _opens_line(text: str, last_end: int, mark: re.Match[str]) -> bool:
    """Whether a table's mark stands at the start of a line.

    Looks back to the last bracket's end only: after it, a mark on the same line opens none.
    """
    newline = text.rfind("\n", last_end, mark.start())
    if newline < 0 < last_end:
        return False
    return not text[newline + 1 : mark.start()].strip(_BEFORE_TABLE_MARK[mark[0]])


def split_arguments(inner: str) -> list[str]:
    """Split the inside of a template at the bars that belong to it."""
    if "[[" not in inner and "{{" not in inner:
        return inner.split("|")
    parts = []
    start = depth = 0
    for match in _ARGUMENT_MARK.finditer(inner):
        if match[0] == "|":
            if depth == 0:
                parts.append(inner[start : match.start()])
                start = match.end()
        elif match[0] in ("{{", "[["):
            depth += 1
        else:
            depth = max(0, depth - 1)
    return [*parts, inner[start:]]
