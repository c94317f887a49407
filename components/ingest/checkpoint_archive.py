"""Archives that hold a checkpoint, as Google publishes its models.

Whatever an archive holds, only regular files that were asked for are written, each under the last
part of its name: none can leave the folder, and none can be a link.
"""

import gzip
import lzma
import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from stat import S_ISLNK
from typing import IO, Any

from components.shared.errors import InputError

SUFFIXES = (".zip", ".tar.gz", ".tgz", ".tar")
_COPY_BYTES = 1 << 20
# Weights hardly shrink: what unpacks to more than this many times its size is not a checkpoint.
_MOST_TIMES, _ALWAYS_ALLOWED_BYTES = 20, 64 << 20
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    gzip.BadGzipFile,
    EOFError,
    NotImplementedError,
)


@dataclass(frozen=True)
class _Entry:
    """A file in an archive."""

    path: PurePosixPath
    num_bytes: int
    is_link: bool
    is_encrypted: bool
    open: Callable[[], IO[bytes] | None]


def names_archive(place: str) -> bool:
    """Whether a path or an address, with conditions or not, names an archive."""
    if Path(place).is_dir():
        return False
    return re.sub(r"[?#].*", "", place).lower().endswith(SUFFIXES)


def list_folders(archive: Path, label: str) -> dict[PurePosixPath, list[str]]:
    """Return the names of the files in each folder of an archive.

    What systems add (__MACOSX, .DS_Store) is left out.

    Args:
        archive: the file.
        label: how messages call it.

    Raises:
        InputError: if it is damaged.
    """
    folder_to_names: dict[PurePosixPath, list[str]] = {}
    with _read(archive, label) as entries:
        for path in entries:
            if not any(part.startswith((".", "__MACOSX")) for part in path.parts):
                folder_to_names.setdefault(path.parent, []).append(path.name)
    return folder_to_names


def unpack(archive: Path, paths: Sequence[PurePosixPath], folder: Path, label: str) -> None:
    """Write files of an archive into a folder, under the last parts of their names.

    Raises:
        InputError: if it is damaged, or one of the files is a link, encrypted, or too large.
    """
    with _read(archive, label) as entries:
        chosen = [entries[path] for path in paths]
        _expect_plain_files(chosen, archive, label)
        for entry in chosen:
            source = entry.open()
            assert source is not None  # it is a file
            with source, (folder / entry.path.name).open("wb") as target:
                shutil.copyfileobj(source, target, _COPY_BYTES)


def _expect_plain_files(entries: Sequence[_Entry], archive: Path, label: str) -> None:
    for entry in entries:
        if entry.is_link:
            raise InputError(
                f"{label}: {entry.path} is a link; pack the file itself (tar --dereference)"
            )
        if entry.is_encrypted:
            raise InputError(f"{label}: {entry.path} is encrypted; pack it without a password")
    # No more comes out than the archive's own list says: zipfile and tarfile stop there.
    num_bytes = sum(entry.num_bytes for entry in entries)
    if num_bytes > max(_MOST_TIMES * archive.stat().st_size, _ALWAYS_ALLOWED_BYTES):
        raise InputError(
            f"{label}: unpacks to {num_bytes} bytes, more than {_MOST_TIMES} times its own size, "
            "so it does not hold weights; give the archive of a checkpoint"
        )


@contextmanager
def _read(archive: Path, label: str) -> Iterator[Mapping[PurePosixPath, _Entry]]:
    """Yield an archive's files and links by their paths in it; of equal ones the last."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened_zip:
                yield {entry.path: entry for entry in _list_zip(opened_zip)}
        else:
            with tarfile.open(archive) as opened_tar:
                yield {entry.path: entry for entry in _list_tar(opened_tar)}
    except _DAMAGED as error:
        raise InputError(
            f"{label}: not a {' or '.join(SUFFIXES)} archive, or damaged ({error}); fetch it again"
        ) from None


def _list_zip(archive: zipfile.ZipFile) -> Iterator[_Entry]:
    for info in archive.infolist():
        if not info.is_dir():
            yield _Entry(
                path=PurePosixPath(info.filename),
                num_bytes=info.file_size,
                is_link=S_ISLNK(info.external_attr >> 16),  # the mode, where Unix packed it
                is_encrypted=bool(info.flag_bits & 1),
                open=partial(archive.open, info),
            )


def _list_tar(archive: tarfile.TarFile) -> Iterator[_Entry]:
    for member in archive:
        if member.isfile() or member.issym() or member.islnk():
            opener: Any = partial(archive.extractfile, member)
            yield _Entry(
                path=PurePosixPath(member.name),
                num_bytes=member.size,
                is_link=not member.isfile(),
                is_encrypted=False,
                open=opener,
            )
