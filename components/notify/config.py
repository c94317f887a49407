"""The settings of the notifying stage."""

import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from components.shared.errors import InputError
from components.shared.stage.settings import Rare, expect_choices

URL_VARIABLE = "NOTIFY_URL"
"""The environment variable with the webhook's address, where the setting is empty."""
WEB_SCHEMES = ("http://", "https://")

Event = Literal["failed", "held_back", "published", "nothing_new", "already_running"]


@dataclass(frozen=True, kw_only=True)
class NotifyConfig:
    """Tell people how a run ended, by a message to a webhook."""

    notify_url: str = ""
    """Webhook that gets a message when a run ends. It is shown among the run's parameters: where
    the address is secret, leave it empty and put it into the secret bert-notify (key url) on a
    cluster, into the environment variable NOTIFY_URL elsewhere. Without either, nothing is sent."""
    notify_on: tuple[Event, ...] = typing.get_args(Event)
    """Outcomes of a run to send a message about."""
    notify_format: Literal["json", "slack"] = "json"
    """Body of the message: json has a field for each fact; slack is one text, as webhooks of Slack,
    Mattermost and the like take it."""
    ui_url: Rare[str] = ""
    """URL at which people open Kubeflow's UI, for the message's link to the run. Empty sends no
    link."""

    pipeline: str
    """The pipeline's name."""
    record: str = ""
    """The record that the run worked on, for the next run to take up. Empty for none."""
    final_status: dict[str, str]
    """How the steps before ended, as Kubeflow says it: `state` with SUCCEEDED or FAILED."""
    notification: Path
    """Output: the message, JSON; the run's other files are looked for in the folders beside it."""

    def __post_init__(self) -> None:
        expect_choices(self)
        for name in ("notify_url", "ui_url"):
            address = getattr(self, name)
            if address and not address.startswith(WEB_SCHEMES):
                # Without the address: a webhook's is a password.
                raise InputError(f"{name} must be an http:// or https:// address")
