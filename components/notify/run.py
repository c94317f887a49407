"""The notifying stage."""

import json
import os
import sys
from collections.abc import Collection

from components.notify.config import URL_VARIABLE, WEB_SCHEMES, NotifyConfig
from components.notify.message import make_message, make_slack_body
from components.notify.run_folder import RunFolder
from components.notify.run_outcome import SUCCEEDED, Outcome, find_outcome
from components.notify.webhook import deliver
from components.shared.errors import InputError
from components.shared.files.atomic import write_text
from components.shared.run_claim import release_record
from components.shared.stage.start import Metadata
from components.shared.storage.artifact_paths import identify_run


def run(config: NotifyConfig) -> Metadata:
    """Let other runs take up the record, and send a message on the run's end if one is wanted.

    A webhook that can't be reached costs a warning, not the run.
    """
    if config.record:
        _release(config.record, identify_run(config.notification))
    url = config.notify_url or os.environ.get(URL_VARIABLE, "").strip()
    if not url:
        write_text(config.notification, "{}\n")
        print(f"notify: no message: neither notify_url nor {URL_VARIABLE} is given", flush=True)
        return {}
    folder = RunFolder(config.notification)
    state = config.final_status.get("state", "")
    outcome = _find_outcome(state, folder)
    message = make_message(outcome, run=folder.run, pipeline=config.pipeline, ui_url=config.ui_url)
    write_text(config.notification, json.dumps(message, indent=2) + "\n")
    print(f"notify: {outcome.status}: {message['summary']}", flush=True)
    if not _is_wanted(outcome, state, config.notify_on):
        print("notify: no message: notify_on leaves this end out", flush=True)
    elif not url.startswith(WEB_SCHEMES):
        _warn(f"{URL_VARIABLE} must be an http:// or https:// address")
    else:
        is_slack = config.notify_format == "slack"
        problem = deliver(url, make_slack_body(message) if is_slack else message)
        if problem:
            _warn(f"{problem}; check the webhook, then send a message by hand with curl")
    return {"notification": {"status": outcome.status, "summary": message["summary"]}}


def _release(record: str, run: str) -> None:
    """Remove the run's claim; one that can't be removed is obsolete some days later."""
    try:
        release_record(record, run)
    except InputError as error:
        print(f"notify: warning: {error}", file=sys.stderr, flush=True)


def _find_outcome(state: str, folder: RunFolder) -> Outcome:
    """Return how the run ended, as far as its files can be read."""
    try:
        return find_outcome(state, folder)
    except InputError as error:
        status = "failed" if state == "FAILED" else "ended"
        return Outcome(status=status, summary=f"the run {status}; its files can't be read: {error}")


def _is_wanted(outcome: Outcome, state: str, events: Collection[str]) -> bool:
    """Return whether an end is one of those to tell, or may be, where the files don't say which."""
    if outcome.status == "ended":
        return bool(set(events) - ({"failed"} if state in SUCCEEDED else set()))
    return outcome.status in events


def _warn(problem: str) -> None:
    print(f"notify: warning: the message was not delivered: {problem}", file=sys.stderr, flush=True)
