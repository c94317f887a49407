"""Folders and files that Beam's workers reach: on a disk, or in gs:// and s3:// stores.

An address is a string: a local path, or `gs://bucket/…`, `s3://bucket/…`.
"""

import base64
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from apache_beam.io.aws import s3io
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.io.gcp import gcsio
from apache_beam.options.pipeline_options import PipelineOptions

from components.preprocess.storage.store_errors import explained, require_credentials
from components.shared.dataset.folder import MANIFEST
from components.shared.errors import InputError
from components.shared.files import atomic
from components.shared.storage.locations import split_bucket

# What a store keeps is behind these: Kubeflow's launcher copies from and to it.
_MOUNT_TO_STORE = {"/gcs/": "gs://", "/s3/": "s3://", "/minio/": "s3://"}
_STORE = re.compile(r"^(gs|s3):/+")

# Raw: Beam would unpack a file whose name ends in .bz2.
_RAW = CompressionTypes.UNCOMPRESSED


def find_address(path: Path, *, in_store: bool = False) -> str:
    """The address of what a setting names.

    Args:
        path: as a setting holds it; pathlib folds the two slashes of gs:// into one.
        in_store: whether what Kubeflow has copied from a store, or will copy there, is to be
            read and written in the store itself.
    """
    text = _STORE.sub(r"\1://", str(path))
    if is_in_store(text):
        split_bucket(text)  # rejects one with a user's name
    if in_store:
        for mount, store in _MOUNT_TO_STORE.items():
            if text.startswith(mount):
                return store + text.removeprefix(mount)
    return text


def is_in_store(address: str) -> bool:
    """Whether an address is one in an object store."""
    return _STORE.match(address) is not None


def use_options(options: PipelineOptions) -> None:
    """Reach stores as these options of Beam say, in this process."""
    FileSystems.set_options(options)


def join(folder: str, *names: str) -> str:
    """The address of what is in a folder."""
    return "/".join((folder.rstrip("/"), *names))


def list_folder(folder: str) -> dict[str, int]:
    """The names of the files right in a folder, in order, and their bytes.

    Raises:
        InputError: if there is no such folder, or it can't be read.
    """
    if is_in_store(folder):
        start = join(folder, "")
        sizes = {path.removeprefix(start): size for path, size in _match(join(folder, "*")).items()}
    else:
        sizes = {one.name: one.stat().st_size for one in _list_disk(folder)}
    return dict(sorted(sizes.items()))


def _list_disk(folder: str) -> Iterator[Path]:
    if not Path(folder).is_dir():
        raise InputError(f"{folder}: no such folder; give the folder that holds the dump's files")
    return (path for path in Path(folder).iterdir() if path.is_file())


def open_file(address: str) -> BinaryIO:
    """A file's bytes as they are, to be read and sought in.

    Raises:
        InputError: if a store does not give it.
    """
    if not is_in_store(address):
        return open(address, "rb")
    with explained(address):
        file: BinaryIO = FileSystems.open(address, compression_type=_RAW)
        return file


def measure_file(address: str) -> int:
    """Return the number of bytes of a file in a store.

    Raises:
        InputError: if the store does not have it.
    """
    with explained(address):
        found = _match(_escape(address))
    if address not in found:
        raise InputError(f"{address}: no such object any more; run the ingest stage again")
    return found[address]


def _escape(address: str) -> str:
    """An address as a pattern that matches it alone."""
    return re.sub(r"([*?[])", r"[\1]", address)


def read_bytes(address: str) -> bytes:
    """Return a small file's content.

    Raises:
        InputError: if it can't be read.
    """
    try:
        with open_file(address) as file:
            return file.read()
    except OSError as error:
        raise InputError(f"{address}: {(error.strerror or str(error)).lower()}") from None


def read_text(address: str) -> str:
    """Read a text file in UTF-8."""
    return read_bytes(address).decode("utf-8")


def find_checksum(address: str) -> str:
    """What a store knows the content of an object by: S3's ETag, Google's CRC32C in hexadecimal.

    Raises:
        InputError: if it can't be read.
    """
    with explained(address):
        checksum: str = FileSystems.checksum(address)
    if address.startswith("gs://"):
        return base64.b64decode(checksum).hex()
    return checksum


@contextmanager
def whole_file(address: str) -> Iterator[Path]:
    """Yield a path on this machine; the file written there gets the address if the block succeeds.

    A runner may try the same step twice at once: each then writes the same bytes from a file
    of its own, and either may be the one that stays.
    """
    if not is_in_store(address):
        with atomic.whole_file(Path(address)) as scratch:
            yield scratch
        return
    with tempfile.TemporaryDirectory(prefix="preprocess-") as folder:
        scratch = Path(folder) / "file"
        yield scratch
        with explained(address):
            _upload(scratch, address)


def _upload(path: Path, address: str) -> None:
    # By the stores' own clients: Beam's writer for S3 fails on an empty file and cuts parts of
    # uneven size, which R2 refuses; its writer for Google's store tries a failed upload once more
    # when it is collected as garbage, for two minutes.
    options = FileSystems._pipeline_options
    if address.startswith("s3://"):
        bucket, key = s3io.parse_s3_path(address)
        s3io.S3IO(options=options).client.client.upload_file(str(path), bucket, key)
        return
    bucket, key = gcsio.parse_gcs_path(address)
    gcsio.GcsIO(pipeline_options=options).client.bucket(bucket).blob(key).upload_from_filename(
        str(path), content_type="application/octet-stream"
    )


def write_text(address: str, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with whole_file(address) as scratch:
        scratch.write_text(text, encoding="utf-8")


@contextmanager
def work_folder(dataset: str) -> Iterator[str]:
    """Yield a folder where the graphs leave word for this process; it goes with the block.

    Raises:
        InputError: if the dataset is to be in a store that can't be written to: better known
            before hours of work than after.
    """
    if not is_in_store(dataset):
        with tempfile.TemporaryDirectory(prefix="preprocess-") as folder:
            yield folder
        return
    folder = join(dataset, ".work")
    require_credentials(dataset)
    write_text(join(folder, "started"), "")
    try:
        yield folder
    finally:
        _remove(join(folder, "**"))


@contextmanager
def whole_dataset(address: str) -> Iterator[str]:
    """Yield the folder to write a dataset into; it counts once the block succeeds.

    On a disk the folder takes its place at the end. A store can't rename: there the dataset is
    written where it belongs, after what an earlier run left has gone, and it counts from when
    dataset.json is there, which the block must write last.
    """
    if not is_in_store(address):
        with atomic.whole_folder(Path(address)) as folder:
            yield str(folder)
        return
    _remove_dataset(address)
    try:
        yield address
    except BaseException:
        _remove_dataset(address)
        raise


def _remove_dataset(address: str) -> None:
    """Remove what a run writes, dataset.json first: shards without it are not a dataset."""
    _remove(join(address, MANIFEST))
    _remove(join(address, "length-**"))
    _remove(join(address, "held-out/**"))


def _remove(pattern: str) -> None:
    with explained(pattern):
        if paths := list(_match(pattern)):
            FileSystems.delete(paths)


def _match(pattern: str) -> dict[str, int]:
    """The addresses that match in a store, and their bytes."""
    with explained(pattern):
        [found] = FileSystems.match([pattern])
        return {one.path: one.size_in_bytes for one in found.metadata_list}
