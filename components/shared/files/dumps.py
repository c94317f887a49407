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

# Comments may follow the last tag.
_END = re.compile(rb"</mediawiki>\s*(?:<!--(?:[^-]|-(?!->))*-->\s*)*\Z")
END_BYTES = 4096
"""How many of an export's last bytes tell whether it is whole."""

_DECLARED = re.compile(rb"<\?xml[^>]{0,200}\bencoding=[\"']([A-Za-z0-9._-]{1,40})[\"']")
# By how a file begins; UTF-32's mark begins with UTF-16's. Without a mark, iconv has to be told
# the order of bytes.
_START_TO_ENCODING = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"<\0\0\0": "UTF-32LE",
    b"\0\0\0<": "UTF-32BE",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"<\0": "UTF-16LE",
    b"\0<": "UTF-16BE",
}
_READABLE = ("UTF-8", "UTF8", "US-ASCII", "ASCII")


def recognize_compression(start: bytes) -> Compression:
    """Tell how a file is compressed by its first three bytes or more."""
    found = (kind for magic, kind in _MAGIC_TO_COMPRESSION.items() if start.startswith(magic))
    return next(found, "plain")


def is_end(tail: bytes) -> bool:
    """Whether the last bytes of a file, unpacked, are how an export ends."""
    return _END.search(tail[-END_BYTES:]) is not None


def require_utf_8(path: Path | str, head: bytes) -> None:
    """Reject an export in another encoding: its pages would be lost one by one.

    Args:
        path: names the file in the message.
        head: how the file begins, unpacked.

    Raises:
        InputError: if the encoding is not UTF-8.
    """
    found = (name for start, name in _START_TO_ENCODING.items() if head.startswith(start))
    encoding = next(found, None)
    if encoding is None:
        declared = _DECLARED.search(head[:400])
        encoding = declared[1].decode() if declared else "UTF-8"
    if encoding.upper() in _READABLE:
        return
    raise InputError(
        f"{path}: the export is in {encoding}, and only UTF-8 can be read; convert it: "
        f'iconv -f {encoding} -t UTF-8 EXPORT > EXPORT.xml, and change its encoding="…"'
    )
