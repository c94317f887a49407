"""Pages out of a part of a dump file.

A page belongs to the part in whose bytes it starts, so the pages read don't depend on how
a file was cut. In a multistream bz2 a byte counts as its stream's first; streams are found
by the marks they start with, without an index.

A page's start and end depend only on the text right there, whatever the XML before it: it
starts at `<page>` and ends at the next `</page>`, or, unclosed, where another one starts.
"""

import bz2
import gzip
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from components.preprocess.batches import PageBatch, group_items
from components.preprocess.dump.endings import (
    cut_in_stream,
    cut_short,
    damaged_bz2,
    require_end,
)
from components.preprocess.dump.files import DumpPart
from components.preprocess.outcomes import TOO_LONG
from components.preprocess.storage import filesystem
from components.shared.errors import InputError
from components.shared.files.dumps import BZ2_STREAM, EMPTY_BZ2_STREAM, END_BYTES, is_end
from components.shared.files.unpacking import BoundedReader, decompress_bz2, expect_plausible

_CHUNK_BYTES = 1 << 18
_OPEN, _CLOSE = b"<page>", b"</page>"
_CDATA, _CDATA_END = b"<![CDATA[", b"]]>"
_STREAM_MARK_BYTES = 10

# Some bytes of XML, and whether they are the part's own or come after its end.
_Block = tuple[bytes, bool]


def read_page_batches(part: DumpPart) -> Iterator[PageBatch]:
    """Yield the pages of a part of the dump in batches."""
    for pages in group_items(read_pages(part), len):
        yield PageBatch(part.site, pages)


def read_pages(part: DumpPart) -> Iterator[bytes | str]:
    """The `<page>…</page>` that start in a part.

    One that is not closed comes cut, and `TOO_LONG` in place of one that is.

    Raises:
        InputError: if the file is cut short or damaged.
    """
    buffer = b""
    # The part's own bytes in the buffer, None as long as all are.
    num_own: int | None = None
    tail, limit = b"", part.limits.document_bytes
    blocks, has_read = _read_blocks(part), False
    while True:
        data, num_own_data = _read_at_least(len(buffer), blocks)
        if not data:
            break
        if num_own_data < len(data) and num_own is None:
            num_own = len(buffer) + num_own_data
        buffer, has_read = buffer + data, True
        if part.is_whole_file:
            tail = (tail + data)[-END_BYTES:]
        position = 0
        while page := _find_page(buffer, position, part):
            start, end = page
            if num_own is not None and start >= num_own:
                return
            is_too_long = end - start >= limit
            yield TOO_LONG if is_too_long else buffer[start:end]
            # What follows the beginning of a page that is too long may hold others.
            position = start + len(_OPEN) if is_too_long else end
        start = buffer.find(_OPEN, position)
        position = start if start >= 0 else max(position, len(buffer) - len(_OPEN) + 1)
        if num_own is not None and position >= num_own:
            return
        buffer = buffer[position:]
        num_own = None if num_own is None else num_own - position
    if not part.is_whole_file and has_read:
        is_bz2, most = part.compression == "bz2", part.limits.max_expansion
        require_end(part.path, is_bz2=is_bz2, max_expansion=most)
    elif part.is_whole_file and not is_end(tail):
        raise InputError(cut_short(part.path))
    if buffer.startswith(_OPEN):
        yield buffer  # never closed


def _read_at_least(num_bytes: int, blocks: Iterator[_Block]) -> tuple[bytes, int]:
    """Some blocks joined, and how many bytes of them are the part's own; fewer at the end.

    As many as wait for a page's end already: each byte is copied and searched a few times only.
    """
    read, num_read, num_own = [], 0, 0
    for block, is_own in blocks:
        read.append(block)
        num_read += len(block)
        num_own += len(block) * is_own
        if num_read >= num_bytes:
            break
    return b"".join(read), num_own


