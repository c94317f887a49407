"""Dumps in a tar archive: its exports are taken out and checked like files of their own."""

import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from components.ingest.download.fetch import Fetched
from components.ingest.download.file_checks import check_conditions
from components.ingest.download.sources import Source
from components.shared.errors import InputError

_COPY_BYTES = 1 << 20


def unpack_archives(
    files: Sequence[Fetched[str | None]],
    folder: Path,
    export_check: Callable[[Source], Callable[[Path], str | None]],
) -> list[Fetched[str | None]]:
    """Put the exports of archives in the archives' place.

    Args:
        files: of the dump, archives among them.
        folder: where the exports go.
        export_check: makes the check of an export.

    Raises:
        InputError: if an archive is damaged, or there is no export in it.
    """
    unpacked: list[Fetched[str | None]] = []
    for file in files:
        if file.source.is_tar:
            target = folder / f"unpacked-{file.digests['sha256'][:16]}"
            target.mkdir(parents=True, exist_ok=True)
            for path in _unpack(file, target):
                # Said of where it comes from: the archive's own name, and its name in there.
                source = Source(f"{file.source.label}/{path.name}")
                digests = check_conditions(path, Source(str(path)))
                unpacked.append(Fetched(path, source, digests, export_check(source)(path)))
        else:
            unpacked.append(file)
    return unpacked


def _unpack(file: Fetched[str | None], folder: Path) -> Iterator[Path]:
    """Write the exports of an archive into a folder, by the last part of their names."""
    found = False
    try:
        with tarfile.open(file.path) as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                if not member.isfile() or not Source(name).is_export:
                    continue
                found = True
                content = archive.extractfile(member)
                assert content is not None  # it is a file
                with content, (folder / name).open("wb") as target:
                    shutil.copyfileobj(content, target, _COPY_BYTES)
                yield folder / name
    except (tarfile.TarError, EOFError) as error:
        raise InputError(
            f"{file.source.label}: not a tar archive, or damaged ({error}); fetch it again"
        ) from None
    if not found:
        raise InputError(
            f"{file.source.label}: no export in this archive; an export's name ends in .xml, "
            ".xml.bz2 or .xml.gz"
        )
