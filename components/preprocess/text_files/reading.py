r"""Records out of a part of a text file.

A document belongs to the part in whose bytes it starts, so the documents read don't depend on how
a file was cut. Lines end with \n or \r\n.
"""

import codecs
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from components.preprocess.batches import RecordBatch, group_items
from components.preprocess.config import FILE, LINE
from components.preprocess.outcomes import TOO_LONG
from components.preprocess.text_files.compression import explained
from components.preprocess.text_files.files import (
    TextPart,
    open_seekable,
    open_unpacked,
)
from components.preprocess.text_files.records import Record

_CHUNK_BYTES = 1 << 18
# A part looks so far back for the blank line before its first document.
_LOOK_BACK_BYTES = 4096

# Where a line starts, and the line with its end; None for one that is too long.
_Line = tuple[int, bytes | None]


def read_record_batches(part: TextPart) -> Iterator[RecordBatch]:
    """Yield the records of a part in batches."""
    for records in group_items(read_records(part), lambda record: len(record.data)):
        yield RecordBatch(part.source, records)


def read_records(part: TextPart) -> Iterator[Record]:
    """The records that start in a part; one that is too long or no text comes with the reason.

    Raises:
        InputError: if the file is cut short or damaged.
    """
    path, compression = part.source.path, part.compression
    limits = part.limits
    if part.problem:
        yield Record(0, b"", part.problem)
        return
    if part.is_parquet:
        from components.preprocess.text_files import parquet  # slow to import

        groups = range(part.start, part.end)
        with open_seekable(path, compression, limits.max_expansion) as file:
            for row in parquet.read_rows(path, file, part.source.field, groups):
                too_long = len(row.data) > limits.document_bytes
                yield Record(row.place, b"", TOO_LONG) if too_long else row
        return
    with (
        open_unpacked(path, compression, limits.max_expansion) as file,
        explained(path, compression),
    ):
        yield from _read_text(_recode(file, part.recoded_from), part)


def _recode(file: BinaryIO, encoding: str) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_AsUtf8(file, encoding))) if encoding else file


def _read_text(file: BinaryIO, part: TextPart) -> Iterator[Record]:
    if part.documents == FILE:
        limit = part.limits.document_bytes
        data = file.read(limit + 1)
        too_long = len(data) > limit
        yield Record(0, b"", TOO_LONG) if too_long else Record(0, _without_mark(data))
    elif part.documents == LINE:
        yield from _read_lines(file, part)
    else:
        yield from _read_blocks(file, part)


def _read_lines(file: BinaryIO, part: TextPart) -> Iterator[Record]:
    """Yield each line that starts in the part and isn't blank."""
    for place, line in _list_lines(file, max(0, part.start - 1), part.limits.document_bytes):
        if place >= part.end and not part.is_whole_file:
            return
        if line is None:
            yield Record(place, b"", TOO_LONG)
        elif place >= part.start and (data := line.strip()):
            yield Record(place, data)


def _read_blocks(file: BinaryIO, part: TextPart) -> Iterator[Record]:
    """Yield each run of lines between blank ones that starts in the part."""
    block: list[bytes] = []
    place, num_bytes = -1, 0  # of the block; -1 outside of those that start in the part
    is_after_blank = part.start == 0
    limit = part.limits.document_bytes
    for start, line in _list_lines(file, max(0, part.start - _LOOK_BACK_BYTES), limit):
        is_blank = line is not None and not line.strip()
        if is_blank and place >= 0:
            yield _join(place, block, is_too_long=num_bytes > limit)
            block, place, num_bytes = [], -1, 0
        if place < 0 and start >= part.end and not part.is_whole_file:
            return
        if is_after_blank and not is_blank and start >= part.start:
            place = start
        if place >= 0:
            num_bytes += limit + 1 if line is None else len(line)
            if line is not None and num_bytes <= limit:
                block.append(line)
        is_after_blank = is_blank
    if place >= 0:
        yield _join(place, block, is_too_long=num_bytes > limit)


def _join(place: int, block: list[bytes], *, is_too_long: bool) -> Record:
    if is_too_long:
        return Record(place, b"", TOO_LONG)
    return Record(place, b"".join(block).strip())


def _list_lines(file: BinaryIO, start: int, limit: int) -> Iterator[_Line]:
    """The lines that start after a byte, or at the file's first; None for those above a limit."""
    position = 0
    if start:
        position = file.seek(start)
        position += _skip_line(file)
    while line := file.readline(limit + 1):
        place, position = position, position + len(line)
        if len(line) <= limit:
            yield place, line if place else _without_mark(line)
            continue
        if not line.endswith(b"\n"):
            position += _skip_line(file)
        yield place, None


def _skip_line(file: BinaryIO) -> int:
    """The bytes up to the end of a line."""
    num_bytes = 0
    while rest := file.readline(_CHUNK_BYTES):
        num_bytes += len(rest)
        if rest.endswith(b"\n"):
            break
    return num_bytes


def _without_mark(data: bytes) -> bytes:
    """The start of a file without UTF-8's byte order mark."""
    return data.removeprefix(codecs.BOM_UTF8)


class _AsUtf8(io.RawIOBase):
    """A file in another encoding, one whose line ends are not a byte, in UTF-8."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        super().__init__()
        self._file, self._unread = file, b""
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def readable(self) -> bool:
        """Return true: it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with at least a byte, unless the file is at its end."""
        while not self._unread:
            data = self._file.read(_CHUNK_BYTES)
            self._unread = self._decoder.decode(data, final=not data).encode("utf-8", "replace")
            if not data and not self._unread:
                return 0
        count = min(len(buffer), len(self._unread))
        buffer[:count], self._unread = self._unread[:count], self._unread[count:]
        return count
