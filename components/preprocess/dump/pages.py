"""A page of a dump, and why some pages are not text to learn from."""

import re
from typing import NamedTuple
from xml.sax.saxutils import escape

from components.preprocess.languages.facts import fold_case, normalize_name
from components.preprocess.outcomes import (
    BROKEN,
    DISAMBIGUATION,
    NOT_AN_ARTICLE,
    REDIRECT,
)
from components.preprocess.rows.hashing import hash_64
from components.preprocess.wikitext.sites import Site

_CLOSING = "</page>"
_TITLE = re.compile(r"<title>([^<]*)</title>")
_TIMESTAMP = re.compile(r"<timestamp>([^<]*)</timestamp>")
# Comments of XML (those of wikitext are escaped) and CDATA; one that nobody closed goes on to the
# end, so that each character is looked at once.
_LITERAL = re.compile(r"<!--.*?(?:-->|\Z)|<!\[CDATA\[(.*?)(?:\]\]>|\Z)", re.DOTALL)
_NAMESPACE = re.compile(r"<ns>\s*(-?\d+)\s*</ns>")
_ID = re.compile(r"<id>\s*(\d+)\s*</id>")
_MODEL = re.compile(r"<model>([^<]*)</model>")
_TEXT = re.compile(r"<text\b[^>]*>")
_NUMERIC_REFERENCE = re.compile(r"&#(x[0-9a-fA-F]{1,6}|[0-9]{1,7});")
# `#REDIRECT [[…]]`, with a word of the wiki's language; `# Kaiser [[Karl]]` is a list.
_REDIRECT = re.compile(r"\s*[#＃]([^\s:#\[]{1,50})\s*:?\s*\[\[")
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


def parse_page(xml: bytes, site: Site) -> Page | str:
    """Read a `<page>…</page>`; for one that is not an article, the reason in a word or two."""
    try:
        page = xml.decode("utf-8")
    except UnicodeDecodeError:
        return BROKEN
    if not page.rstrip().endswith(_CLOSING):
        return BROKEN
    if "<!" in page:
        page = _LITERAL.sub(lambda match: escape(match[1] or ""), page)
    head, revision = _split_page(page)
    title, page_id, namespace = _TITLE.search(head), _ID.search(head), _NAMESPACE.search(head)
    if title is None:
        return BROKEN
    name = _unescape(title[1])
    if not _is_article(name, namespace, site):
        return NOT_AN_ARTICLE
    if "<redirect" in head:
        return REDIRECT
    model = _MODEL.search(revision) or _MODEL.search(head)
    if model is not None and model[1] != "wikitext":
        return NOT_AN_ARTICLE
    wikitext = _read_text(revision)
    if wikitext is None:
        return BROKEN
    redirect = _REDIRECT.match(wikitext)
    if redirect is not None and fold_case(redirect[1]) in site.facts.redirect_words:
        return REDIRECT
    if _DISAMBIGUATION_TITLE.search(name) or _DISAMBIGUATION.search(wikitext):
        return DISAMBIGUATION
    # The schema lets a page go without a number.
    number = int(page_id[1]) if page_id else hash_64("page", name) >> 1
    return Page(number, name, wikitext)


def _split_page(page: str) -> tuple[str, str]:
    """What a page says of itself, and its newest revision: an export may hold several.

    Revisions stand in any order, and other elements between them: the newest one is that with
    the latest timestamp, and of equal ones the last.
    """
    head, *revisions = page.split("<revision>")
    head = head.partition("<upload>")[0]  # of a file, with numbers of its own
    revisions = [revision.partition("</revision>")[0] for revision in revisions]
    if len(revisions) > 1:
        return head, max(reversed(revisions), key=_find_timestamp)
    if revisions:
        return head, revisions[0]
    head, text, rest = page.partition("<text")  # as other tools write pages
    return head, head + text + rest


def _find_timestamp(revision: str) -> str:
    timestamp = _TIMESTAMP.search(revision)
    return timestamp[1].strip() if timestamp else ""


def _is_article(title: str, namespace: re.Match[str] | None, site: Site) -> bool:
    """Whether a page is in the namespace of articles; <ns> is missing in old exports."""
    if namespace is not None:
        return namespace[1] == "0"
    prefix, colon, _ = title.partition(":")
    return not colon or normalize_name(prefix) not in site.other_names


def _read_text(revision: str) -> str | None:
    opening = _TEXT.search(revision)
    if opening is None:
        return None
    if opening[0].endswith("/>"):
        return ""
    end = revision.find("</text>", opening.end())
    return None if end < 0 else _unescape(revision[opening.end() : end])


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
