"""The text files of a user, as they are: preprocessing reads them and counts what it can't read."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import requests

from components.ingest.config import IngestConfig
from components.ingest.download.bucket_listing import split_address
from components.ingest.download.checksums import Checksums, with_checksums
from components.ingest.download.fetch import Fetched, fetch
from components.ingest.download.large_files import place
from components.ingest.download.remote import open_remote
from components.ingest.download.resumable import Downloads
from components.ingest.download.sources import Source, list_data, parse_sources
from components.ingest.dump.dump_manifest import require_distinct_names
from components.ingest.dump.find import find_matches
from components.ingest.look_config import LookConfig
from components.shared.errors import InputError
from components.shared.files.atomic import whole_folder, write_text
from components.shared.files.formats import stamp
from components.shared.parallel import run_in_threads

_MANIFEST = "text.json"


def find_text(config: IngestConfig | LookConfig) -> list[Source]:
    """The files that `text` stands for; a folder includes its subfolders.

    Raises:
        InputError: if a file is missing, or two files have the same name.
    """
    found = [
        file
        for source in parse_sources(config.text)
        for file in (
            list_data(source) if os.path.isdir(source.location) else find_matches(source, config)
        )
    ]
    require_distinct_names(
        [(source.name, source.label) for source in found], manifest=_MANIFEST, what="text"
    )
    return found


@dataclass(frozen=True)
class FetchedText:
    """The files of a text."""

    files: Sequence[Fetched[None]]
    """Those that are here."""
    objects: Sequence[Mapping[str, Any]]
    """Those that stay in buckets, as text.json has them."""


def fetch_text(
    sources: Sequence[Source],
    checksums: Checksums,
    downloads: Downloads,
    *,
    num_connections: int,
    leave_objects: bool,
) -> FetchedText:
    """Fetch the files, some at once.

    Args:
        sources: the files.
        checksums: those that a publisher gives.
        downloads: where what is not here goes.
        num_connections: how many at once.
        leave_objects: whether those in buckets stay there, and are only looked at. One with a
            size or a checksum to verify is fetched all the same.

    Raises:
        InputError: if one can't be had.
    """
    sources = [with_checksums(source, checksums) for source in sources]
    left = [
        source
        for source in sources
        if leave_objects and source.is_in_bucket and not source.has_conditions
    ]
    tasks = [
        partial(fetch, source, checksums, downloads, _accept_any, is_text=True)
        for source in sources
        if source not in left
    ]
    objects = [_describe_object(source, downloads.timeout_seconds) for source in left]
    files = run_in_threads(tasks, num_threads=num_connections, stop=downloads.stop)
    return FetchedText(files, objects)


def _describe_object(source: Source, timeout_seconds: float) -> Mapping[str, Any]:
    try:
        remote = open_remote(source, timeout_seconds=timeout_seconds)
    except requests.RequestException as error:
        raise InputError(
            f"{source.label}: the store can't be reached ({error}); check the network and the "
            "endpoint, and run again"
        ) from None
    return {
        "name": source.name,
        "address": "/".join((source.location.partition("://")[0] + ":/", *split_address(source))),
        "version": remote.identity,
        "checksums": dict(remote.algorithm_to_digest),
    }


def write_text_files(folder: Path, text: FetchedText) -> Mapping[str, Any]:
    """Write the files and text.json, which says where they come from."""
    described: list[Mapping[str, Any]] = [
        {
            "name": file.source.name,
            "bytes": file.path.stat().st_size,
            "sha256": file.digests["sha256"],
            "crc32c": file.digests["crc32c"],
            "source": file.source.label,
        }
        for file in text.files
    ]
    files = [*described, *text.objects]
    with whole_folder(folder) as scratch:
        for file in text.files:
            place(file.path, scratch / file.source.name)
        document = {**stamp(_MANIFEST), "files": files}
        manifest = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        write_text(scratch / _MANIFEST, manifest)
    return {"files": len(files), "bytes": sum(one["bytes"] for one in described)}


def _accept_any(path: Path) -> None:
    """Accept a file whatever it holds: preprocessing skips and counts what it can't read."""
