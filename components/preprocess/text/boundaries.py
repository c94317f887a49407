"""Corrects where a splitter has put the ends of sentences, by rules of the language.

sentencex knows the abbreviations of many languages, but not all, no ordinals (`19.
Jahrhundert`), and few marks of other scripts. Each rule looks at what stands on the two sides
of a boundary: the cost is a few looks for each sentence.
"""

import re
from collections.abc import Iterator, Sequence

from components.preprocess.languages.facts import SentenceRules

# Marks that end a sentence whatever follows, outside brackets and quotations. Khmer's ។ is also
# part of an abbreviation, ។ល។.
_MARKS = "。！？｡៕"
_KHMER_MARK = "។"
_MARKS_OUTSIDE = re.compile(
    r"「[^「」]*」|『[^『』]*』|（[^（）]*）|《[^《》]*》|"
    rf"([{_MARKS}]+|(?<!{_KHMER_MARK}ល){_KHMER_MARK}(?!ល{_KHMER_MARK}))"
)
_CLOSING = re.compile(r"[\s」』）》〉】”’\"')\]。！？｡!?.]*")
_CLOSING_BRACKETS = "」』）》”"

# What stands before a point: a word, with the points in it; no word is longer.
_LAST_WORD = re.compile(r"[^\s(\[\"«„“‘'’]{1,30}\Z")
_MAX_WORD = 32
# Characters that a rule may look at before a boundary.
_NUM_BEFORE = 64
_ORDINAL = re.compile(r"\d{1,2}|[IVXLC]{1,7}")
_FIRST_WORD = re.compile(r"\w+")
# Several letters with points between them, as in พ.ศ.
_LETTERS_WITH_POINTS = re.compile(r"(?:[^\W\d_][\u0300-\u036f\u0e31-\u0e4e]*\.)+[^\W\d_]{1,2}")
_GLUE = "-‑'’º°"


def correct_boundaries(sentences: Sequence[str], rules: SentenceRules) -> list[str]:
    """The same text in sentences that end where the language's do."""
    pieces: list[str] = []
    for sentence in sentences:
        parts = _cut_at_marks(sentence) if _has_mark(sentence) else (sentence,)
        if rules.inner_endings is None:
            pieces += parts
            continue
        for part in parts:
            pieces += _cut_at_endings(part, rules.inner_endings)
    if len(pieces) == 1:
        return pieces  # nothing to join
    corrected: list[list[str]] = []
    before = ""  # the end of the last sentence
    for piece in pieces:
        if corrected and _goes_on(before, piece, rules):
            corrected[-1].append(piece)
            before = (before + piece)[-_NUM_BEFORE:]
        else:
            corrected.append([piece])
            before = piece[-_NUM_BEFORE:]
    return ["".join(parts) for parts in corrected]


def may_be_cut(text: str, rules: SentenceRules) -> bool:
    """Whether there may be ends of sentences that a splitter has not seen."""
    return rules.inner_endings is not None or _has_mark(text)


def _has_mark(text: str) -> bool:
    # Ten times as fast as a search with the pattern.
    return not text.isascii() and any(map(text.__contains__, _MARKS + _KHMER_MARK))


def _cut_at_marks(text: str) -> Iterator[str]:
    start = 0
    for match in _MARKS_OUTSIDE.finditer(text):
        if not match[1] or match.end() < start:
            continue
        end = _CLOSING.match(text, match.end()).end()  # type: ignore[union-attr]
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _cut_at_endings(text: str, endings: re.Pattern[str]) -> Iterator[str]:
    """Cut after what ends a sentence before a capital letter: `1990 г. Он`."""
    start = 0
    for match in endings.finditer(text):
        following = text[match.end() : match.end() + 40].lstrip()
        if following[:1].isupper() and following[1:2].islower():
            yield text[start : match.end()]
            start = match.end()
    yield text[start:]


def _goes_on(left: str, right: str, rules: SentenceRules) -> bool:
    """Whether a piece goes on with the sentence before it."""
    ending, following = left.rstrip(), right.lstrip()
    if not ending or not following:
        return True
    last, first = ending[-1], following[0]
    if first.islower() and not following[1:2].isupper():  # iPhone opens a sentence
        return True
    if last in _CLOSING_BRACKETS and following.startswith(rules.continuations or ("\0",)):
        return True
    if last != ".":
        return False
    if len(ending) == len(left) and right == following and (first.isalnum() or first in _GLUE):
        return True  # an abbreviation cut inside: พ.ศ., av. J.-C.
    word = _LAST_WORD.search(ending[-_MAX_WORD:-1])
    return word is not None and _is_no_end(word[0], ending, following, rules)


def _is_no_end(word: str, ending: str, following: str, rules: SentenceRules) -> bool:
    """Whether the point after a word is part of it."""
    first = following[0]
    if rules.endings is not None and first.isupper():
        before = ending[-_MAX_WORD:-1]
        if any(match.end() == len(before) for match in rules.endings.finditer(before)):
            return False
    uncapitalized = word[0].lower() + word[1:]
    if word in rules.abbreviations or uncapitalized in rules.abbreviations:
        return True
    if first.isdigit() and (word in rules.before_numbers or uncapitalized in rules.before_numbers):
        return True
    if rules.ordinals and _ORDINAL.fullmatch(word):
        opener = _FIRST_WORD.match(following)
        return opener is not None and opener[0] not in rules.openers
    if len(word) == 1 and word.isupper() and first.isupper():
        return True  # an initial
    has_case = word.lower() != word.upper()
    return bool(_LETTERS_WITH_POINTS.fullmatch(word)) and (first.isdigit() or not has_case)
