"""Dumps in a tar archive: its exports are taken out and checked like files of their own."""

import bz2
import gzip
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from components.ingest.download.fetch import Fetched
from components.ingest.download.file_checks import check_conditions
from components.ingest.download.sources import Source
from components.shared.errors import InputError
from components.shared.files.dumps import recognize_compression
from components.shared.files.unpacking import BoundedReader

_COPY_BYTES = 1 << 20


def unpack_archives(
    files: Sequence[Fetched[str | None]],
    folder: Path,
    export_check: Callable[[Source], Callable[[Path], str | None]],
    max_expansion: float,
) -> list[Fetched[str | None]]:
    """Put the exports of archives in the archives' place.

    Args:
        files: of the dump, archives among them.
        folder: where the exports go.
        export_check: makes the check of an export.
        max_expansion: see `UnpackingConfig`.

    Raises:
        InputError: if an archive is damaged, or there is no export in it.
    """
    unpacked: list[Fetched[str | None]] = []
    for file in files:
        if file.source.is_tar:
            target = folder / f"unpacked-{file.digests['sha256'][:16]}"
            target.mkdir(parents=True, exist_ok=True)
            for path in _unpack(file, target, max_expansion):
                # Said of where it comes from: the archive's own name, and its name in there.
                source = Source(f"{file.source.label}/{path.name}")
                digests = check_conditions(path, Source(str(path)))
                unpacked.append(Fetched(path, source, digests, export_check(source)(path)))
        else:
            unpacked.append(file)
    return unpacked


def _unpack(file: Fetched[str | None], folder: Path, max_expansion: float) -> Iterator[Path]:
    """Write the exports of an archive into a folder, by the last part of their names."""
    found = False
    try:
        # As a stream: a damaged or hostile archive can't have it read to and fro.
        with (
            file.path.open("rb") as packed,
            _open_unpacked(packed, file, max_expansion) as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            for member in archive:
                name = PurePosixPath(member.name).name
                if not member.isfile() or not Source(name).is_export:
                    continue
                if member.issparse():  # some bytes stand for any number of zeros
                    raise tarfile.TarError(f"{name} is sparse")
                found = True
                content = archive.extractfile(member)
                assert content is not None  # it is a file
                with content, (folder / name).open("wb") as target:
                    shutil.copyfileobj(content, target, _COPY_BYTES)
                yield folder / name
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{file.source.label}: not a tar archive, or damaged ({error}); fetch it again"
        ) from None
    if not found:
        raise InputError(
            f"{file.source.label}: no export in this archive; an export's name ends in .xml, "
            ".xml.bz2 or .xml.gz"
        )


def _open_unpacked(packed: BinaryIO, file: Fetched[str | None], max_expansion: float) -> BinaryIO:
    compression = recognize_compression(packed.read(3))
    packed.seek(0)
    if compression == "plain":
        return packed
    stream = bz2.BZ2File(packed) if compression == "bz2" else gzip.GzipFile(fileobj=packed)
    return cast(BinaryIO, BoundedReader(stream, packed, file.source.label, max_expansion))
