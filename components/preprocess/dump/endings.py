"""Does a file that is read in parts hold its end? A part cannot tell: it may be too small."""

import bz2
import os
from typing import BinaryIO

from components.preprocess.storage import filesystem
from components.shared.errors import InputError
from components.shared.files.dumps import BZ2_STREAM, END_BYTES, is_end
from components.shared.files.unpacking import decompress_bz2, expect_plausible

# A stream of Wikimedia's dumps takes some hundred KB.
_FIRST_WINDOW_BYTES, _MAX_WINDOW_BYTES = 1 << 20, 16 << 20
_STREAM_MARK_BYTES = 10


def require_end(path: str, *, is_bz2: bool, max_expansion: float) -> None:
    """Reject a file that is cut short.

    Args:
        path: a plain file, or bz2 of several streams.
        is_bz2: whether it is compressed.
        max_expansion: see `UnpackingConfig`.

    Raises:
        InputError: if it does not end with </mediawiki>.
    """
    tail = _read_bz2_tail(path, max_expansion) if is_bz2 else _read_last(path, END_BYTES)[0]
    if not is_end(tail):
        raise InputError(cut_short(path))


def cut_short(path: str) -> str:
    """Return the error for a file that lacks its end."""
    return f"{path}: cut short: it ends without </mediawiki>; fetch it again"


def _read_last(path: str, num_last: int) -> tuple[bytes, int]:
    """The last bytes of a file, and where they start."""
    with filesystem.open_file(path) as file:
        start = max(0, file.seek(0, os.SEEK_END) - num_last)
        file.seek(start)
        return file.read(), start


def _read_bz2_tail(path: str, max_expansion: float) -> bytes:
    """The last bytes of XML, out of as many streams at the end as it takes."""
    tail = b""
    with filesystem.open_file(path) as file:
        end = file.seek(0, os.SEEK_END)
        while end and len(tail) < END_BYTES:
            start = _find_last_stream(file, end)
            tail = _unpack(path, file, start, end, max_expansion) + tail
            end = start
    return tail


def _find_last_stream(file: BinaryIO, end: int) -> int:
    """Where the last stream starts before a byte; the file's first byte if there is no other."""
    window = _FIRST_WINDOW_BYTES
    while end > _STREAM_MARK_BYTES:
        start = max(0, end - window)
        file.seek(start)
        if found := [match.start() for match in BZ2_STREAM.finditer(file.read(end - start))]:
            return start + found[-1]
        end = start + _STREAM_MARK_BYTES - 1 if start else 0
        window = _MAX_WINDOW_BYTES
    return 0


def _unpack(path: str, file: BinaryIO, start: int, end: int, max_expansion: float) -> bytes:
    """The last bytes of a stream's content, without what follows the stream."""
    decompressor = bz2.BZ2Decompressor()
    tail, num_bytes = b"", 0
    file.seek(start)
    try:
        while not decompressor.eof:
            packed = file.read(min(_FIRST_WINDOW_BYTES, end - file.tell()))
            if not packed:
                raise InputError(cut_in_stream(path, start))
            for block in decompress_bz2(decompressor, packed):
                num_bytes += len(block)
                expect_plausible(path, file.tell() - start, num_bytes, max_expansion)
                tail = (tail + block)[-END_BYTES:]
    except OSError as error:
        raise InputError(damaged_bz2(path, error, start)) from None
    return tail


def damaged_bz2(path: str, error: OSError, start: int) -> str:
    """Return the error for a stream that bzip2's checksums reject."""
    return (
        f"{path}: damaged bz2 data ({error}) in the stream that starts at byte {start}; fetch it "
        "again"
    )


def cut_in_stream(path: str, start: int) -> str:
    """Return the error for a file that ends within a stream."""
    return f"{path}: cut short in the bz2 stream that starts at byte {start}; fetch it again"
