"""Links: what [[…]] and [http://…] show."""

import re
from collections.abc import Callable
from operator import itemgetter

from components.preprocess.languages.facts import normalize_name, wiki_codes
from components.preprocess.wikitext.sites import Site

# A target without a colon is in no namespace: no file, no category, no other wiki.
_LABELLED_LINK = re.compile(r"\[\[[^\[\]{}|:\n]++\|([^\[\]{}|\n]++)\]\]")
_PLAIN_LINK = re.compile(r"\[\[([^\[\]{}|:\n]++)\]\]")
# In place of the template r"\1", which Python 3.11 fills in with Python.
_first_group: Callable[[re.Match[str]], str] = itemgetter(1)

# MediaWiki's $wgUrlProtocols. Possessive, and bounded: a line full of `[http://` costs its
# length, not the square of it.
_PROTOCOLS = (
    r"(?:bitcoin:|ftps?://|geo:|git://|gopher://|https?://|ircs?://|magnet:|mailto:|matrix:|mms://"
    r"|news:|nntp://|redis://|sftp://|sips?:|sms:|ssh://|svn://|tel:|telnet://|urn:|worldwind://"
    r"|xmpp:|//)"
)
_WEB_LINK = re.compile(
    rf"\[{_PROTOCOLS}[^\s\[\]<>\"]{{1,2000}}+[ \t]{{0,100}}+([^\[\]\n]{{0,1000}}+)\]", re.IGNORECASE
)


def drop_plain_links(text: str) -> str:
    """Put text in place of the links that lead to an article: by far the most."""
    return _PLAIN_LINK.sub(_first_group, _LABELLED_LINK.sub(_first_group, text))


def drop_web_links(text: str) -> str:
    """Put their labels in place of links to web pages; a bare address in brackets goes."""
    return _WEB_LINK.sub(_first_group, text)


def read_link(inner: str, site: Site) -> str:
    """Return the text that `[[inner]]` shows."""
    target, bar, label = inner.partition("|")
    if "\n" in target:
        return inner
    namespace, colon, rest = target.partition(":")
    has_label = bool(label.strip())
    if not colon:
        return label if has_label else target
    namespace = normalize_name(namespace)
    if namespace in site.file_names or namespace in site.category_names:
        return ""
    if not bar and namespace in wiki_codes():
        return ""
    if namespace:
        return label if has_label else target
    # A link to another kind of page: its namespace is not part of the sentence.
    shown = label if has_label else rest
    kind, colon, name = shown.partition(":")
    is_known = normalize_name(kind) in site.file_names | site.category_names
    return name if colon and (is_known or not has_label) else shown
