"""From wikitext to the text that a reader of the article sees.

Every step takes time linear in the page's length, whatever its markup: no page can stall
a worker. Tables, references, files, categories, formulas, hatnotes and pronunciations go;
templates.py says which templates leave text.
"""

import html
import re
from collections.abc import Iterator

from components.preprocess.wikitext.arguments import Arguments
from components.preprocess.wikitext.brackets import find_outermost, split_arguments
from components.preprocess.wikitext.sites import Site
from components.preprocess.wikitext.tags import drop_elements, restore_literals
from components.preprocess.wikitext.templates import expand_template

# MediaWiki's own limit on the depth of expansion is 40.
_MAX_DEPTH = 20

# A target without a colon is in no namespace: no file, no category, no other wiki.
_LABELLED_LINK = re.compile(r"\[\[[^\[\]{}|:\n]+\|([^\[\]{}|\n]+)\]\]")
_PLAIN_LINK = re.compile(r"\[\[([^\[\]{}|:\n]+)\]\]")
_INTERLANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]+)*|simple")

# The bounds keep a line full of `[http://` from costing the square of its length.
_WEB_LINK = re.compile(
    r"\[(?:https?:|ftp:|mailto:)?//[^\s\[\]<>\"]{1,2000}[ \t]*([^\[\]\n]{0,1000})\]", re.IGNORECASE
)
_MAGIC_WORD = re.compile(r"__[^\W\d_a-z]{3,30}__")
_QUOTES = re.compile(r"'{2,}")
_BLOCK_TAG = re.compile(
    r"</?(?:p|div|blockquote|center|poem|ul|ol|dl|li|dd|dt|hr|h[1-6]|pre)\b[^<>]*>", re.IGNORECASE
)
_BREAK_TAG = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]*>")

# What stays of brackets that nobody closed.
_OPEN_FILE = r"\[\[\s*(?:{names})\s*:[^\n]*"
_OPEN_TEMPLATE_OR_TABLE = re.compile(r"\{\{[^\n]*|^[ \t:*#]*\{\|[^\n]*", re.MULTILINE)
_STRAY_BRACKETS = re.compile(r"\[\[|\]\]|\{\{|\}\}|\{\||\|\}")

_LINE_PREFIX = re.compile(r"[*#:;\s]+")
_HEADING = re.compile(r"(={1,6})(.+?)\1\s*$")
_HOLLOW_BRACKETS = re.compile(r"\(\s*[,;:/–—-]?\s*\)|\[\s*\]")
_BRACKET_START = re.compile(r"\(\s*[,;:]\s*")
_BRACKET_END = re.compile(r"\s*[,;:]\s*\)")
_SPACES = re.compile(r"\s+")


def clean_page(wikitext: str, title: str, site: Site) -> list[str]:
    """The paragraphs, list items and headings of an article, one string each."""
    text = drop_elements(wikitext)
    text = _expand(text, title, site, depth=0)
    text = re.sub(_OPEN_FILE.format(names=_names(site)), "", text, flags=re.IGNORECASE)
    text = _OPEN_TEMPLATE_OR_TABLE.sub("", text)
    text = _strip_inline(text)
    return [paragraph for paragraph in map(_tidy, _join_lines(text)) if _has_word(paragraph)]


def _expand(text: str, title: str, site: Site, depth: int) -> str:
    """Put text in place of links, templates and tables."""
    if depth > _MAX_DEPTH:
        return ""
    text = _PLAIN_LINK.sub(r"\1", _LABELLED_LINK.sub(r"\1", text))

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
            pieces.append(to_text(_read_link(inner, site)))
        elif opening == "{{":
            name, *sources = split_arguments(inner)
            arguments = Arguments(sources, to_text)
            pieces.append(expand_template(name, arguments, title, site.language))
        position = end
    pieces.append(text[position:])
    return "".join(pieces)


def _read_link(inner: str, site: Site) -> str:
    """What `[[inner]]` shows."""
    target, bar, label = inner.partition("|")
    if "\n" in target:
        return inner
    namespace, colon, rest = target.partition(":")
    if colon:
        namespace = namespace.strip().lower()
        if namespace in site.file_names or namespace in site.category_names:
            return ""
        if not bar and _INTERLANGUAGE.fullmatch(namespace):
            return ""
    has_label = bool(label.strip())
    if namespace:
        return label if has_label else target.lstrip(": ")
    # A link to another kind of page: its namespace is no part of the sentence.
    shown = label if has_label else rest
    kind, colon, name = shown.partition(":")
    is_known = kind.strip().lower() in site.file_names | site.category_names
    return name if colon and (is_known or not has_label) else shown


def _strip_inline(text: str) -> str:
    """Take away what marks text within a line, and leave the text."""
    text = _WEB_LINK.sub(r"\1", text)
    text = _QUOTES.sub(_keep_apostrophe, text)
    if "__" in text:
        text = _MAGIC_WORD.sub("", text)
    if "<" in text:
        text = _BREAK_TAG.sub(" ", _BLOCK_TAG.sub("\n", text))
        text = _TAG.sub("", text)
    return html.unescape(text)


def _keep_apostrophe(quotes: re.Match[str]) -> str:
    """`''''` is an apostrophe and bold; two, three and five mark italics and bold."""
    return "'" * {4: 1}.get(len(quotes[0]), max(0, len(quotes[0]) - 5))


def _join_lines(text: str) -> Iterator[str]:
    """Paragraphs, whose lines may be wrapped, list items, and headings that have text below."""
    headings: list[tuple[int, str]] = []
    paragraph: list[str] = []
    for line in [*text.split("\n"), ""]:
        is_text = bool(line) and line[0] not in "*#:;=| \t" and not line.isspace()
        if is_text and not line.startswith("----"):
            paragraph.append(line)
            continue
        if paragraph:
            yield from (heading for _, heading in headings)
            headings = []
            yield " ".join(paragraph)
            paragraph = []
        heading = _HEADING.match(line)
        if heading:
            level = len(heading[1])
            headings = [kept for kept in headings if kept[0] < level] + [(level, heading[2])]
        elif item := _read_item(line):
            yield from (heading for _, heading in headings)
            headings = []
            yield item


def _read_item(line: str) -> str:
    """The text of a list item or an indented line; rows of a table left open are none."""
    item = line.lstrip() if line[:1].isspace() else line
    if item.startswith(("|", "=", "----")) or not item:
        return ""
    item = _LINE_PREFIX.sub("", item, count=1) if item[0] in "*#:;" else item
    return item if _has_word(item) else ""


def _tidy(line: str) -> str:
    line = _STRAY_BRACKETS.sub(" ", line)
    if "(" in line or "[" in line:
        line = _BRACKET_END.sub(")", _BRACKET_START.sub("(", _HOLLOW_BRACKETS.sub("", line)))
    return restore_literals(_SPACES.sub(" ", line).strip())


def _has_word(text: str) -> bool:
    return any(map(str.isalnum, text))


def _names(site: Site) -> str:
    return "|".join(map(re.escape, sorted(site.file_names | site.category_names)))
