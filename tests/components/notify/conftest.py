"""What the tests of notify share: a webhook on this machine, and a run's folder."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from components.notify import webhook
from components.notify.config import URL_VARIABLE, NotifyConfig
from tests.servers import Webhook, running


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    """A webhook that is asked again without a pause."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setattr(webhook, "_SECONDS_BETWEEN_TRIES", 0.0)
    with running(Webhook()) as server:
        yield server


@pytest.fixture
def leave(tmp_path: Path) -> Callable[[str, Any], None]:
    """Write a file of a run as a step leaves it; what is no text is written as JSON."""

    def write(name: str, content: Any) -> None:
        path = tmp_path / "run-1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")

    return write


@pytest.fixture
def make_config(tmp_path: Path, hook: Webhook) -> Callable[..., NotifyConfig]:
    """Make the settings of a run that ended in some state, as KFP 2.17.0 gave them."""

    def make(state: str, **settings: Any) -> NotifyConfig:
        return NotifyConfig(
            **{"notify_url": hook.url, "pipeline": "bert-retraining", **settings},
            final_status={
                "state": state,
                "error": {},
                "pipelineJobResourceName": "bert-retraining-h7spn",
                "pipelineTaskName": "exit-handler-1",
            },
            notification=tmp_path / "run-1" / "notify" / "notification",
        )

    return make
