"""Is a file what it should be, and all of it?

A cut export is found without decompressing 27 GB: bzip2 writes a mark at its end, and a
plain export ends with `</mediawiki>`. Gzip has no such mark, so it is read to its end.
"""

import bz2
import gzip
import re
import zlib
from collections.abc import Callable, Mapping
from io import BufferedIOBase
from pathlib import Path

from components.ingest.download.large_files import measure
from components.ingest.download.sources import Source
from components.shared.errors import InputError
from components.shared.files.dumps import (
    BZ2_STREAM,
    END_BYTES,
    Compression,
    is_end,
    recognize_compression,
    require_utf_8,
)
from components.shared.files.unpacking import UnpackingConfig, decompress_bz2, expect_plausible
from components.shared.stage.progress import progress_in_bytes

_HEAD_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 20
_HTML = re.compile(rb"^(\xef\xbb\xbf)?\s*<(!doctype\s+html|html)\b", re.IGNORECASE)
_WIKI = re.compile(rb"<dbname>([^<]{1,64})</dbname>")

# The square root of pi in BCD, 48 bits at any bit, then a CRC of 32 bits and up to 7 bits
# of padding.
_BZ2_END, _BZ2_END_BITS, _BZ2_CRC_BITS = 0x177245385090, 48, 32
_BZ2_TAIL_BYTES = 11
# Enough for the last stream of a Wikimedia multistream dump, which holds the closing tag.
_BZ2_LAST_STREAM_BYTES = 4 << 20


class DamagedFileError(InputError):
    """A file is not the one its conditions tell of: another download may bring that."""


def check_conditions(path: Path, source: Source) -> dict[str, str]:
    """Check a file against the size and checksums its source must have.

    Returns:
        Its digests by algorithm, SHA-256 and CRC32C (a store's) always among them.

    Raises:
        DamagedFileError: if one differs.
    """
    size = path.stat().st_size
    if source.num_bytes not in (None, size):
        raise DamagedFileError(
            f"{path}: {size} bytes, expected {source.num_bytes}; fetch it again or correct size="
        )
    expected = source.algorithm_to_digest
    digests = measure(path, {*expected, "sha256", "crc32c"})
    for algorithm, digest in expected.items():
        if digests[algorithm] != digest:
            raise DamagedFileError(
                f"{path}: {algorithm} {digests[algorithm]}, expected {digest}; the file is "
                "damaged or another version: fetch it again, or correct the checksum"
            )
    return digests


