"""The files of a dump: what they are, and the pieces of work they are cut into."""

import bz2
import gzip
import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from components.preprocess.corpus_manifest import list_corpus
from components.preprocess.input_limits import DEFAULT_LIMITS, Limits
from components.preprocess.storage import filesystem
from components.preprocess.text_files.compression import EXPANSION
from components.preprocess.wikitext.sites import Site, read_site
from components.shared.errors import InputError
from components.shared.files.dumps import (
    BZ2_STREAM,
    Compression,
    recognize_compression,
    require_utf_8,
)

_MANIFEST = "dump.json"
_HEAD_BYTES, _CHUNK_BYTES = 1 << 17, 1 << 13
_SEARCHED_BYTES = 32 << 20


@dataclass(frozen=True)
class DumpFile:
    """A file of a dump, checked to be a MediaWiki export."""

    path: str
    num_bytes: int
    """As it is."""
    compression: Compression
    is_divisible: bool
    """Whether it can be read from the middle."""
    site: Site


@dataclass(frozen=True)
class DumpPart:
    """A piece of work: the pages that start in a range of a file's bytes."""

    path: str
    compression: Compression
    start: int
    end: int
    is_whole_file: bool
    """Whether it may hold far more pages than other parts."""
    site: Site
    limits: Limits


@dataclass(frozen=True)
class Dump:
    """The files of a dump."""

    files: Sequence[DumpFile]
    manifest: Any
    """What dump.json says, None where there is none."""
    limits: Limits

    @property
    def num_bytes(self) -> int:
        """The size of all files, as they are."""
        return sum(file.num_bytes for file in self.files)

    @property
    def estimated_bytes(self) -> int:
        """About how much XML they hold: the same for the same files, whatever the machine."""
        return int(sum(file.num_bytes * EXPANSION[file.compression] for file in self.files))

    @property
    def languages(self) -> list[str]:
        """The language of each file's wiki."""
        return [file.site.language for file in self.files]

    def cut(self, part_bytes: int) -> list[DumpPart]:
        """The pieces of work: ranges of bytes, and files that can't be divided."""
        parts = []
        for file in self.files:
            size = file.num_bytes
            step = part_bytes if file.is_divisible else size
            parts += [
                DumpPart(
                    file.path,
                    file.compression,
                    start,
                    min(start + step, size),
                    not file.is_divisible,
                    file.site,
                    self.limits,
                )
                for start in range(0, size, step)
            ]
        return parts


def open_dump(folder: str, limits: Limits = DEFAULT_LIMITS) -> Dump | None:
    """Find the files of a dump and look into the head of each.

    Returns:
        None if the manifest lists no file.

    Raises:
        InputError: if the folder has no file, or a file is not a MediaWiki export.
    """
    manifest, path_to_bytes = list_corpus(folder, _MANIFEST, hidden=(".",))
    if manifest is not None and manifest.is_empty:
        return None
    files = [_open_file(path, num_bytes) for path, num_bytes in path_to_bytes.items()]
    if not files:
        raise InputError(
            f"{folder}: no file in it; put a MediaWiki XML export there (.xml, .xml.bz2, .xml.gz)"
        )
    return Dump(files, manifest.document if manifest else None, limits)


def _open_file(path: str, num_bytes: int) -> DumpFile:
    with filesystem.open_file(path) as file:
        magic = file.read(3)
    if not magic:
        raise InputError(f"{path}: the file is empty; fetch it again")
    compression = recognize_compression(magic)
    head = _read_head(path, compression)
    if head[257:262] == "ustar":
        raise InputError(
            f"{path}: a tar archive; unpack it and give the folder with the exports, or give the "
            "archive to the ingest stage, which reads it"
        )
    if "<mediawiki" not in head:
        raise InputError(
            f"{path}: not a MediaWiki XML export: no <mediawiki> in its head, which begins "
            f"{head[:60]!r}; give a pages-articles dump or the result of Special:Export"
        )
    return DumpFile(path, num_bytes, compression, _is_divisible(path, compression), read_site(head))


def _is_divisible(path: str, compression: Compression) -> bool:
    """Whether a file can be read from the middle.

    A bz2 file can if a second stream starts within the first bytes, as in Wikimedia's dumps; a
    plain one unless it has CDATA, in which `<page>` would be text.
    """
    if compression == "gzip":
        return False
    with filesystem.open_file(path) as file:
        start = file.read(_SEARCHED_BYTES)
    if compression == "plain":
        return b"<![CDATA[" not in start
    return BZ2_STREAM.search(start, 1) is not None


def _read_head(path: str, compression: Compression) -> str:
    unpack: Any = {"bz2": bz2.open, "gzip": gzip.open, "plain": nullcontext}[compression]
    try:
        with filesystem.open_file(path) as packed, unpack(packed) as file:
            head = b""
            while len(head) < _HEAD_BYTES and b"</siteinfo>" not in head:
                if not (more := file.read(_CHUNK_BYTES)):
                    break
                head += more
            require_utf_8(path, head)
            return head.decode("utf-8", errors="replace")
    except EOFError:
        raise InputError(f"{path}: cut short: the end is missing; fetch it again") from None
    except (OSError, zlib.error) as error:
        raise InputError(f"{path}: damaged {compression} data ({error}); fetch it again") from None
