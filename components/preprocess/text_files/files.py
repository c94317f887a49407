"""Text files: what they are, and the pieces of work they are cut into."""

import codecs
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from components.preprocess.config import BLANK_LINE, FILE, GOOGLE_LINES, LINE, TextDocuments
from components.preprocess.corpus_manifest import list_corpus
from components.preprocess.input_limits import DEFAULT_LIMITS, Limits
from components.preprocess.outcomes import EMPTY_FILE, HTML
from components.preprocess.storage import filesystem
from components.preprocess.text_files.compression import (
    ENDINGS,
    EXPANSION,
    Compression,
    explained,
    recognize,
    unpack,
)
from components.preprocess.text_files.records import Form, TextSource
from components.shared.errors import InputError

_MANIFEST = "text.json"
_PARQUET = b"PAR1"
_JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
_HEAD_BYTES = 1024
_HTML_STARTS = (b"<!doctype html", b"<html")
_EXPORT_START = re.compile(rb"(<\?xml[^>]*>\s*)?<mediawiki")
# Spark and others leave files such as _SUCCESS beside those with data.
_NO_DATA = ("_", ".")


@dataclass(frozen=True, kw_only=True)
class TextSettings:
    """How text files are read."""

    documents: TextDocuments = BLANK_LINE
    """What a document is in plain text."""
    field: str = "text"
    """Of JSON lines, or the column of Parquet."""
    encoding: str = "utf-8"
    language: str = "en"
    limits: Limits = DEFAULT_LIMITS

    @property
    def has_plain_newlines(self) -> bool:
        """Whether a line ends with the byte of ASCII, as in all encodings but UTF-16 and UTF-32."""
        return "\n\n".encode(self.encoding).endswith(b"\n\n")


@dataclass(frozen=True)
class TextPart:
    """A piece of work: the documents that start in a range of bytes, or in some row groups."""

    source: TextSource
    documents: TextDocuments
    compression: Compression
    start: int
    end: int
    is_whole_file: bool
    """Whether it may hold far more documents than other parts."""
    is_parquet: bool
    """Whether start and end count row groups."""
    recoded_from: str
    """The encoding of a file that is read as UTF-8, since its line ends are not a byte."""
    problem: str
    """Why there is no text in it."""
    limits: Limits


@dataclass(frozen=True)
class TextFile:
    """A text file, looked into."""

    path: str
    num_bytes: int
    """As it is."""
    compression: Compression
    form: Form
    row_group_bytes: Sequence[int] | None = None
    """Of Parquet."""
    problem: str = ""
    """Why there is no text in it."""

    @property
    def estimated_bytes(self) -> int:
        """About how much text it holds."""
        if self.row_group_bytes is not None:
            return sum(self.row_group_bytes)
        return int(self.num_bytes * EXPANSION[self.compression])


@dataclass(frozen=True)
class TextFiles:
    """The text files of a user."""

    files: Sequence[TextFile]
    settings: TextSettings
    manifest: Any
    """The content of text.json; None without one."""

    @property
    def num_bytes(self) -> int:
        """The size of all files, as they are."""
        return sum(file.num_bytes for file in self.files)

    @property
    def estimated_bytes(self) -> int:
        """About how much text they hold: the same for the same files, whatever the machine."""
        return sum(file.estimated_bytes for file in self.files)

    @property
    def languages(self) -> list[str]:
        """The language that all of them are in."""
        return [self.settings.language]

    def cut(self, part_bytes: int) -> list[TextPart]:
        """The pieces of work: ranges of bytes or row groups, and files that can't be divided."""
        return [part for file in self.files for part in self._cut_file(file, part_bytes)]

    def _cut_file(self, file: TextFile, part_bytes: int) -> Iterator[TextPart]:
        settings, is_parquet = self.settings, file.row_group_bytes is not None
        is_divisible = self._is_divisible(file)
        if file.row_group_bytes is not None:
            ranges = _group(file.row_group_bytes, part_bytes if is_divisible else None)
        else:
            step = part_bytes if is_divisible else max(1, file.num_bytes)
            ranges = [
                (start, min(start + step, file.num_bytes))
                for start in range(0, max(1, file.num_bytes), step)
            ]
        is_recoded = not is_parquet and not settings.has_plain_newlines
        source = TextSource(
            path=file.path,
            form=file.form,
            language=settings.language,
            encoding="utf-8" if is_parquet or is_recoded else settings.encoding,
            field=settings.field,
        )
        for start, end in ranges:
            yield TextPart(
                source,
                LINE if file.form == "json" else settings.documents,
                file.compression,
                start,
                end,
                is_whole_file=is_parquet or not is_divisible,
                is_parquet=is_parquet,
                recoded_from=settings.encoding if is_recoded else "",
                problem=file.problem,
                limits=settings.limits,
            )

    def _is_divisible(self, file: TextFile) -> bool:
        if file.compression != "plain" or file.problem:
            return False
        if file.row_group_bytes is not None:
            return True
        by_lines = file.form == "json" or self.settings.documents != FILE
        return by_lines and self.settings.has_plain_newlines


