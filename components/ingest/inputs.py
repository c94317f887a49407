"""What a training is made of, and what tells it from what an earlier one was made of."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests

from components.ingest.checkpoint_archive import names_archive
from components.ingest.config import CURRENT, ServerConfig
from components.ingest.download.remote import open_remote, refusal
from components.ingest.download.resumable import as_broken
from components.ingest.download.sources import Source, parse_source
from components.ingest.dump.find import find_files, find_matches
from components.ingest.look_config import LookConfig
from components.ingest.text_files import find_text
from components.shared.errors import InputError
from components.shared.images import VERSION
from components.shared.storage.locations import SCHEMES

_HTTP_ERRORS = 400
_SETTINGS, _VERSION = "settings", "version"
NO_DATA = (_SETTINGS, _VERSION)
"""The inputs that are not data: the run's other parameters, and the version of this product."""


def identify_inputs(config: LookConfig, dump: Sequence[Source]) -> dict[str, str]:
    """Return what tells each input of a training from an earlier one, by the setting that names it.

    Args:
        config: names the inputs.
        dump: the parts of the dump, a latest one by its date.

    Raises:
        InputError: if one is missing, or a server or store refuses.
    """
    name_to_files = {
        "dump": [file for source in dump for file in find_files(source, config)],
        "text": find_text(config),
        "squad_train": _find_one(config.squad_train, config),
        "squad_dev": _find_one(config.squad_dev, config),
        # The model in use is made of earlier inputs: a release is no reason to train again.
        "initial_checkpoint": (
            [] if config.initial_checkpoint == CURRENT else _find_checkpoint(config)
        ),
    }
    found = {
        name: make_fingerprint(files, config) for name, files in name_to_files.items() if files
    }
    if config.settings_digest:
        found[_SETTINGS] = config.settings_digest
    return {**found, _VERSION: VERSION}


def compare_inputs(now: Mapping[str, str], then: Mapping[str, str]) -> list[str]:
    """Return what was done to each input that differs, such as `text was added`."""
    changes = []
    for name in [*now, *(name for name in then if name not in now)]:
        if name not in then:
            changes.append(f"{name} was added")
        elif name not in now:
            changes.append(f"{name} was removed")
        elif now[name] != then[name]:
            changes.append(f"{name} changed")
    return changes


def make_fingerprint(files: Sequence[Source], config: ServerConfig) -> str:
    """A SHA-256 over what tells each file from an earlier one of its name."""
    lines = sorted(f"{file.label} {_identify(file, config)}" for file in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _find_one(text: str, config: ServerConfig) -> list[Source]:
    return find_matches(parse_source(text), config) if text.strip() else []


def _find_checkpoint(config: LookConfig) -> list[Source]:
    """The files of the initial checkpoint: an archive, or all in its folder."""
    place = config.initial_checkpoint
    if not place or names_archive(place):
        return _find_one(place, config)
    if place.startswith(SCHEMES):
        return find_matches(parse_source(f"{place.rstrip('/')}/*"), config)
    files = sorted(str(path) for path in Path(place).rglob("*") if path.is_file())
    if not files:
        raise InputError(f"initial_checkpoint {place}: no files in this folder; name another")
    return [Source(file) for file in files]


def _identify(file: Source, config: ServerConfig) -> str:
    """Its published checksums; else its version in the store, its dates on the web or disk."""
    if file.algorithm_to_digest:
        return json.dumps(dict(file.algorithm_to_digest), sort_keys=True)
    if not file.is_remote:
        status = Path(file.location).stat()
        return f"{status.st_size} {status.st_mtime_ns}"
    try:
        remote = open_remote(file, timeout_seconds=config.timeout_seconds)
        if remote.is_fixed:
            return remote.identity
        # Not HEAD, which some servers refuse; nothing of the body is read.
        with remote.session.get(
            remote.url, timeout=config.timeout_seconds, stream=True
        ) as response:
            if response.status_code >= _HTTP_ERRORS:
                raise refusal(file.label, response.status_code)
            headers = ("ETag", "Last-Modified", "Content-Length")
            return " ".join(response.headers.get(name, "") for name in headers)
    except requests.RequestException as error:
        raise InputError(f"{file.label}: {as_broken(error, file.label)}") from None
