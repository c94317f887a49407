"""Whether the inputs of a training changed since the last one, which a small file records."""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from components.ingest.config import LookConfig, RecordConfig, SourceConfig
from components.ingest.download.sources import Source, parse_dump
from components.ingest.dump.find import open_site
from components.ingest.dump.names import parse_dump_name
from components.ingest.inputs import VERSION_INPUT, compare_inputs, identify_inputs
from components.shared.documents import decode_json
from components.shared.errors import InputError
from components.shared.files import expect_place, write_text
from components.shared.stage import Metadata
from components.shared.storage.locations import SCHEMES
from components.shared.storage.transfers import open_bucket
from components.shared.text import mask_addresses
from components.shared.training.checkpoint_store import remove_states_under


@dataclass(frozen=True)
class Record:
    """What was trained on last."""

    dump: str
    fingerprint: str
    """The dump's."""
    recorded: str
    """When, in ISO 8601."""
    inputs: dict[str, str] | None = None
    """What identifies each input. The first version of this file has the dump's alone, above."""

    def known_inputs(self) -> dict[str, str]:
        """Return what identifies each input that was recorded."""
        if self.inputs is None:
            return {"dump": self.fingerprint}
        return self.inputs


def look(config: LookConfig) -> Metadata:
    """Compare the inputs as they are now with the record, and write the output parameters.

    Raises:
        InputError: if there is no such input, or the record can't be read, or not be written
            when the training is done.
    """
    _expect_writable(config.record)
    noted = read_record(config.record)
    sources = [_date(source, config) for source in parse_dump(config.dump)]
    inputs = identify_inputs(config, sources)
    changes = _list_changes(inputs, noted, config.retrain_on)
    shown = ",".join(source.label for source in sources) or "text"
    summary = _summarize(shown, inputs, changes, noted, config.record)
    fingerprint = inputs.get("dump", "none")
    write_text(config.is_new, json.dumps(bool(changes)))
    write_text(config.found_dump, ",".join(source.location for source in sources))
    write_text(config.fingerprint, fingerprint)
    write_text(config.dump_checkpoints, _name_checkpoints(config, inputs))
    print(summary, flush=True)
    if config.inputs is None or config.changes is None:
        return {}
    write_text(config.inputs, json.dumps(inputs))
    told = {"is_new": bool(changes), "summary": summary}
    write_text(config.changes, json.dumps({**told, "changes": changes}, indent=2) + "\n")
    return {"changes": told}


def _list_changes(
    inputs: Mapping[str, str], noted: Record | None, retrain_on: Collection[str]
) -> list[str]:
    """Return what changed since the record, of what a new training is worth."""
    if noted is None:
        return ["nothing is recorded"]
    # The version before recorded the dump alone: the others are no change after an upgrade.
    compared = inputs if noted.inputs is not None else {"dump": inputs.get("dump", "")}
    now, then = (
        {name: value for name, value in known.items() if _is_wanted(name, retrain_on)}
        for known in (compared, noted.known_inputs())
    )
    return compare_inputs(now, then)


def _is_wanted(name: str, retrain_on: Collection[str]) -> bool:
    return ("version" if name == VERSION_INPUT else "data") in retrain_on


def _summarize(
    shown: str, inputs: Mapping[str, str], changes: Sequence[str], noted: Record | None, record: str
) -> str:
    """Return a sentence on what is new, or on what was compared."""
    if noted is None:
        return f"new: {shown}; {record} records nothing yet"
    if changes:
        return f"new: {shown}; {', '.join(changes)} since {noted.recorded} ({noted.dump})"
    compared = ", ".join(name for name in inputs if name in noted.known_inputs())
    return (
        f"nothing new: {shown} was trained on, recorded on {noted.recorded}; compared: {compared}"
    )


def _name_checkpoints(config: LookConfig, inputs: Mapping[str, str]) -> str:
    """Return the folder of the checkpoints of trainings on the same data."""
    directory = config.checkpoint_directory.rstrip("/")
    if not directory:
        return ""
    data = {name: value for name, value in inputs.items() if name != VERSION_INPUT}
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    return f"{directory}/data-{digest[:16]}"


def record(config: RecordConfig) -> None:
    """Record what was trained on, and remove the checkpoints of the trainings on it.

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
    inputs = decode_json(config.inputs, dict[str, str], source="inputs") if config.inputs else None
    content = Record(mask_addresses(config.dump), config.fingerprint, now, inputs)
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
    """What was recorded, None if nothing was.

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
