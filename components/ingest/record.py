"""The small file that records what was trained on last."""

import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from components.ingest.look_config import RecordConfig
from components.shared.errors import InputError
from components.shared.files.atomic import expect_place, write_text
from components.shared.files.documents import decode_json
from components.shared.files.formats import decode_stamped, stamp
from components.shared.files.text import mask_addresses
from components.shared.storage.locations import SCHEMES
from components.shared.storage.transfers import open_bucket
from components.shared.training.resuming.checkpoint_store import remove_states_under


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
    text = json.dumps({**stamp("record"), **asdict(content)}, indent=2) + "\n"
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
    """Return what was recorded; None if nothing was.

    Raises:
        InputError: if the file is no such record.
    """
    text = _read(address)
    if text is None:
        return None
    return decode_stamped(
        text,
        Record,
        kind="record",
        source=f"record {address}",
        remedy="name another file, or remove it to train on the dump in any case",
    )


def expect_writable(address: str) -> None:
    """Look at a folder before days of training; a bucket says it when it is written to."""
    if address.startswith(SCHEMES):
        return
    try:
        expect_place(Path(address))
    except InputError as error:
        raise InputError(
            f"record {error}: a file that this step may write, on a mounted volume, gs:// or s3://"
        ) from None


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