def _find_page(buffer: bytes, position: int, part: DumpPart) -> tuple[int, int] | None:
    """Start and end of the next page in a buffer; None if it isn't known yet where it ends."""
    start = buffer.find(_OPEN, position)
    if start < 0:
        return None
    position = start + len(_OPEN)
    while True:
        close, following = buffer.find(_CLOSE, position), buffer.find(_OPEN, position)
        found = [end for end in (close, following) if end >= 0]
        limit = start + part.limits.document_bytes
        if not found or min(found) >= limit:
            return (start, limit) if len(buffer) >= limit + len(_CLOSE) else None
        end = min(found)
        # Only a file that is read in one piece can tell what stands in CDATA.
        cdata = buffer.find(_CDATA, position, end) if part.is_whole_file else -1
        if cdata < 0:
            return (start, end + len(_CLOSE) if end == close else end)
        cdata_end = buffer.find(_CDATA_END, cdata)
        if cdata_end < 0:
            return (start, limit) if len(buffer) >= limit + len(_CLOSE) else None
        position = cdata_end + len(_CDATA_END)


def _read_blocks(part: DumpPart) -> Iterator[_Block]:
    with filesystem.open_file(part.path) as file:
        if part.compression == "bz2":
            yield from _read_bz2(file, part)
        elif part.compression == "gzip":
            yield from _read_gzip(file, part)
        else:
            yield from _read_plain(file, part)


def _read_plain(file: BinaryIO, part: DumpPart) -> Iterator[_Block]:
    file.seek(part.start)
    position = part.start
    while block := file.read(min(_CHUNK_BYTES, part.end - position) or _CHUNK_BYTES):
        yield block, position < part.end
        position = min(position + len(block), part.end)


def _read_gzip(file: BinaryIO, part: DumpPart) -> Iterator[_Block]:
    try:
        unpacking = gzip.GzipFile(fileobj=file)
        with BoundedReader(unpacking, file, part.path, part.limits.max_expansion) as unpacked:
            while block := unpacked.read(_CHUNK_BYTES):
                yield block, True
    except EOFError:
        raise InputError(cut_short(part.path)) from None
    except (OSError, zlib.error) as error:
        raise InputError(f"{part.path}: damaged gzip data ({error}); fetch it again") from None


def _read_bz2(file: BinaryIO, part: DumpPart) -> Iterator[_Block]:
    """The streams that start in the part, then those after it."""
    stream_start = _find_stream(file, part)
    if stream_start is None:
        return
    file.seek(stream_start)
    first_start, data, num_bytes = stream_start, b"", 0
    while True:
        decompressor = bz2.BZ2Decompressor()
        while not decompressor.eof:
            data = data or file.read(_CHUNK_BYTES)
            if not data:
                raise InputError(cut_in_stream(part.path, stream_start))
            try:
                for block in decompress_bz2(decompressor, data):
                    num_bytes += len(block)
                    most = part.limits.max_expansion
                    expect_plausible(part.path, file.tell() - first_start, num_bytes, most)
                    yield block, stream_start < part.end
            except OSError as error:
                raise InputError(damaged_bz2(part.path, error, stream_start)) from None
            data = b""
        data = decompressor.unused_data
        if len(data) < _STREAM_MARK_BYTES:
            data += file.read(_CHUNK_BYTES)
        stream_start = file.tell() - len(data)
        # The file's end, or bytes after it, which bzip2 passes over as well.
        if not BZ2_STREAM.match(data) and not EMPTY_BZ2_STREAM.match(data):
            return


def _find_stream(file: BinaryIO, part: DumpPart) -> int | None:
    """Where the first stream starts that starts in the part."""
    file.seek(part.start)
    position = part.start
    kept = b""
    last = part.end + _STREAM_MARK_BYTES - 1
    while chunk := file.read(min(_CHUNK_BYTES, last - position)):
        position += len(chunk)
        window = kept + chunk
        if found := BZ2_STREAM.search(window):
            return position - len(window) + found.start()
        kept = window[-(_STREAM_MARK_BYTES - 1) :]
    return None