def check_not_a_page(path: Path) -> None:
    """Refuse an empty file and a web page, which many servers send in place of an error.

    Raises:
        InputError: then.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise InputError(f"{path}: the file is empty; fetch it again")
    if _HTML.match(head):
        title = re.search(rb"<title[^>]*>\s*([^<]*?)\s*</title>", head, re.IGNORECASE)
        said = f" titled {title[1].decode(errors='replace')!r}" if title else ""
        raise InputError(
            f"{path}: an HTML page{said}, not the file; open its address in a browser to see "
            "what the server says, and give the address of the file itself"
        )


def check_export(
    path: Path,
    compression: Compression,
    max_expansion: float = UnpackingConfig.max_expansion,
) -> str | None:
    """Check that a file is a MediaWiki XML export and not cut short.

    Returns:
        The wiki's name in the export (`enwiki`), if it says so.

    Raises:
        InputError: if it is something else, or only a part.
    """
    head = _read_head(path, compression)
    require_utf_8(path, head)
    if b"<mediawiki" not in head:
        start = head[:60].decode(errors="replace")
        raise InputError(
            f"{path}: not a MediaWiki XML export: no <mediawiki> in its first {len(head)} bytes, "
            f"which begin {start!r}; give a pages-articles dump or the result of Special:Export"
        )
    whole = {"plain": _is_whole_xml, "bz2": _is_whole_bz2, "gzip": _is_whole_gzip}[compression]
    if not whole(path, max_expansion):
        raise _cut_short(path)
    name = _WIKI.search(head)
    return name[1].decode(errors="replace") if name else None


def _read_head(path: Path, compression: Compression) -> bytes:
    _check_magic(path, compression)
    opener: Mapping[Compression, Callable[[Path], BufferedIOBase]]
    opener = {"plain": lambda plain: plain.open("rb"), "bz2": bz2.BZ2File, "gzip": gzip.GzipFile}
    try:
        with opener[compression](path) as file:
            return file.read(_HEAD_BYTES)
    except EOFError:
        raise _cut_short(path) from None
    except (OSError, zlib.error) as error:
        raise InputError(f"{path}: damaged {compression} data ({error}); fetch it again") from None


def _check_magic(path: Path, compression: Compression) -> None:
    with path.open("rb") as file:
        start = file.read(_BZ2_TAIL_BYTES)
    actual = recognize_compression(start)
    if actual != compression:
        raise InputError(
            f"{path}: its name says {compression}, its first bytes {start!r} say {actual}; "
            "give it the name that fits (.xml, .xml.bz2, .xml.gz) or fetch it again"
        )


def _is_whole_xml(path: Path, max_expansion: float) -> bool:  # noqa: ARG001
    return is_end(_read_tail(path, END_BYTES))


def _is_whole_bz2(path: Path, max_expansion: float) -> bool:
    # A multistream dump cut between two streams has the mark too, but not the closing tag.
    last = _read_tail(path, _BZ2_LAST_STREAM_BYTES)
    starts = [match.start() for match in BZ2_STREAM.finditer(last)]
    # One long stream. Without the mark at its end it is cut, or bytes follow it, which
    # bzip2 passes over: reading all of it tells.
    if not starts:
        if _has_bz2_end(last[-_BZ2_TAIL_BYTES:]):
            return True
        return _is_whole(path, bz2.BZ2File, "bz2", max_expansion)
    tail, end = b"", len(last)
    # The last stream may hold less than the end: tools for several processors cut anywhere.
    while starts and len(tail) < END_BYTES:
        start = starts.pop()
        tail = _unpack_stream(path, last[start:end], max_expansion) + tail
        end = start
    return is_end(tail)


def _unpack_stream(path: Path, packed: bytes, max_expansion: float) -> bytes:
    """The last bytes of a stream's content."""
    decompressor = bz2.BZ2Decompressor()
    content, num_bytes = b"", 0
    try:
        for block in decompress_bz2(decompressor, packed):
            num_bytes += len(block)
            expect_plausible(path, len(packed), num_bytes, max_expansion)
            content = (content + block)[-END_BYTES:]
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: damaged bz2 data near its end ({error}); fetch it again"
        ) from None
    if not decompressor.eof:
        raise _cut_short(path)
    return content


def _has_bz2_end(tail: bytes) -> bool:
    bits = int.from_bytes(tail, "big")
    mask = (1 << _BZ2_END_BITS) - 1
    return any(bits >> (_BZ2_CRC_BITS + padding) & mask == _BZ2_END for padding in range(8))


def _is_whole_gzip(path: Path, max_expansion: float) -> bool:
    return _is_whole(path, gzip.GzipFile, "gzip", max_expansion)


def _is_whole(
    path: Path, opener: Callable[..., BufferedIOBase], kind: Compression, max_expansion: float
) -> bool:
    """Whether a file can be unpacked to its end, which is an export's."""
    tail = b""
    size = path.stat().st_size
    argument = "fileobj" if kind == "gzip" else "filename"
    try:
        with (
            path.open("rb") as raw,
            opener(**{argument: raw}) as file,
            progress_in_bytes(f"Check {path.name}", size) as advance,
        ):
            position = 0
            num_bytes = 0
            while chunk := file.read(_CHUNK_BYTES):
                tail = (tail + chunk)[-END_BYTES:]
                num_bytes += len(chunk)
                expect_plausible(path, raw.tell(), num_bytes, max_expansion)
                advance(raw.tell() - position)
                position = raw.tell()
    except EOFError:
        return False
    except (OSError, zlib.error) as error:
        raise InputError(f"{path}: damaged {kind} data ({error}); fetch it again") from None
    return is_end(tail)


def _read_tail(path: Path, num_bytes: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - num_bytes))
        return file.read()


def _cut_short(path: Path) -> InputError:
    return InputError(
        f"{path}: cut short after {path.stat().st_size} bytes: the end of the export is missing; "
        "fetch it again (a checksum tells whether it is whole)"
    )
