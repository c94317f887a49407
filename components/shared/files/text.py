r"""Text that UTF-8 can hold, whatever it was read from.

Half of a surrogate pair (U+D800 to U+DFFF on its own) is not a character: sentence splitters,
tokenizers, hashes and UTF-8 files raise an error for it. Escapes bring it in: `&#xD800;` in a
dump, `"\ud800"` in JSON and YAML. Whatever reads text replaces it with U+FFFD, the replacement
character, one for one, so that answers stay where answer_start says:

- components/preprocess/dump/pages.py in the XML of dumps; `html.unescape` in wikitext's references,
- components/preprocess/text_files/records.py in text of a user's own,
- `parse_json` in SQuAD files, tables and sets of sentences, labels, predictions and KFP's inputs,
- `replace_surrogates` in the YAML of parameters and schedules (pipelines/).

Bytes that are not UTF-8 are another matter: the file has another encoding, and replacing them
would lose every accent. Such a file or argument is an error, and such a page counts as broken.

What people and logs are shown of addresses goes through `mask_addresses`.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from components.shared.errors import InputError

# The user's name and password, or the query with a signature, of an address in a text; libraries
# of HTTP also show an address without its host ("url: /x?token=…").
_USER = re.compile(r"\b([a-zA-Z][\w+.-]*://)[^\s/?#'\"@]*(?:@[^\s/?#'\"@]*)*@")
# A bucket's address has no query, and a question mark in its pattern.
_QUERY = re.compile(
    r"(\b(?!gs:|s3:|minio:)[a-zA-Z][\w+.-]*://[^\s?'\"]*|\burl: /[^\s?'\"]*)"
    r"\?[^\s'\"#)]*?(?=[;,.:]*(?:[\s'\"#)]|\Z))"
)

_SURROGATE = re.compile("[\ud800-\udfff]")
# The escape of a surrogate, be it half a pair or one of two.
_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def replace_surrogates(value: Any) -> Any:
    """Replace lone surrogates in a text, or in all texts of a JSON value, keys included.

    Pairs become the character that they stand for: YAML's parser leaves them apart.
    """
    if isinstance(value, str):
        if not _SURROGATE.search(value):
            return value
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [replace_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {replace_surrogates(key): replace_surrogates(item) for key, item in value.items()}
    return value


def mask_addresses(text: str) -> str:
    """Hide what may be secret in the web addresses of a text: names, passwords and queries."""
    return _QUERY.sub(r"\1?***", _USER.sub(r"\1***@", text))


def format_number(number: float) -> str:
    """Write a whole number in full, any other with four digits."""
    return f"{number:.0f}" if float(number).is_integer() else f"{number:.4g}"


def parse_json(content: str | bytes) -> Any:
    """Parse a JSON document; lone surrogates in it are replaced.

    Raises:
        ValueError: if it is not JSON (json.JSONDecodeError) or not in UTF-8, UTF-16 or UTF-32
            (UnicodeDecodeError).
    """
    if isinstance(content, bytes):
        content = content.decode(json.detect_encoding(content), "surrogatepass")
    value = json.loads(content)
    # Hardly any document has one: looking is cheaper than walking through all of it.
    may_hold_some = _SURROGATE.search(content) or _ESCAPE.search(content)
    return replace_surrogates(value) if may_hold_some else value


def expect_utf8(arguments: Sequence[str]) -> None:
    """Reject a command line with bytes that are not UTF-8, which Python keeps as surrogates.

    Raises:
        InputError: naming the argument.
    """
    for argument in arguments:
        if _SURROGATE.search(argument):
            raise InputError(
                f"the argument {replace_surrogates(argument)!r} is not UTF-8; type it in UTF-8, "
                "or rename the file"
            )
