"""Whether the inputs of a training changed since the last one, which a small file records."""

import hashlib
import json
import os
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from components.ingest.config import CURRENT, SourceConfig
from components.ingest.download.sources import Source, parse_dump
from components.ingest.dump.find import open_site
from components.ingest.dump.names import parse_dump_name
from components.ingest.inputs import NO_DATA, compare_inputs, identify_inputs
from components.ingest.look_config import LookConfig
from components.ingest.record import Record, expect_writable, read_record
from components.shared.errors import InputError
from components.shared.files.atomic import write_text
from components.shared.model_store.store import open_store
from components.shared.model_store.verification import MODEL
from components.shared.run_claim import Claim, claim_of, claim_record, release_record
from components.shared.stage.start import Metadata
from components.shared.storage.artifact_paths import identify_run

_SECONDS_BETWEEN_TRIES = 60.0


def look(config: LookConfig) -> Metadata:
    """Compare the inputs as they are now with the record, and write the output parameters.

    Raises:
        InputError: if there is no such input, or the record can't be read, or not be written
            when the training is done.
    """
    expect_writable(config.record)
    run = identify_run(config.changes) if config.changes else ""
    if run and (other := _claim(config, run)):
        return _write_found(
            config, status="already_running", summary=_describe_running(other, config.record)
        )
    is_new = False
    try:
        found = _look(config)
        is_new = found["status"] == "new"
        return _write_found(config, **found)
    finally:
        if run and not is_new:  # the others need not wait for this run's last step
            release_record(config.record, run)


def _look(config: LookConfig) -> dict[str, Any]:
    """Return what to write of the inputs as they are now."""
    noted = read_record(config.record)
    sources = [_date(source, config) for source in parse_dump(config.dump)]
    inputs = identify_inputs(config, sources)
    changes = _list_changes(inputs, noted, config.retrain_on)
    shown = ",".join(source.label for source in sources) or "text"
    return {
        "status": "new" if changes else "nothing_new",
        "summary": _summarize(shown, inputs, changes, noted, config.record),
        "dump": ",".join(source.location for source in sources),
        "inputs": inputs,
        "changes": changes,
        "checkpoint": _find_start(config) if changes else "",
    }


def _write_found(
    config: LookConfig,
    *,
    status: Literal["new", "nothing_new", "already_running"],
    summary: str,
    dump: str = "",
    inputs: Mapping[str, str] | None = None,
    changes: Sequence[str] = (),
    checkpoint: str = "",
) -> Metadata:
    """Write all outputs: Kubeflow needs each, even if no later step runs."""
    inputs = inputs or {}
    write_text(config.is_new, json.dumps(status == "new"))
    write_text(config.found_dump, dump)
    write_text(config.fingerprint, inputs.get("dump", "none"))
    write_text(config.dump_checkpoints, _name_checkpoints(config, inputs, checkpoint))
    print(summary, flush=True)
    if config.found_checkpoint is not None:
        write_text(config.found_checkpoint, checkpoint)
    if config.inputs is None or config.changes is None:
        return {}
    write_text(config.inputs, json.dumps(inputs))
    told = {"status": status, "summary": summary, "changed": ", ".join(changes)}
    write_text(config.changes, json.dumps(told, indent=2) + "\n")
    return {"changes": told}


def _claim(config: LookConfig, run: str) -> Claim | None:
    """Return another run's claim on the record; None once this run has it."""
    waits_for = ""
    while True:
        other = claim_record(config.record, run, max_hours=config.max_run_hours)
        if other is None or config.when_running == "end":
            return other
        if other.run != waits_for:
            waits_for = other.run
            print(f"waiting: {_describe_running(other, config.record)}", flush=True)
        time.sleep(_SECONDS_BETWEEN_TRIES)


def _describe_running(claim: Claim, record: str) -> str:
    return (
        f"already running: run {claim.run} works on {record} since {claim.since}; if that run is "
        f"over, remove {claim_of(record)}"
    )


def _find_start(config: LookConfig) -> str:
    """Return the checkpoint to start from: of the model in use, the version that it is now.

    Raises:
        InputError: if no model is in use, and the run is to end then.
    """
    if config.initial_checkpoint != CURRENT:
        return config.initial_checkpoint
    store = open_store(config.model_store)
    if version := store.find_current():
        return store.find_path(version, MODEL)
    if config.without_current == "scratch":
        return ""
    raise InputError(
        f"model_store {config.model_store}: no model is in use to start from; release one, or set "
        "without_current to scratch"
    )


def _list_changes(
    inputs: Mapping[str, str], noted: Record | None, retrain_on: Collection[str]
) -> list[str]:
    """Return what changed since the record, of what a new training is worth."""
    if noted is None:
        return ["nothing is recorded"]
    known = noted.known_inputs()
    # What an earlier version did not record is not a change after an upgrade.
    compared = {
        name: value
        for name, value in inputs.items()
        if name in known or (name not in NO_DATA and noted.inputs is not None)
    }
    now, then = (
        {name: value for name, value in each.items() if _is_wanted(name, retrain_on)}
        for each in (compared, known)
    )
    return compare_inputs(now, then)


def _is_wanted(name: str, retrain_on: Collection[str]) -> bool:
    return (name if name in NO_DATA else "data") in retrain_on


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


def _name_checkpoints(config: LookConfig, inputs: Mapping[str, str], checkpoint: str) -> str:
    """Return the folder of the checkpoints of trainings on the same data, from the same model."""
    directory = config.checkpoint_directory.rstrip("/")
    if not directory:
        return ""
    data = {name: value for name, value in inputs.items() if name not in NO_DATA}
    if config.initial_checkpoint == CURRENT:
        data[CURRENT] = checkpoint
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    return f"{directory}/data-{digest[:16]}"


def _date(source: Source, config: SourceConfig) -> Source:
    """A latest dump by its date, anything else as it is."""
    name = parse_dump_name(source.location)
    if name is None or os.path.exists(source.location):
        return source
    return Source(str(open_site(config).date(name)))
