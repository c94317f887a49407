"""Pages out of a part of a dump file.

A page belongs to the part in whose bytes it starts, so the pages read don't depend on how
a file was cut. In a multistream bz2 a byte counts as its stream's first; streams are found
by the marks they start with, without an index.
"""

import bz2
import gzip
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from components.preprocess import places
from components.preprocess.dump import BZ2_STREAM, Part
from components.preprocess.pages import MAX_PAGE_BYTES
from components.shared.errors import InputError

_CHUNK_BYTES = 1 << 18
_OPEN, _CLOSE, _END = b"<page>", b"</page>", b"</mediawiki>"
_TAIL_BYTES = 64
_STREAM_MARK_BYTES = 10

# Some bytes of XML, and whether they are the part's own or come after its end.
_Block = tuple[bytes, bool]


def read_pages(part: Part) -> Iterator[bytes]:
    """The `<page>…</page>` that start in a part; one that is too long comes cut, unclosed.

    Raises:
        InputError: if the file is cut short or damaged.
    """
    buffer = b""
    skipping = False  # in a page that was too long
    tail = b""
    blocks = _read_blocks(part)
    for block, is_own in blocks:
        if not is_own:
            yield from _finish_page(buffer, block, blocks, part, skipping=skipping)
            return
        buffer += block
        tail = (tail + block)[-_TAIL_BYTES:]
        position = 0
        if skipping:
            position = _end_of(_CLOSE, buffer, 0)
            skipping = position < 0
        while not skipping:
            start = buffer.find(_OPEN, position)
            end = _end_of(_CLOSE, buffer, start) if start >= 0 else -1
            if end < 0:
                break
            yield buffer[start:end]
            position = end
        buffer = buffer[-len(_CLOSE) :] if skipping else buffer[position:]
        if len(buffer) > MAX_PAGE_BYTES:
            if _OPEN in buffer:
                yield _cut_page(buffer, buffer.find(_OPEN))
            skipping = True
    tail = tail.strip()
    # The part may start within the closing tag.
    if not tail.endswith(_END) and not _END.endswith(tail):
        raise InputError(_cut_short(part.path))


def _finish_page(
    buffer: bytes, block: bytes, blocks: Iterator[_Block], part: Part, *, skipping: bool
) -> Iterator[bytes]:
    """Read on after the part's end if its last page isn't complete yet."""
    if skipping:
        return
    own = len(buffer)
    while True:
        buffer += block
        start = buffer.find(_OPEN)
        if start >= own or (start < 0 and len(buffer) >= own + len(_OPEN)):
            return
        end = _end_of(_CLOSE, buffer, start) if start >= 0 else -1
        if end >= 0 or len(buffer) > MAX_PAGE_BYTES:
            yield buffer[start:end] if end >= 0 else _cut_page(buffer, start)
            return
        following = next(blocks, None)
        if following is None:
            if start >= 0:
                raise InputError(_cut_short(part.path))
            return
        block = following[0]


def _cut_page(buffer: bytes, start: int) -> bytes:
    """The beginning of a page that is too long, no shorter than the limit."""
    return buffer[start : start + MAX_PAGE_BYTES].ljust(MAX_PAGE_BYTES)


def _end_of(tag: bytes, buffer: bytes, start: int) -> int:
    found = buffer.find(tag, start)
    return found + len(tag) if found >= 0 else -1


def _read_blocks(part: Part) -> Iterator[_Block]:
    with places.open_file(part.path) as file:
        if part.compression == "bz2":
            yield from _read_bz2(file, part)
        elif part.compression == "gzip":
            yield from _read_gzip(file, part)
        else:
            yield from _read_plain(file, part)


def _read_plain(file: BinaryIO, part: Part) -> Iterator[_Block]:
    file.seek(part.start)
    position = part.start
    while block := file.read(min(_CHUNK_BYTES, part.end - position) or _CHUNK_BYTES):
        yield block, position < part.end
        position = min(position + len(block), part.end)


def _read_gzip(file: BinaryIO, part: Part) -> Iterator[_Block]:
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            while block := unpacked.read(_CHUNK_BYTES):
                yield block, True
    except EOFError:
        raise InputError(_cut_short(part.path)) from None
    except (OSError, zlib.error) as error:
        raise InputError(f"{part.path}: damaged gzip data ({error}); fetch it again") from None


def _read_bz2(file: BinaryIO, part: Part) -> Iterator[_Block]:
    """The streams that start in the part, then those after it."""
    stream_start = _find_stream(file, part)
    if stream_start is None:
        return
    file.seek(stream_start)
    data = b""
    while True:
        decompressor = bz2.BZ2Decompressor()
        while not decompressor.eof:
            data = data or file.read(_CHUNK_BYTES)
            if not data:
                raise InputError(
                    f"{part.path}: cut short in the bz2 stream that starts at byte "
                    f"{stream_start}; fetch it again"
                )
            try:
                block = decompressor.decompress(data)
            except OSError as error:
                raise InputError(
                    f"{part.path}: damaged bz2 data ({error}) in the stream that starts at byte "
                    f"{stream_start}; fetch it again"
                ) from None
            data = b""
            if block:
                yield block, stream_start < part.end
        data = decompressor.unused_data
        if len(data) < _STREAM_MARK_BYTES:
            data += file.read(_CHUNK_BYTES)
        stream_start = file.tell() - len(data)
        if not data.startswith(b"BZh"):  # the file's end, or padding after it
            return


def _find_stream(file: BinaryIO, part: Part) -> int | None:
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


def _cut_short(path: str) -> str:
    return f"{path}: cut short: it ends without </mediawiki>; fetch it again"
