"""The corpora of a dataset: a dump, and text of a user's own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from components.preprocess.batches import CORPORA, DUMP, TEXT, Batch
from components.preprocess.dump.files import Dump, DumpPart, open_dump
from components.preprocess.dump.reading import read_page_batches
from components.preprocess.storage import filesystem
from components.preprocess.text_files.files import (
    TextFiles,
    TextPart,
    TextSettings,
    open_text_files,
)
from components.preprocess.text_files.reading import read_record_batches
from components.shared.errors import InputError

Part = DumpPart | TextPart

_MIN_PART_BYTES, _MAX_PART_BYTES, _PARTS_PER_WORKER = 1 << 18, 1 << 20, 8
# Beam's readers of stores fetch 16 MiB at once, of which a small part would use little.
_MAX_STORE_PART_BYTES = 64 << 20


@dataclass(frozen=True)
class Corpora:
    """What a dataset is made of."""

    files: Sequence[Dump | TextFiles | None]
    """In the order of `CORPORA`."""

    @property
    def given(self) -> dict[int, Dump | TextFiles]:
        """Those that there are, by their index in `CORPORA`."""
        return {index: corpus for index, corpus in enumerate(self.files) if corpus is not None}

    @property
    def num_bytes(self) -> int:
        """The size of all files, as they are."""
        return sum(corpus.num_bytes for corpus in self.given.values())

    @property
    def estimated_bytes(self) -> int:
        """About how much XML and text they hold, whatever the machine; at least a byte."""
        return max(1, sum(corpus.estimated_bytes for corpus in self.given.values()))

    @property
    def languages(self) -> list[str]:
        """The language of each file."""
        return [language for corpus in self.given.values() for language in corpus.languages]

    def cut(self, num_workers: int) -> list[Part]:
        """Pieces of work, some for each worker; which ones changes nothing but the time."""
        part_bytes = self.num_bytes // (max(1, num_workers) * _PARTS_PER_WORKER)
        parts: list[Part] = []
        for corpus in self.given.values():
            in_store = filesystem.is_in_store(corpus.files[0].path)
            most = _MAX_STORE_PART_BYTES if in_store else _MAX_PART_BYTES
            parts += corpus.cut(min(max(part_bytes, _MIN_PART_BYTES), most))
        return parts

    def describe(self) -> str:
        """The number of files and bytes of each."""
        return ", ".join(
            f"{CORPORA[index]}: {len(corpus.files)} file(s) of {corpus.num_bytes / 1e6:.1f} MB"
            for index, corpus in self.given.items()
        )


def open_corpora(
    dump_folder: str | None, text_folder: str | None, settings: TextSettings
) -> Corpora:
    """Find the files of all corpora and look into each.

    Raises:
        InputError: if no corpus is given, or a file can't be used.
    """
    files: list[Dump | TextFiles | None] = [None] * len(CORPORA)
    if dump_folder:
        files[DUMP] = open_dump(dump_folder, settings.limits)
    if text_folder:
        files[TEXT] = open_text_files(text_folder, settings)
    if not any(files):
        raise InputError("no text to learn from; give dump_files, text_files or both")
    return Corpora(files)


def read_batches(part: Part) -> Iterator[Batch]:
    """Yield the documents of a part in batches."""
    if isinstance(part, DumpPart):
        yield from read_page_batches(part)
    else:
        yield from read_record_batches(part)
