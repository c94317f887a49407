"""The encodings that an XML export may have: UTF-8, which every wiki writes."""

import re
from pathlib import Path

from components.shared.errors import InputError

_DECLARED = re.compile(rb"<\?xml[^>]{0,200}\bencoding=[\"']([A-Za-z0-9._-]{1,40})[\"']")
_UTF_16_STARTS = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")


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
