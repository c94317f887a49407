"""dump.json and text.json: what the ingest stage says of a corpus's files, compared with them."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from components.preprocess.storage import filesystem
from components.shared.errors import InputError
from components.shared.files.atomic import sha256
from components.shared.files.documents import expect_shape
from components.shared.files.formats import decode_stamped
from components.shared.parallel import run_in_threads
from components.shared.processes.cpus import count_cpus
from components.shared.stage.progress import progress_in_bytes

_REMEDY = "run the ingest stage again"


@dataclass(frozen=True)
class ListedFile:
    """A file of a corpus, in the folder or left in a store."""

    name: str
    bytes: int | None = None
    sha256: str = ""
    crc32c: str = ""
    """In hexadecimal."""
    address: str = ""
    """Of one that was left in a store."""
    version: str = ""
    """Which one ingest has seen there; of S3 it ends in `?etag=` and the ETag."""
    checksums: dict[str, str] = field(default_factory=dict)
    """Those by which the store knew it."""

    def __post_init__(self) -> None:
        """Reject a name or an address of something else.

        Raises:
            InputError: then.
        """
        if os.path.basename(self.name) != self.name:
            raise InputError(f"name: expected a file's name without a folder, got {self.name!r}")
        if self.address and not filesystem.is_in_store(self.address):
            raise InputError(f"address: expected gs:// or s3://, got {self.address!r}")

    def find_address(self, folder: str) -> str:
        """Return where the manifest is."""
        return self.address or filesystem.join(folder, self.name)


@dataclass(frozen=True)
class _Document:
    files: tuple[ListedFile, ...] | None = None


@dataclass(frozen=True)
class CorpusManifest:
    """What stands in the manifest."""

    path: str
    document: dict[str, Any]
    """All of it."""
    files: Sequence[ListedFile] | None
    """None where it speaks of something else."""

    @property
    def is_empty(self) -> bool:
        """Whether the corpus has no file: the other corpus alone was named."""
        return self.files is not None and not self.files


def read_manifest(folder: str, name: str) -> CorpusManifest:
    """Read the manifest of a folder.

    Raises:
        InputError: if it is not JSON, or not of a form that ingest writes or wrote.
    """
    path = filesystem.join(folder, name)
    content = filesystem.read_bytes(path)
    document = decode_stamped(content, dict[str, Any], kind=name, source=path, remedy=_REMEDY)
    files = expect_shape(document, _Document, source=path, remedy=_REMEDY).files
    return CorpusManifest(path, document, files)


def list_corpus(
    folder: str, manifest_name: str, *, hidden: tuple[str, ...]
) -> tuple[CorpusManifest | None, dict[str, int]]:
    """List the files of a corpus, in its folder or left in a store, and compare them.

    Args:
        folder: of the corpus.
        manifest_name: the file in it that lists the others, if ingest has written one.
        hidden: how the names begin that hold no data.

    Returns:
        The manifest, or None without one, and each file's address and size.

    Raises:
        InputError: if a file is missing, not listed, or another.
    """
    name_to_bytes = filesystem.list_folder(folder)
    manifest = None
    if name_to_bytes.pop(manifest_name, None) is not None:
        manifest = read_manifest(folder, manifest_name)
        if manifest.is_empty:
            return manifest, {}
    path_to_bytes = {
        filesystem.join(folder, name): num_bytes
        for name, num_bytes in name_to_bytes.items()
        if name and not name.startswith(hidden)
    }
    if manifest is not None:
        for file in manifest.files or ():
            if file.address:
                path_to_bytes[file.address] = filesystem.measure_file(file.address)
        _expect_listed(manifest, folder, path_to_bytes)
    return manifest, path_to_bytes


def _expect_listed(manifest: CorpusManifest, folder: str, path_to_bytes: Mapping[str, int]) -> None:
    """Compare files with what the manifest says of them.

    On a disk, by SHA-256: 1.6 GB a second on each core, while cleaning takes 2 MB a second. An
    object in a store would have to be sent twice for that: it is compared by the checksum that
    the store keeps of it and its size, in S3 by its size and the version that ingest has seen.

    Args:
        manifest: of the folder.
        folder: where the files are.
        path_to_bytes: the address of each file that there is, and its size.

    Raises:
        InputError: if a file is missing, not listed, or another.
    """
    if manifest.files is None:
        return
    path_to_listed = {file.find_address(folder): file for file in manifest.files}
    for path in sorted(path_to_listed.keys() - path_to_bytes.keys()):
        raise InputError(f"{path}: missing, though {manifest.path} lists it; {_REMEDY}")
    for path in sorted(path_to_bytes.keys() - path_to_listed.keys()):
        raise InputError(
            f"{path}: {manifest.path} does not list it; remove the file, or remove the list to "
            "take all files of the folder as they are"
        )
    on_disk = []
    for path, listed in path_to_listed.items():
        _expect_same(path, "size", path_to_bytes[path], listed.bytes)
        if filesystem.is_in_store(path):
            _expect_same_object(path, listed)
        elif listed.sha256:
            on_disk.append((path, listed.sha256))
    total = sum(path_to_bytes[path] for path, _ in on_disk)
    with progress_in_bytes("Verify checksums", total) as advance:
        run_in_threads(
            [partial(_expect_same_content, path, digest, advance) for path, digest in on_disk],
            num_threads=count_cpus(),
            stop=threading.Event(),
        )


def _expect_same_content(path: str, digest: str, advance: Callable[[int], None]) -> None:
    _expect_same(path, "SHA-256", sha256(Path(path), advance), digest)


def _expect_same_object(path: str, listed: ListedFile) -> None:
    if path.startswith("gs://"):
        name, wanted = "CRC32C", listed.crc32c or listed.checksums.get("crc32c", "")
    else:
        name, wanted = "ETag", listed.version.partition("?etag=")[2]
    if wanted:
        _expect_same(path, name, filesystem.find_checksum(path), wanted)


def _expect_same(path: str, what: str, found: Any, wanted: Any) -> None:
    if wanted not in (None, found):
        raise InputError(
            f"{path}: its {what} is {found}, and was {wanted} when the ingest stage checked it: "
            f"it was altered or damaged since; {_REMEDY}"
        )