def _group(sizes: Sequence[int], part_bytes: int | None) -> list[tuple[int, int]]:
    """Ranges of neighbors of about some bytes together; one of all for None."""
    ranges, first, num_bytes = [], 0, 0
    for index, size in enumerate(sizes):
        num_bytes += size
        if part_bytes is not None and num_bytes >= part_bytes:
            ranges.append((first, index + 1))
            first, num_bytes = index + 1, 0
    if first < len(sizes):
        ranges.append((first, len(sizes)))
    return ranges


def open_text_files(folder: str, settings: TextSettings) -> TextFiles | None:
    """Find the text files in a folder and look into the head of each.

    Returns:
        None if the manifest lists no file.

    Raises:
        InputError: if the folder is empty, or a file in it can't be text.
    """
    manifest, path_to_bytes = list_corpus(folder, _MANIFEST, hidden=_NO_DATA)
    if manifest is not None and manifest.is_empty:
        return None
    files = [_open_file(path, num_bytes, settings) for path, num_bytes in path_to_bytes.items()]
    if not files:
        raise InputError(
            f"{folder}: no file in it; put text there (.txt, .jsonl or .parquet, plain, .gz, .bz2, "
            ".zst or .xz)"
        )
    return TextFiles(files, settings, manifest.document if manifest else None)


def _open_file(path: str, num_bytes: int, settings: TextSettings) -> TextFile:
    with filesystem.open_file(path) as file:
        compression = recognize(file.read(6))
    most = settings.limits.max_expansion
    with open_unpacked(path, compression, most) as file, explained(path, compression):
        head = file.read(_HEAD_BYTES)
    if head.startswith(_PARQUET):
        # Takes half a second, which text of other kinds need not wait for.
        from components.preprocess.text_files import parquet

        with open_seekable(path, compression, most) as file:
            sizes = parquet.list_row_groups(path, file, settings.field)
        return TextFile(path, num_bytes, compression, "text", row_group_bytes=sizes)
    if head.startswith(b"PK\x03\x04") or head[257:262] == b"ustar":
        raise InputError(f"{path}: an archive; unpack it and give the files in it")
    name = path.lower()
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    form: Form = "sentences" if settings.documents == GOOGLE_LINES else "text"
    if PurePosixPath(name).suffix in _JSON_ENDINGS:
        form = "json"
    problem = "" if head else EMPTY_FILE
    start = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if _EXPORT_START.match(start):
        raise InputError(f"{path}: a MediaWiki export, not plain text; give it as dump")
    if start.startswith(_HTML_STARTS):
        problem = HTML
    return TextFile(path, num_bytes, compression, form, problem=problem)


@contextmanager
def open_unpacked(path: str, compression: Compression, max_expansion: float) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked."""
    with (
        filesystem.open_file(path) as packed,
        unpack(path, packed, compression, max_expansion) as file,
    ):
        yield file


@contextmanager
def open_seekable(path: str, compression: Compression, max_expansion: float) -> Iterator[BinaryIO]:
    """The same to be read at any place; a packed file goes through one on this machine's disk."""
    if compression == "plain":
        with filesystem.open_file(path) as file:
            yield file
        return
    with tempfile.TemporaryFile(prefix="preprocess-") as copy:
        with (
            open_unpacked(path, compression, max_expansion) as file,
            explained(path, compression),
        ):
            shutil.copyfileobj(file, copy)
        copy.seek(0)
        yield copy
