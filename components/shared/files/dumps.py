"""MediaWiki's XML exports as files: how they are compressed, and in which encoding they are."""

import re
from pathlib import Path
from typing import Literal

from components.shared.errors import InputError

Compression = Literal["plain", "bz2", "gzip"]
# A stream of a multistream dump starts on a byte: its header, then the first block's mark, which
# is pi in BCD, or, where the stream is empty, the end's, the square root of pi.
BZ2_STREAM = re.compile(rb"BZh[1-9]1AY&SY")
EMPTY_BZ2_STREAM = re.compile(rb"BZh[1-9]\x17rE8P\x90")
_MAGIC_TO_COMPRESSION: dict[bytes, Compression] = {b"BZh": "bz2", b"\x1f\x8b": "gzip"}

_DECLARED = re.compile(rb"<\?xml[^>]{0,200}\bencoding=[\"']([A-Za-z0-9._-]{1,40})[\"']")
_UTF_16_STARTS = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")


def recognize_compression(start: bytes) -> Compression:
    """Tell how a file is compressed by its first three bytes or more."""
    found = (kind for magic, kind in _MAGIC_TO_COMPRESSION.items() if start.startswith(magic))
    return next(found, "plain")


def require_utf_8(path: Path | str, head: bytes) -> None:
    """Reject an export in another encoding: its pages would be lost one by one.

    Args:
        path: names the file in the message.
        head: how the file begins, unpacked.

    Raises:
        InputError: if the encoding is not UTF-8.
    """
    declared = _DECLARED.search(head[:400])
    if head.startswith(_UTF_16_STARTS):
        encoding = "UTF-16"
    elif declared and declared[1].upper() not in (b"UTF-8", b"UTF8", b"US-ASCII", b"ASCII"):
        encoding = declared[1].decode()
    else:
        return
    raise InputError(
        f"{path}: the export is in {encoding}, and only UTF-8 can be read; convert it: "
        f'iconv -f {encoding} -t UTF-8 EXPORT > EXPORT.xml, and change its encoding="…"'
    )
