"""From wikitext to the text that a reader of the article sees.

Every step takes time linear in the page's length, whatever its markup: no page can stall
a worker. Tables, references, files, categories, formulas, hatnotes and pronunciations go;
templates.py says which templates leave text.
"""

import html
import re
from collections.abc import Iterator
from functools import cache

from components.preprocess.wikitext.brackets import find_outermost, split_arguments
from components.preprocess.wikitext.links import drop_plain_links, drop_web_links, read_link
from components.preprocess.wikitext.quotes import drop_quotes
from components.preprocess.wikitext.sites import Site
from components.preprocess.wikitext.tags import GAP, drop_elements, restore_literals
from components.preprocess.wikitext.templates.arguments import Arguments
from components.preprocess.wikitext.templates.expansion import expand_template
from components.preprocess.wikitext.variants import choose_variants

# MediaWiki's own limit on the depth of expansion is 40.
_MAX_DEPTH = 20

# {{{1|default}}}: a template's parameter, which on an article's own page has its default.
_PARAMETER = re.compile(r"\{\{\{[^{}|\[\]]*+(?:\|([^{}]*+))?\}\}\}")
_MAX_PARAMETER_DEPTH = 3

_MAGIC_WORD = re.compile(r"__[^\W\d_a-z]{3,30}__")
_BLOCK_TAG = re.compile(
    r"</?(?:p|div|blockquote|center|poem|ul|ol|dl|li|dd|dt|hr|h[1-6]|pre)\b[^<>]*>", re.IGNORECASE
)
_BREAK_TAG = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]*>")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")

# Raised and lowered numbers that would join the number before them and make another: 10<sup>6
# </sup> is 10^6, not 106. After a letter they stay as they are: km2, H2O.
_SIGNED = r"\s*+((?:[-−+–]|&minus;)?[0-9]+(?:[.,][0-9]+)?)\s*+"
_RAISED = re.compile(rf"(?<=[0-9)])<sup(?:\s[^<>]*)?>{_SIGNED}</sup>", re.IGNORECASE)
_LOWERED = re.compile(rf"(?<=[0-9)])<sub(?:\s[^<>]*)?>{_SIGNED}</sub>", re.IGNORECASE)
_FRACTION = re.compile(
    r"<sup(?:\s[^<>]*)?>([0-9]{1,9})</sup>(?:/|⁄|&frasl;)<sub(?:\s[^<>]*)?>([0-9]{1,9})</sub>",
    re.IGNORECASE,
)

# What stays of brackets that nobody closed.
_OPEN_TEMPLATE_OR_TABLE = re.compile(r"\{\{[^\n]*|^[ \t:*#]*+\{\|[^\n]*", re.MULTILINE)
_STRAY_BRACKETS = re.compile(r"\[\[|\]\]|\{\{|\}\}|\{\||\|\}")

_LINE_PREFIX = re.compile(r"[*#:;\s]+")
_RULE = re.compile(r"-{4,}")
_MAX_HEADING_LEVEL = 6
# Where the three below may change something. Most lines have neither, and looking for a known
# first character is quicker than trying three patterns at every one.
_LOOSE_OPENING = re.compile(r"[(\[][ ,;:/–—)\]-]")
_LOOSE_CLOSING = re.compile(r"[,;:] ?\)")
# Spaces are single ones here.
_HOLLOW_BRACKETS = re.compile(r"\( ?[,;:/–—-]? ?\)|\[ ?\]")
_BRACKET_START = re.compile(r"\( ?[,;:] ?")
_BRACKET_END = re.compile(r" ?[,;:] ?\)")
# A mark alone, after another: what stands around a template that leaves nothing.
_LONE_MARK = re.compile(r"(?<=[.!?,;:…])(?: [.,;:])+(?= |$)")


def clean_page(wikitext: str, title: str, site: Site) -> list[str]:
    """The paragraphs, list items and headings of an article, one string each."""
    text = choose_variants(drop_elements(wikitext), site.facts)
    if "{{{" in text:
        for _ in range(_MAX_PARAMETER_DEPTH):
            text = _PARAMETER.sub(lambda match: match[1] or "", text)
    text = _expand(text, title, site, depth=0)
    if "[[" in text:
        text = _open_file(site).sub("", text)
    if "{{" in text or "{|" in text:
        text = _OPEN_TEMPLATE_OR_TABLE.sub("", text)
    text = _strip_inline(text)
    return [paragraph for paragraph in map(_tidy, _join_lines(text)) if _has_word(paragraph)]


