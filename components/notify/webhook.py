"""Sends a message to a webhook, whose address is a secret."""

import time
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests

_TIMEOUT_SECONDS = 20.0
_NUM_TRIES = 3
_SECONDS_BETWEEN_TRIES = 5.0


def deliver(url: str, body: dict[str, Any]) -> str:
    """Send a message; return why it could not be delivered, or an empty text.

    No error of the network names the address: that of Slack's webhooks is a password.
    """
    problem = ""
    for number in range(_NUM_TRIES):
        if number:
            time.sleep(_SECONDS_BETWEEN_TRIES)
        try:
            answer = requests.post(url, json=body, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
        except (requests.RequestException, ValueError) as error:
            problem = _explain(error)
            continue
        if answer.ok and not answer.is_redirect:
            return ""
        problem = f"the server answers {answer.status_code}"
        if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            break
    return f"{_name_host(url)}: {problem}"


def _explain(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return f"no answer within {_TIMEOUT_SECONDS:.0f} seconds"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted here"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return f"the address is invalid ({type(error).__name__})"


def _name_host(url: str) -> str:
    """Return the part of an address that is not secret."""
    try:
        return urlsplit(url).hostname or "the webhook"
    except ValueError:
        return "the webhook"
