"""Writes the message on a run's end, in the forms that webhooks take."""

import dataclasses
from typing import Any

from components.notify.run_outcome import Outcome
from components.shared.files.text import mask_addresses

_MAX_ERROR_CHARACTERS = 2000
_STATUS_TO_WORDS = {
    "failed": "failed",
    "held_back": "held back",
    "published": "published",
    "nothing_new": "nothing new",
    "already_running": "already running",
    "ended": "ended",
}
# What Slack takes for marks of its own.
_SLACK_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def make_message(outcome: Outcome, *, run: str, pipeline: str, ui_url: str) -> dict[str, Any]:
    """Return the fields of a message, without secrets."""
    link = f"{ui_url.rstrip('/')}/#/runs/details/{run}" if ui_url else ""
    return {
        "run": run,
        "pipeline": pipeline,
        **dataclasses.asdict(outcome),
        "summary": mask_addresses(outcome.summary),
        "error": mask_addresses(outcome.error)[:_MAX_ERROR_CHARACTERS],
        "link": link,
    }


def make_slack_body(message: dict[str, Any]) -> dict[str, str]:
    """Return a message as one text, as Slack, Mattermost and Rocket.Chat take it."""
    lines = [f"{message['pipeline']}: {_STATUS_TO_WORDS[message['status']]}", message["summary"]]
    in_use = message["scores_in_use"]
    for name, score in message["scores"].items():
        beside = f" (in use: {in_use[name]:.2f})" if name in in_use else ""
        lines.append(f"{name} {score:.2f}{beside}")
    if "\n" in message["error"]:  # otherwise the summary has all of it
        lines.append(message["error"])
    lines.append(message["link"] or f"run {message['run']}")
    return {"text": "\n".join(lines).translate(_SLACK_ESCAPES)}