@cache
def _open_file(site: Site) -> re.Pattern[str]:
    """The beginning of a file or category that nobody closed."""
    names = "|".join(
        re.escape(name).replace(r"\ ", "[ _]")
        for name in sorted(site.file_names | site.category_names)
    )
    return re.compile(rf"\[\[\s*+(?:{names})\s*+:[^\n]*", re.IGNORECASE)


def _expand(text: str, title: str, site: Site, depth: int) -> str:
    """Put text in place of links, templates and tables."""
    if depth > _MAX_DEPTH:
        return ""
    text = drop_plain_links(text)

    def to_text(source: str) -> str:
        if "[[" in source or "{{" in source:
            return _expand(source, title, site, depth + 1)
        return source

    pieces = []
    position = 0
    for start, end in find_outermost(text):
        pieces.append(text[position:start])
        opening, inner = text[start : start + 2], text[start + 2 : end - 2]
        if opening == "[[":
            pieces.append(to_text(read_link(inner, site)))
        elif opening == "{{":
            name, *sources = split_arguments(inner)
            arguments = Arguments(sources, to_text, site.facts)
            pieces.append(expand_template(to_text(name), arguments, title))
        position = end
    pieces.append(text[position:])
    return "".join(pieces)


def _strip_inline(text: str) -> str:
    """Take away what marks text within a line, and leave the text."""
    text = drop_quotes(drop_web_links(text))
    if "__" in text:
        text = _MAGIC_WORD.sub("", text)
    if "<" in text:
        text = _BREAK_TAG.sub(" ", _BLOCK_TAG.sub("\n", text))
        if "<su" in text or "<SU" in text:
            text = _FRACTION.sub(rf"{GAP}\1/\2", text)
            text = _LOWERED.sub(r"_\1", _RAISED.sub(r"^\1", text))
        text = _TAG.sub("", text)
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text) if "&" in text else text


def _join_lines(text: str) -> Iterator[str]:
    """Paragraphs, whose lines may be wrapped, list items, and headings that have text below."""
    headings: list[tuple[int, str]] = []
    paragraph: list[str] = []
    for line in [*text.split("\n"), ""]:
        level, heading = _read_heading(line) if line.startswith("=") else (0, "")
        rule = _RULE.match(line) if line.startswith("-") else None
        is_text = bool(line) and line[0] not in "*#:;| \t" and not line.isspace()
        if is_text and not level and rule is None:
            paragraph.append(line)
            continue
        if paragraph:
            yield from (kept for _, kept in headings)
            headings = []
            yield " ".join(paragraph)
            paragraph = []
        if level:
            headings = [kept for kept in headings if kept[0] < level] + [(level, heading)]
        elif rule is not None:
            paragraph = [line[rule.end() :]] if rule.end() < len(line) else []
        elif item := _read_item(line):
            yield from (kept for _, kept in headings)
            headings = []
            yield item


def _read_heading(line: str) -> tuple[int, str]:
    """Return a heading's level and text; 0 for another line, such as `=5 is what he wrote`."""
    line = line.rstrip()
    level = min(
        len(line) - len(line.lstrip("=")), len(line) - len(line.rstrip("=")), _MAX_HEADING_LEVEL
    )
    text = line[level : len(line) - level] if len(line) > 2 * level else ""
    return (level, text) if text else (0, "")


def _read_item(line: str) -> str:
    """Return the text of a list item or an indented line, but not of an unclosed table's rows."""
    item = line.lstrip() if line[:1].isspace() else line
    if item.startswith("|") or not item:
        return ""
    item = _LINE_PREFIX.sub("", item, count=1) if item[0] in "*#:;" else item
    return item if _has_word(item) else ""


def _tidy(line: str) -> str:
    if "[" in line or "]" in line or "{" in line or "}" in line:
        line = _STRAY_BRACKETS.sub(" ", line)
    # Printable: no space but plain ones, and none of the private characters of literals.
    is_plain = line.isprintable()
    if not is_plain or "  " in line or line[:1] == " " or line[-1:] == " ":
        line = " ".join(line.split())
    if ("(" in line or "[" in line) and (
        _LOOSE_OPENING.search(line) or _LOOSE_CLOSING.search(line)
    ):
        line = _BRACKET_END.sub(")", _BRACKET_START.sub("(", _HOLLOW_BRACKETS.sub("", line)))
        line = " ".join(line.split())
    if " ." in line or " ," in line or " ;" in line or " :" in line:
        line = _LONE_MARK.sub("", line)
    return line if is_plain else restore_literals(line)


def _has_word(text: str) -> bool:
    return any(map(str.isalnum, text))
