"""What the settings that name files stand for."""

import os

from components.ingest.config import ServerConfig, SourceConfig
from components.ingest.download.remote import resolve_remote
from components.ingest.download.sources import Source, find_exports, parse_source, resolve_local
from components.ingest.dump.names import parse_dump_name
from components.ingest.dump.site import DumpSite
from components.shared.errors import InputError
from components.shared.files.text import mask_addresses


def open_site(config: SourceConfig) -> DumpSite:
    """Open the site where dumps are found by name."""
    return DumpSite(
        config.dump_site, timeout_seconds=config.timeout_seconds, max_retries=config.max_retries
    )


def find_files(source: Source, config: SourceConfig) -> list[Source]:
    """Find what one part of `dump` names: a dump's files, a folder's, a pattern's, or itself."""
    if os.path.isdir(source.location):
        return find_exports(source)
    name = parse_dump_name(source.location)
    if name is None or os.path.exists(source.location):
        return find_matches(source, config)
    return open_site(config).find(name)


def find_matches(source: Source, config: ServerConfig) -> list[Source]:
    """The files that a path, an address or a pattern names."""
    if source.is_remote:
        return resolve_remote(
            source,
            timeout_seconds=config.timeout_seconds,
            max_listed_objects=config.max_listed_objects,
        )
    return resolve_local(source)


def find_file(text: str, config: ServerConfig) -> Source | None:
    """The one file that a setting names, None where it is empty."""
    if not text.strip():
        return None
    found = find_matches(parse_source(text), config)
    if len(found) > 1:
        names = ", ".join(source.name for source in found[:3])
        raise InputError(f"{mask_addresses(text)}: matches {len(found)} files ({names}…); name one")
    return found[0]
