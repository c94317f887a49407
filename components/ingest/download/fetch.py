"""Brings a file here and makes sure of it, whether it lies on a server or on this machine."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from components.ingest.config import DownloadConfig
from components.ingest.download.checksums import Checksums, with_checksums
from components.ingest.download.file_checks import check_conditions, check_not_a_page
from components.ingest.download.resumable import Downloads
from components.ingest.download.size_limit import SizeLimit
from components.ingest.download.sources import Source

Content = TypeVar("Content")


@dataclass(frozen=True)
class Fetched(Generic[Content]):
    """A file that is here, whole and as its source says."""

    path: Path
    source: Source
    digests: Mapping[str, str]
    """By algorithm, as `check_conditions` gives them."""
    content: Content
    """What the check of its content found."""


@contextlib.contextmanager
def open_downloads(config: DownloadConfig, *, beside: Path) -> Iterator[Downloads]:
    """The folder of downloads: the user's, or one beside an output, gone at the end."""
    with contextlib.ExitStack() as stack:
        folder = config.download_directory
        if not folder:
            beside.parent.mkdir(parents=True, exist_ok=True)
            folder = stack.enter_context(
                # A download that was stopped may still write its last bytes.
                tempfile.TemporaryDirectory(
                    prefix=".downloads-", dir=beside.parent, ignore_cleanup_errors=True
                )
            )
        yield Downloads(
            folder=Path(folder),
            timeout_seconds=config.timeout_seconds,
            max_retries=config.max_retries,
            limits=config,
        )


def fetch_optional(
    source: Source | None,
    checksums: Checksums,
    downloads: Downloads,
    check: Callable[[Path], Content],
    *,
    limit: SizeLimit,
) -> Fetched[Content] | None:
    """Fetch a file if one was named."""
    if source is None:
        return None
    return fetch(source, checksums, downloads, check, limit=limit)


def fetch(
    source: Source,
    checksums: Checksums,
    downloads: Downloads,
    check: Callable[[Path], Content],
    *,
    limit: SizeLimit | None = None,
    is_text: bool = False,
) -> Fetched[Content]:
    """Bring a file here and make sure of it: its kind and content, its size, its checksums.

    Args:
        source: the file.
        checksums: those that a publisher gives.
        downloads: where what is not here goes.
        check: looks into the file.
        limit: a larger file is rejected before it is read; None for that of any file.
        is_text: whether it may be any text, so that only what a web server sends in its place is
            rejected.

    Raises:
        InputError: if it can't be had or is not as it should be.
    """
    may_be_a_page = is_text and not source.is_on_web
    source = with_checksums(source, checksums)

    def accept(path: Path, stored: Mapping[str, str]) -> tuple[Mapping[str, str], Content]:
        if not may_be_a_page:
            check_not_a_page(path)
        # What the user says of it comes first: a store knows what was put there.
        wanted = replace(source, algorithm_to_digest={**stored, **source.algorithm_to_digest})
        return check_conditions(path, wanted), check(path)

    if source.is_remote:
        path, (digests, content) = downloads.fetch(source, accept, limit=limit)
    else:
        path = Path(source.location)
        (limit or downloads.limits.file_limit).expect(path.stat().st_size, source.label)
        digests, content = accept(path, {})
    return Fetched(path, source, digests, content)
