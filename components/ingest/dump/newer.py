"""Whether a dump is newer than the one that was trained on last, which a small file notes."""

import hashlib
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import requests

from components.ingest.config import LookConfig, RecordConfig, SourceConfig
from components.ingest.download.remote import open_remote, refusal
from components.ingest.download.resumable import as_broken
from components.ingest.download.sources import Source, parse_dump
from components.ingest.dump.find import find_files, open_site
from components.ingest.dump.names import parse_dump_name
from components.shared.documents import decode_json
from components.shared.errors import InputError
from components.shared.files import expect_place, write_text
from components.shared.stage import Metadata
from components.shared.storage.locations import SCHEMES
from components.shared.storage.transfers import open_bucket
from components.shared.text import mask_addresses
from components.shared.training.checkpoint_store import remove_states_under

_HTTP_ERRORS = 400


@dataclass(frozen=True)
class Record:
    """The dump that was trained on last."""

    dump: str
    fingerprint: str
    recorded: str
    """When, in ISO 8601."""


def look(config: LookConfig) -> Metadata:
    """Compare the dump as it is now with the record, and write the output parameters.

    Raises:
        InputError: if there is no such dump, or the record can't be read, or not be written
            when the training is done.
    """
    _expect_writable(config.record)
    noted = read_record(config.record)
    sources = [_date(source, config) for source in parse_dump(config.dump)]
    files = [file for source in sources for file in find_files(source, config)]
    found = ",".join(source.location for source in sources)
    fingerprint = make_fingerprint(files, config)
    is_new = noted is None or noted.fingerprint != fingerprint
    write_text(config.is_new, json.dumps(is_new))
    write_text(config.found_dump, found)
    write_text(config.fingerprint, fingerprint)
    directory = config.checkpoint_directory.rstrip("/")
    write_text(config.dump_checkpoints, f"{directory}/dump-{fingerprint[:16]}" if directory else "")
    shown = ",".join(source.label for source in sources)
    if noted is None:
        summary = f"new: {shown}; {config.record} notes no dump yet"
    elif is_new:
        summary = f"new: {shown}; trained on last: {noted.dump}"
    else:
        summary = f"nothing new: {shown} was trained on, noted on {noted.recorded}"
    print(summary, flush=True)
    if config.changes is None:
        return {}
    changes = {"is_new": is_new, "summary": summary}
    write_text(config.changes, json.dumps(changes, indent=2) + "\n")
    return {"changes": changes}


def record(config: RecordConfig) -> None:
    """Note a dump as trained on, and remove the checkpoints of the trainings on it.

    Raises:
        InputError: if the record can't be written.
    """
    _write_record(config)
    if not config.dump_checkpoints:
        return
    try:
        remove_states_under(config.dump_checkpoints)
    except InputError as error:  # the run is complete without it
        print(f"checkpoints not removed: {error}", file=sys.stderr, flush=True)


def _write_record(config: RecordConfig) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    # Read by people, and kept: without what an address needs to be fetched.
    content = Record(mask_addresses(config.dump), config.fingerprint, now)
    text = json.dumps(asdict(content), indent=2) + "\n"
    if not config.record.startswith(SCHEMES):
        try:
            write_text(Path(config.record), text)
        except OSError as error:
            raise InputError(
                f"record {config.record}: {error.strerror or error}; give a file that this step "
                "may write, on a mounted volume, gs:// or s3://"
            ) from None
        return
    folder, _, name = config.record.rpartition("/")
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "record")
        file.write_text(text, encoding="utf-8")
        open_bucket(folder).upload(file, name)


def read_record(address: str) -> Record | None:
    """What was noted, None if nothing was.

    Raises:
        InputError: if the file is no such record.
    """
    text = _read(address)
    if text is None:
        return None
    return decode_json(
        text,
        Record,
        source=f"record {address}",
        remedy="name another file, or remove it to train on the dump in any case",
    )


def _expect_writable(address: str) -> None:
    """Look at a folder before days of training; a bucket says it when it is written to."""
    if address.startswith(SCHEMES):
        return
    try:
        expect_place(Path(address))
    except InputError as error:
        raise InputError(
            f"record {error}: a file that this step may write, on a mounted volume, gs:// or s3://"
        ) from None


def make_fingerprint(files: list[Source], config: SourceConfig) -> str:
    """A SHA-256 over what tells each file from an earlier one of its name."""
    lines = sorted(f"{file.label} {_identify(file, config)}" for file in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _identify(file: Source, config: SourceConfig) -> str:
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


def _date(source: Source, config: SourceConfig) -> Source:
    """A latest dump by its date, anything else as it is."""
    name = parse_dump_name(source.location)
    if name is None or os.path.exists(source.location):
        return source
    return Source(str(open_site(config).date(name)))


def _read(address: str) -> bytes | None:
    if not address.startswith(SCHEMES):
        path = Path(address)
        return path.read_bytes() if path.exists() else None
    folder, _, name = address.rpartition("/")
    bucket = open_bucket(folder)
    if name not in bucket.names():
        return None
    with tempfile.TemporaryDirectory() as scratch:
        bucket.download(name, Path(scratch, "record"))
        return Path(scratch, "record").read_bytes()
