"""A page of a dump, and why some pages are no text to learn from."""

import re
from typing import NamedTuple

# A wikitext has 2 MiB at most ($wgMaxArticleSize); its XML may be somewhat longer.
MAX_PAGE_BYTES = 8 << 20

# What becomes of a page, in dataset.json.
KEPT = "kept"
REDIRECT = "redirect"
NOT_AN_ARTICLE = "not an article"
DISAMBIGUATION = "disambiguation"
BROKEN = "broken"
TOO_LONG = "too long"
TOO_SLOW = "too slow"
TOO_MUCH_MEMORY = "too much memory"
FAILED = "failed"
EMPTY = "no text"
DUPLICATE = "duplicate"

_TITLE = re.compile(r"<title>([^<]*)</title>")
_NAMESPACE = re.compile(r"<ns>\s*(-?\d+)\s*</ns>")
_ID = re.compile(r"<id>\s*(\d+)\s*</id>")
_MODEL = re.compile(r"<model>([^<]*)</model>")
_TEXT = re.compile(r"<text\b[^>]*>")
_NUMERIC_REFERENCE = re.compile(r"&#(x[0-9a-fA-F]{1,6}|[0-9]{1,7});")
# `#REDIRECT [[…]]` in any language: a `#`, a word, a link.
_REDIRECT = re.compile(r"\s*#\s*[^\W\d]+\s*:?\s*\[\[")
# Of some thirty languages; other wikis' pages stay in.
_DISAMBIGUATION = re.compile(
    r"\{\{\s*(?:disambig\w*|dis|dab|(?:\w+ ){0,3}disambiguation(?: page)?|hndis|geodis|numberdis"
    r"|mathdab|letter-number combination disambig\w*|begriffsklärung|homonymie"
    r"|desambiguaci[oó]n?|desambiguação|disambigua|dp|doorverwijspagina|ujednoznacznienie"
    r"|förgrening\w*|flertydig|peker\w*|täsmennyssivu|rozcestník|egyért\w*|anlam ayrımı|apartigilo"
    r"|dezambiguizare|αποσαφήνιση|пояснение|неоднозначность|многозначность|багатозначність"
    r"|вишезначна одредница|ابهام‌زدایی|توضيح|פירושונים|định hướng|동음이의\w*|동명이인|aimai"
    r"|曖昧さ回避|人名の曖昧さ回避|地名の曖昧さ回避|消歧义|消歧義|消歧义页)"
    r"\s*(?:\||\}\})",
    re.IGNORECASE,
)
_DISAMBIGUATION_TITLE = re.compile(
    r"[ _]?[(（](?:disambiguation|begriffsklärung|homonymie|desambiguación|desambiguação"
    r"|disambigua|doorverwijspagina|ujednoznacznienie|olika betydelser|значения|значення"
    r"|曖昧さ回避|消歧义|消歧義|동음이의)[)）]",
    re.IGNORECASE,
)


class Page(NamedTuple):
    """An article as its authors wrote it."""

    page_id: int
    title: str
    wikitext: str


def parse_page(xml: bytes) -> Page | str:
    """Read a `<page>…</page>`; for one that is no article, the reason in a word or two."""
    if len(xml) >= MAX_PAGE_BYTES:
        return TOO_LONG
    try:
        page = xml.decode("utf-8")
    except UnicodeDecodeError:
        return BROKEN
    # The last revision is the newest, where an export holds several.
    text_start = page.rfind("<text")
    head = page if text_start < 0 else page[: page.find("<text")]
    title, page_id, namespace = _TITLE.search(head), _ID.search(head), _NAMESPACE.search(head)
    if title is None or page_id is None:
        return BROKEN
    if namespace is not None and namespace[1] != "0":
        return NOT_AN_ARTICLE
    if "<redirect" in head:
        return REDIRECT
    model = _MODEL.search(head)
    if model is not None and model[1] != "wikitext":
        return NOT_AN_ARTICLE
    wikitext = _read_text(page, text_start)
    if wikitext is None:
        return BROKEN
    if _REDIRECT.match(wikitext):
        return REDIRECT
    name = _unescape(title[1])
    if _DISAMBIGUATION_TITLE.search(name) or _DISAMBIGUATION.search(wikitext):
        return DISAMBIGUATION
    return Page(int(page_id[1]), name, wikitext)


def _read_text(page: str, start: int) -> str | None:
    opening = _TEXT.match(page, start) if start >= 0 else None
    if opening is None:
        return None
    if opening[0].endswith("/>"):
        return ""
    end = page.find("</text>", opening.end())
    return None if end < 0 else _unescape(page[opening.end() : end])


def _unescape(text: str) -> str:
    """What XML escapes; the entities of HTML are wikitext's own and stay."""
    if "&" not in text:
        return text
    if "&#" in text:
        text = _NUMERIC_REFERENCE.sub(_character, text)
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    return text.replace("&apos;", "'").replace("&amp;", "&")


def _character(reference: re.Match[str]) -> str:
    digits = reference[1]
    code = int(digits[1:], 16) if digits[0] == "x" else int(digits)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffd"
